// SPDX-License-Identifier: MIT OR Apache-2.0
//! `route-*` and `rule-*` files of /etc/sysconfig/network-scripts, and
//! /etc/sysconfig/static-routes (EL7 and earlier; initscripts' sysconfig.txt).

use super::command::{self, Command};
use super::rule;
use crate::network::address::{Cidr, prefix_length};
use crate::network::model::{Route, Rule};
use crate::text::{line_of, shell};
use std::collections::BTreeMap;

/// A `rule-*` or `rule6-*` file.
pub(super) fn rules(text: &str, v6: bool, source: &str, warnings: &mut Vec<String>) -> Vec<Rule> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        match rule::parse(line, v6) {
            Ok(rule) => found.push(rule),
            Err(why) => warnings.push(format!(
                "{source}:{}: the routing rule `{line}` is not carried over: {why}",
                at + 1
            )),
        }
    }
    found
}

/// A `route-*` or `route6-*` file, in either of its two forms. Each route has
/// its line's number.
pub(super) fn routes(
    text: &str,
    v6: bool,
    source: &str,
    warnings: &mut Vec<String>,
) -> Vec<(usize, Command)> {
    let v = shell::parse(text);
    if v.keys().any(|k| k.starts_with("ADDRESS")) {
        return numbered_routes(text, &v, source, warnings);
    }
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.is_empty() {
            continue;
        }
        match command::route(&words, v6) {
            Ok(command) => found.push((at + 1, command)),
            Err(why) => warnings.push(format!(
                "{source}:{}: the route `{}` is not carried over: {why}",
                at + 1,
                line.trim()
            )),
        }
    }
    found
}

/// `ADDRESS0=`, `NETMASK0=`, `GATEWAY0=`.
fn numbered_routes(
    text: &str,
    v: &BTreeMap<String, String>,
    source: &str,
    warnings: &mut Vec<String>,
) -> Vec<(usize, Command)> {
    let number = |k: &String| {
        k.strip_prefix("ADDRESS")
            .and_then(|n| n.parse::<u32>().ok())
    };
    let mut numbers: Vec<u32> = v.keys().filter_map(number).collect();
    numbers.sort_unstable();
    let mut found = Vec::new();
    for n in numbers {
        let get = |key: &str| v.get(&format!("{key}{n}")).filter(|v| !v.is_empty());
        let line = line_of(text, &format!("ADDRESS{n}"));
        let ip = get("ADDRESS").and_then(|a| a.parse().ok());
        let prefix = get("NETMASK")
            .or(get("PREFIX"))
            .map_or(Some(32), |m| prefix_length(m));
        let to = ip
            .zip(prefix)
            .and_then(|(ip, prefix)| Cidr::new(ip, prefix));
        let Some(to) = to else {
            warnings.push(format!(
                "{source}:{line}: the route number {n} is no network and is not carried over"
            ));
            continue;
        };
        let command = Command {
            device: None,
            route: Route {
                metric: get("METRIC").and_then(|m| m.parse().ok()),
                ..Route::new(to, get("GATEWAY").and_then(|g| g.parse().ok()))
            },
            lost: Vec::new(),
        };
        found.push((line, command));
    }
    found
}

/// A line of /etc/sysconfig/static-routes: the interface, or `any`, and what
/// follows the dash of `route add -`.
pub(super) fn static_route(line: &str) -> Option<Result<Command, String>> {
    let line = line.split('#').next().unwrap_or_default();
    let mut words = line.split_whitespace();
    let device = words.next()?;
    let kind = format!("-{}", words.next().unwrap_or_default());
    let words: Vec<&str> = ["add", &kind].into_iter().chain(words).collect();
    Some(command::old_route(&words, false).map(|mut command| {
        if device != "any" {
            command.device = Some(device.to_owned());
        }
        command
    }))
}
