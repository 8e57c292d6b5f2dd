// SPDX-License-Identifier: MIT OR Apache-2.0
//! Routes and routing rules of systemd-networkd's `.network` files.

use super::rule;
use crate::network::address::Cidr;
use crate::network::model::{Interface, Route, RouteKind, Rule};
use crate::text::{ini::Ini, is_yes};
use std::net::IpAddr;

/// Adds the routes and rules of a file to its interface.
pub(super) fn apply(ini: &Ini, file: &str, i: &mut Interface, warnings: &mut Vec<String>) {
    for route in ini.sections("Route") {
        let get = |k: &str| {
            route
                .iter()
                .rfind(|(key, _)| key == k)
                .map(|(_, v)| v.as_str())
        };
        match section_route(&get) {
            Ok(found) => i.add_route(found),
            Err(why) => {
                let what = get("Destination").or(get("Gateway")).unwrap_or_default();
                warnings.push(format!(
                    "{file}: the route {what} is not carried over: {why}"
                ));
            }
        }
        const KNOWN: [&str; 10] = [
            "Destination",
            "Gateway",
            "GatewayOnLink",
            "GatewayOnlink",
            "Metric",
            "PreferredSource",
            "Table",
            "Type",
            "Scope",
            "Protocol",
        ];
        for (key, value) in route.iter().filter(|(k, _)| !KNOWN.contains(&k.as_str())) {
            warnings.push(format!(
                "{file}: `{key}={value}` of a route is not carried over"
            ));
        }
    }
    for pairs in ini.sections("RoutingPolicyRule") {
        match section_rule(pairs) {
            Ok((rule, v4, v6)) => {
                i.v4.rules.extend(v4.then(|| rule.clone()));
                i.v6.rules.extend(v6.then_some(rule));
            }
            Err(why) => warnings.push(format!("{file}: a routing rule is not carried over: {why}")),
        }
    }
}

/// Parses a `[Route]` section; the error says why there can be no such route.
fn section_route<'a>(get: &impl Fn(&str) -> Option<&'a str>) -> Result<Route, String> {
    let get = |key: &str| get(key).filter(|v| !v.is_empty());
    let via = match get("Gateway") {
        // `_dhcp4` and `_ipv6ra` mean the gateway from DHCP or router
        // advertisements.
        Some(text) => Some(
            text.parse::<IpAddr>()
                .map_err(|_| format!("Gateway={text}"))?,
        ),
        None => None,
    };
    let to = match get("Destination") {
        Some(text) => Cidr::parse(text).ok_or_else(|| format!("Destination={text}"))?,
        None => {
            let via = via.ok_or_else(|| "it has neither Destination nor Gateway".to_owned())?;
            Cidr::default_of(via.is_ipv6())
        }
    };
    let kind = match get("Type") {
        Some(text) => RouteKind::named(text).ok_or_else(|| format!("Type={text}"))?,
        None => RouteKind::Unicast,
    };
    let on_link = get("GatewayOnLink").or(get("GatewayOnlink"));
    Ok(Route {
        metric: get("Metric").and_then(|m| m.parse().ok()),
        on_link: on_link.is_some_and(is_yes),
        source: get("PreferredSource").and_then(|s| s.parse().ok()),
        table: get("Table").map(str::to_owned),
        kind,
        ..Route::new(to, via)
    })
}

/// Parses a `[RoutingPolicyRule]` section, and says for which families it is. The
/// error names what is not understood.
fn section_rule(pairs: &[(String, String)]) -> Result<(Rule, bool, bool), String> {
    let mut rule = Rule::default();
    let (mut v4, mut v6) = (false, false);
    let mut family = "";
    for (key, value) in pairs.iter().filter(|(_, v)| !v.is_empty()) {
        let wrong = || format!("{key}={value}");
        match key.as_str() {
            "From" | "To" => {
                let network = Cidr::parse(value).ok_or_else(wrong)?;
                v6 |= network.ip.is_ipv6();
                v4 |= network.ip.is_ipv4();
                let end = if key == "To" {
                    &mut rule.to
                } else {
                    &mut rule.from
                };
                *end = Some(network).filter(|n| n.prefix != 0);
            }
            "Table" => rule.table = Some(value.clone()),
            "Priority" => rule.priority = Some(value.parse().map_err(|_| wrong())?),
            "FirewallMark" => rule.mark = Some(rule::mark(value).ok_or_else(wrong)?),
            "IncomingInterface" => rule.incoming = Some(value.clone()),
            "OutgoingInterface" => rule.outgoing = Some(value.clone()),
            "TypeOfService" => rule.tos = Some(value.parse().map_err(|_| wrong())?),
            "InvertRule" => rule.inverted = is_yes(value),
            "Family" => family = value,
            _ => return Err(wrong()),
        }
    }
    match family {
        "both" => (v4, v6) = (true, true),
        "ipv6" => v6 = true,
        _ if !v6 => v4 = true,
        _ => {}
    }
    if v4 && v6 && (rule.from.is_some() || rule.to.is_some()) {
        return Err("it is for both families".to_owned());
    }
    Ok((rule, v4, v6))
}
