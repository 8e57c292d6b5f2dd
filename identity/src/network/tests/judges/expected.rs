// SPDX-License-Identifier: MIT OR Apache-2.0
//! What of a network the kernel does not have.

use super::machine::Machine;
use crate::network::Cidr;
use crate::network::model::{Interface, Kind, Network, Route, Rule};

/// What the kernel has, as iproute2 says it, line by line in words.
pub struct Seen {
    links: Vec<Vec<String>>,
    addresses: Vec<Vec<String>>,
    routes: Vec<Vec<String>>,
    rules: Vec<Vec<String>>,
}

impl Seen {
    pub fn look(machine: &mut Machine) -> Seen {
        let mut ask = |command: &str| -> Vec<Vec<String>> {
            let said = machine.sh(command);
            let words = |l: &str| l.split_whitespace().map(str::to_owned).collect();
            said.lines().map(words).collect()
        };
        Seen {
            links: ask("ip -o link"),
            addresses: ask("ip -o addr"),
            routes: ask("ip route show table all; ip -6 route show table all"),
            rules: ask("ip rule; ip -6 rule"),
        }
    }

    /// What is missing of an interface, one thing a text. `warnings` have been
    /// said: what they name may be missing.
    pub fn missing(&self, i: &Interface, network: &Network, warnings: &[String]) -> Vec<String> {
        let mut missing = Vec::new();
        if let Some(master) = &i.master {
            let bridge =
                |m: &&Interface| m.name == *master && matches!(m.kind, Kind::Bridge { .. });
            let bridge = network.interfaces.iter().find(bridge).is_some();
            if bridge && !has(&self.links, &i.name, &["master", master]) {
                missing.push(format!("{} is no port of {master}", i.name));
            }
            return missing;
        }
        if let Some(mtu) = i.mtu
            && !has(&self.links, &i.name, &["mtu", &mtu.to_string()])
        {
            missing.push(format!("{}: MTU {mtu}", i.name));
        }
        for (f, v6) in i.families().into_iter().zip([false, true]) {
            for address in &f.addresses {
                if !has(&self.addresses, &i.name, &[&address.to_string()]) {
                    missing.push(format!("{}: address {address}", i.name));
                }
            }
            let gateway = f.gateway.map(|g| Route {
                metric: f.metric,
                ..Route::new(Cidr::default_of(v6), Some(g))
            });
            for route in gateway.iter().chain(&f.routes) {
                let said = format!("route to {}", route.to);
                let said = warnings
                    .iter()
                    .any(|w| w.contains(&said) && w.starts_with(&i.name));
                if !said
                    && !self
                        .routes
                        .iter()
                        .any(|line| is_route(line, &i.name, route))
                {
                    missing.push(format!("{}: {route:?}", i.name));
                }
            }
            for rule in &f.rules {
                let said = warnings
                    .iter()
                    .any(|w| w.contains("rule") && w.starts_with(&i.name));
                if !said && !self.rules.iter().any(|line| is_rule(line, rule)) {
                    missing.push(format!("{}: rule {}", i.name, rule.words()));
                }
            }
        }
        missing
    }

    pub fn text(&self) -> String {
        let all = [&self.links, &self.addresses, &self.routes, &self.rules];
        let lines = all.into_iter().flatten().map(|l| l.join(" "));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Whether a line of an interface has these words, one after the other.
fn has(lines: &[Vec<String>], name: &str, words: &[&str]) -> bool {
    lines.iter().any(|line| {
        let own = line.get(1).and_then(|w| w.split([':', '@']).next());
        own == Some(name) && follow(line, words)
    })
}

fn follow(line: &[String], words: &[&str]) -> bool {
    line.windows(words.len()).any(|w| w == words)
}

/// As iproute2 writes a network.
fn network(to: &Cidr) -> String {
    match (to.prefix, to.ip.is_ipv6()) {
        (0, _) => "default".into(),
        (32, false) | (128, true) => to.ip.to_string(),
        _ => to.to_string(),
    }
}

fn is_route(line: &[String], name: &str, route: &Route) -> bool {
    let mut words = line.iter().map(String::as_str);
    let mut first = words.next();
    if !route.kind.is_plain() {
        if first != Some(route.kind.name()) {
            return false;
        }
        first = words.next();
    }
    let v6 = route.to.ip.is_ipv6();
    let mut pairs: Vec<Vec<String>> = Vec::new();
    let mut pair = |key: &str, value: String| pairs.push(vec![key.into(), value]);
    if route.kind.is_plain() {
        pair("dev", name.into());
    }
    if let Some(metric) = route.metric {
        pair("metric", metric.to_string());
    }
    if let Some(source) = route.source {
        pair("src", source.to_string());
    }
    if let Some(table) = &route.table {
        pair("table", table.clone());
    }
    if let Some(via) = route.via {
        match via.is_ipv6() == v6 {
            true => pair("via", via.to_string()),
            false => pair("inet6", via.to_string()),
        }
    }
    let fits = |p: &Vec<String>| follow(line, &p.iter().map(String::as_str).collect::<Vec<_>>());
    let main = route.table.is_some() || !line.iter().any(|w| w == "table");
    // Both families have one.
    let ip = v6 == line.iter().any(|w| w == "pref") || !route.kind.is_plain();
    first == Some(&network(&route.to)) && main && ip && pairs.iter().all(fits)
}

fn is_rule(line: &[String], rule: &Rule) -> bool {
    let mut pairs: Vec<[String; 2]> = Vec::new();
    let mut pair = |key: &str, value: String| pairs.push([key.into(), value]);
    if let Some(from) = &rule.from {
        match from.prefix {
            0 => pair("from", "all".into()),
            _ => pair("from", network(from)),
        }
    }
    if let Some(to) = rule.to.filter(|t| t.prefix != 0) {
        pair("to", network(&to));
    }
    if let Some(mark) = &rule.mark {
        pair("fwmark", mark.clone());
    }
    if let Some(device) = &rule.incoming {
        pair("iif", device.clone());
    }
    if let Some(device) = &rule.outgoing {
        pair("oif", device.clone());
    }
    match rule.table.as_deref() {
        None | Some("254") => pair("lookup", "main".into()),
        Some(table) => pair("lookup", table.into()),
    }
    let number = rule.priority.map(|p| format!("{p}:"));
    let placed = number.is_none_or(|n| line.first() == Some(&n));
    placed && pairs.iter().all(|p| follow(line, &[&p[0], &p[1]]))
}
