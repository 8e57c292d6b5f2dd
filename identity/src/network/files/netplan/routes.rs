// SPDX-License-Identifier: MIT OR Apache-2.0
//! Routes and routing policies.

use crate::network::address::Cidr;
use crate::network::files::rule;
use crate::network::model::{Route, RouteKind, Rule};
use crate::text::{is_yes, yaml::Node};
use std::net::IpAddr;

/// Parses a route; also returns settings that are not understood. The error says
/// why there can be no such route.
pub(super) fn route(node: &Node) -> Result<(Route, Vec<String>), String> {
    let text = |name: &str| node.get(name).and_then(Node::text);
    let via = match text("via") {
        Some(via) => Some(via.parse::<IpAddr>().map_err(|_| format!("via: {via}"))?),
        None => None,
    };
    let to = match text("to").unwrap_or_default() {
        "default" => Cidr::default_of(via.is_some_and(|v| v.is_ipv6())),
        to => Cidr::parse(to).ok_or_else(|| format!("to: {to}"))?,
    };
    let number = |name: &str| match text(name) {
        Some(text) => text
            .parse()
            .map(Some)
            .map_err(|_| format!("{name}: {text}")),
        None => Ok(None),
    };
    let kind = text("type").unwrap_or("unicast");
    let source = match text("from") {
        Some(from) => Some(from.parse().map_err(|_| format!("from: {from}"))?),
        None => None,
    };
    let route = Route {
        metric: number("metric")?,
        on_link: text("on-link").is_some_and(is_yes),
        source,
        table: number("table")?.map(|t| t.to_string()),
        kind: RouteKind::named(kind).ok_or_else(|| format!("type: {kind}"))?,
        ..Route::new(to, via)
    };
    const KNOWN: [&str; 9] = [
        "to", "via", "metric", "on-link", "from", "table", "type", "scope", "protocol",
    ];
    let lost = node
        .pairs()
        .iter()
        .filter(|(n, _)| !KNOWN.contains(&n.as_str()));
    let lost = lost.map(|(n, v)| v.shown_as(n)).collect();
    Ok((route, lost))
}

/// Parses a rule; also returns whether it is for IPv6. The error names what is
/// not understood.
pub(super) fn policy(node: &Node) -> Result<(bool, Rule), String> {
    let mut rule = Rule::default();
    let mut v6 = false;
    for (name, value) in node.pairs() {
        let text = value.text().unwrap_or_default();
        let wrong = || value.shown_as(name);
        match name.as_str() {
            "from" | "to" => {
                let network = Cidr::parse(text).ok_or_else(wrong)?;
                v6 |= network.ip.is_ipv6();
                let end = if name == "to" {
                    &mut rule.to
                } else {
                    &mut rule.from
                };
                *end = Some(network).filter(|n| n.prefix != 0);
            }
            "table" => rule.table = Some(text.to_owned()),
            "priority" => rule.priority = Some(text.parse().map_err(|_| wrong())?),
            "mark" => rule.mark = Some(rule::mark(text).ok_or_else(wrong)?),
            "type-of-service" => rule.tos = Some(text.parse().map_err(|_| wrong())?),
            _ => return Err(wrong()),
        }
    }
    Ok((v6, rule))
}
