// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parses commands that set routes and addresses: `up` lines of
//! /etc/network/interfaces, lines of `route-*` files and of
//! /etc/sysconfig/static-routes.

use super::rule;
use crate::network::address::{Cidr, prefix_length};
use crate::network::model::{Route, RouteKind, Rule};

/// A route, with the other arguments of its command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    /// The interface that it names.
    pub device: Option<String>,
    pub route: Route,
    /// Settings of the route that the model does not have.
    pub lost: Vec<String>,
}

/// What a command adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Added {
    /// A route.
    Route(Command),
    /// A further address, on the interface that is named.
    Address(Option<String>, Cidr),
    /// An address with the host at the other end of the line.
    Peer(Option<String>, Cidr, Cidr),
    /// A routing rule; `true` is IPv6.
    Rule(bool, Rule),
    /// A route that exists without the command.
    Nothing,
}

/// The condition under which a command of a line runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Always.
    Always,
    /// If the command before it succeeded (`&&`).
    Worked,
    /// If the command before it failed (`||`).
    Failed,
}

/// The commands of a shell line. `None` if it is more than a list of commands,
/// for then only running it would tell what it does.
pub(super) fn list(line: &str) -> Option<Vec<(When, String)>> {
    let mut found = Vec::new();
    let (mut when, mut text, mut quote) = (When::Always, String::new(), None);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (Some('\''), c) => text.push(c),
            (_, '`') => return None,
            (_, '$') if chars.peek() == Some(&'(') => return None,
            (_, '\\') => text.extend(chars.next()),
            (Some(_), c) => text.push(c),
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | ')') => return None,
            (None, '#') if text.is_empty() || text.ends_with(char::is_whitespace) => break,
            // Part of a redirection (2>&1).
            (None, '&') if text.ends_with('>') || chars.peek() == Some(&'>') => text.push(c),
            (None, ';' | '&' | '|') => {
                let twice = c != ';' && chars.next_if_eq(&c).is_some();
                found.push((when, std::mem::take(&mut text)));
                when = match (c, twice) {
                    ('|', false) => return None,
                    ('|', true) => When::Failed,
                    ('&', true) => When::Worked,
                    _ => When::Always,
                };
            }
            (None, c) => text.push(c),
        }
    }
    if quote.is_some() {
        return None;
    }
    found.push((when, text));
    found.retain(|(_, text)| !text.trim().is_empty());
    const WORDS: [&str; 14] = [
        "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac",
        "{", "!",
    ];
    let shell = |(_, text): &(When, String)| {
        let first = text.split_whitespace().next().unwrap_or_default();
        WORDS.contains(&first)
    };
    (!found.iter().any(shell)).then_some(found)
}

/// Whether a command only keeps the line from failing (`true`, `:`).
pub(super) fn is_harmless(command: &str) -> bool {
    let words: Vec<&str> = command.split_whitespace().collect();
    matches!(words.as_slice(), [":"] | ["exit", "0"])
        || matches!(words.as_slice(), [program] if program.rsplit('/').next() == Some("true"))
}

/// Parses one command: `ip route`, `ip addr`, `ip rule` or `route`. The error
/// says what is not understood; it is empty for other commands.
pub(super) fn added(command: &str, v6: bool) -> Result<Added, String> {
    let mut words = Vec::new();
    let mut all = command.split_whitespace();
    while let Some(word) = all.next() {
        let file = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '&');
        match file.strip_prefix('>') {
            // The file's name may be the next word.
            Some("" | ">") => drop(all.next()),
            Some(_) => {}
            None => words.push(word),
        }
    }
    let other = Err(String::new());
    let Some(program) = words.first().and_then(|w| w.rsplit('/').next()) else {
        return Ok(Added::Nothing);
    };
    match program {
        "ip" => {}
        "route" => return old_route(&words[1..], v6).map(Added::Route),
        _ => return other,
    }
    let mut v6 = v6;
    let mut words = &words[1..];
    while let Some((option, rest)) = words.split_first().filter(|(w, _)| w.starts_with('-')) {
        v6 = match *option {
            "-6" => true,
            "-4" => false,
            "-n" | "-netns" | "-b" | "-batch" => return other,
            _ => v6,
        };
        words = rest;
    }
    let [object, verb, rest @ ..] = words else {
        return other;
    };
    let adds = ["add", "a", "append", "prepend", "replace", "change", "repl"];
    if !adds.contains(verb) {
        return other;
    }
    match *object {
        "route" | "r" | "ro" => route(rest, v6).map(Added::Route),
        "addr" | "address" | "a" | "ad" => address(rest),
        "rule" | "ru" => rule::parse(&rest.join(" "), v6).map(|r| Added::Rule(v6, r)),
        _ => other,
    }
}

fn address(words: &[&str]) -> Result<Added, String> {
    let (mut device, mut peer, mut address) = (None, None, None);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "dev" => device = words.next().map(|d| (*d).to_owned()),
            "peer" => peer = words.next().and_then(|p| Cidr::parse(p)),
            "broadcast" | "brd" | "label" | "scope" => drop(words.next()),
            "nodad" | "noprefixroute" => {}
            "local" => address = words.next().and_then(|a| Cidr::parse(a)),
            text if address.is_none() => {
                address = Some(Cidr::parse(text).ok_or_else(|| format!("{text} is no address"))?);
            }
            other => return Err(format!("`{other}` is not understood")),
        }
    }
    match (address, peer) {
        (Some(address), Some(peer)) => Ok(Added::Peer(device, address, peer)),
        (Some(address), None) => Ok(Added::Address(device, address)),
        _ => Err("it has no address".to_owned()),
    }
}

/// The arguments of `ip route add`.
pub(super) fn route(words: &[&str], v6: bool) -> Result<Command, String> {
    let mut words = words.iter().copied().peekable();
    let kind = words.peek().and_then(|w| RouteKind::named(w));
    words.next_if(|_| kind.is_some());
    words.next_if(|w| *w == "to");
    let text = words.next().unwrap_or_default();
    let to = match text {
        "default" => Some(Cidr::default_of(v6)),
        text => Cidr::parse(text),
    };
    let to = to.ok_or_else(|| format!("`{text}` is no network"))?;
    let mut command = Command {
        device: None,
        route: Route {
            kind: kind.unwrap_or_default(),
            ..Route::new(to, None)
        },
        lost: Vec::new(),
    };
    while let Some(word) = words.next() {
        if word == "onlink" {
            command.route.on_link = true;
            continue;
        }
        if word == "nexthop" {
            return Err("several next hops".to_owned());
        }
        let value = words.next().unwrap_or_default();
        match word {
            "via" => {
                let hop = match value {
                    "inet" | "inet6" => words.next().unwrap_or_default(),
                    _ => value,
                };
                let hop = hop.parse().map_err(|_| format!("`{hop}` is no next hop"))?;
                command.route.via = Some(hop);
            }
            "dev" | "oif" => command.device = Some(value.to_owned()),
            "metric" | "preference" | "priority" => {
                let metric = value.parse().map_err(|_| format!("metric {value}"))?;
                command.route.metric = Some(metric);
            }
            "src" | "from" if word == "src" => {
                let source = value.parse().map_err(|_| format!("src {value}"))?;
                command.route.source = Some(source);
            }
            "table" => command.route.table = Some(value.to_owned()),
            "vrf" => return Err(format!("{word} {value}")),
            "proto" | "protocol" | "scope" => {}
            _ => command
                .lost
                .push(format!("{word} {value}").trim().to_owned()),
        }
    }
    Ok(command)
}

/// The arguments of the older program `route`.
pub(super) fn old_route(words: &[&str], v6: bool) -> Result<Command, String> {
    let (mut v6, mut target, mut mask, mut device) = (v6, None, None, None);
    let (mut via, mut metric, mut host, mut adds) = (None, None, false, false);
    let mut lost = Vec::new();
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_default();
        match word {
            "add" => adds = true,
            "-A" | "--inet6" | "-6" => v6 = word != "-A" || value() == "inet6",
            "--inet" | "-4" => v6 = false,
            "-net" => {}
            "-host" => host = true,
            "netmask" | "genmask" => mask = Some(value()),
            "gw" | "gateway" => via = Some(value()),
            "metric" => metric = Some(value()),
            "dev" => device = Some(value().to_owned()),
            "reject" | "del" => return Err(format!("`{word}`")),
            "mss" | "window" | "irtt" => lost.push(format!("{word} {}", value())),
            "mod" | "dyn" | "reinstate" => {}
            text if target.is_none() => target = Some(text),
            // The interface may stand without `dev`.
            text if device.is_none() => device = Some(text.to_owned()),
            text => return Err(format!("`{text}` is not understood")),
        }
    }
    if !adds {
        return Err(String::new());
    }
    let target = target.unwrap_or_default();
    let wrong = || format!("`{target}` is no network");
    let to = match (target, mask) {
        ("default", _) => Cidr::default_of(v6),
        (target, Some(mask)) => target
            .parse()
            .ok()
            .and_then(|ip| Cidr::new(ip, prefix_length(mask)?))
            .ok_or_else(wrong)?,
        // Without a prefix length, the class of the network would decide.
        (target, None) if !host && !v6 && !target.contains('/') => return Err(wrong()),
        (target, None) => Cidr::parse(target).ok_or_else(wrong)?,
    };
    let number = |text: &str| text.parse().map_err(|_| format!("metric {text}"));
    let hop = |text: &str| text.parse().map_err(|_| format!("`{text}` is no next hop"));
    let via = via.map(hop).transpose()?;
    Ok(Command {
        device,
        route: Route {
            metric: metric.map(number).transpose()?,
            ..Route::new(to, via)
        },
        lost,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_commands() {
        let texts = |line: &str| {
            let list = list(line)?;
            let show = |(w, t): &(When, String)| format!("{w:?} {}", t.trim());
            Some(list.iter().map(show).collect::<Vec<_>>().join("/"))
        };
        for (line, want) in [
            ("a b; c", Some("Always a b/Always c")),
            ("a&&b||true", Some("Always a/Worked b/Failed true")),
            (
                "a 2>&1 >/dev/null & b",
                Some("Always a 2>&1 >/dev/null/Always b"),
            ),
            ("a 'x;y' \"z&&\" # c; d", Some("Always a x;y z&&")),
            ("a | b", None),
            ("if x; then a; fi", None),
            ("a $(b)", None),
            ("(a)", None),
            ("a 'b", None),
        ] {
            assert_eq!(texts(line).as_deref(), want, "{line}");
        }
        assert!(is_harmless(" /bin/true ") && is_harmless("exit 0") && !is_harmless("exit 1"));
    }

    #[test]
    fn routes_of_both_programs() {
        let show = |command: &str| match added(command, false) {
            Ok(Added::Route(c)) => {
                let r = &c.route;
                let hop = r.via.map(|v| format!(" via {v}")).unwrap_or_default();
                let device = c.device.map(|d| format!(" dev {d}")).unwrap_or_default();
                let metric = r.metric.map(|m| format!(" metric {m}")).unwrap_or_default();
                let source = r.source.map(|s| format!(" src {s}")).unwrap_or_default();
                let on_link = if r.on_link { " onlink" } else { "" };
                let table = r.table.as_ref().map(|t| format!(" table {t}"));
                let table = table.unwrap_or_default();
                let kind = match r.kind {
                    RouteKind::Unicast => String::new(),
                    kind => format!(" {}", kind.name()),
                };
                let lost: String = c.lost.iter().map(|l| format!(" ({l})")).collect();
                format!(
                    "{}{hop}{device}{metric}{source}{on_link}{table}{kind}{lost}",
                    r.to
                )
            }
            other => format!("{other:?}"),
        };
        for (command, want) in [
            (
                "/sbin/ip -4 r a 10.6.0.0/16 via 1.2.3.4",
                "10.6.0.0/16 via 1.2.3.4",
            ),
            (
                "ip route replace default via inet6 fe80::1 dev x onlink metric 3",
                "0.0.0.0/0 via fe80::1 dev x metric 3 onlink",
            ),
            ("ip -6 route add default via fe80::1", "::/0 via fe80::1"),
            (
                "ip route add 10.0.0.0/8 via 1.2.3.4 src 1.2.3.9 mtu 1400 2>/dev/null",
                "10.0.0.0/8 via 1.2.3.4 src 1.2.3.9 (mtu 1400)",
            ),
            ("ip route add blackhole 10.0.0.0/8", "10.0.0.0/8 blackhole"),
            (
                "ip route add local 10.0.0.0/8",
                "Err(\"`local` is no network\")",
            ),
            (
                "ip route add 10.0.0.0/8 dev x table 7",
                "10.0.0.0/8 dev x table 7",
            ),
            ("ip route add 10.0.0.0/8 dev x vrf y", "Err(\"vrf y\")"),
            ("ip rule del from 10.0.0.1", "Err(\"\")"),
            ("ip rule add goto 7", "Err(\"`goto`\")"),
            (
                "route add -host 10.1.2.3 gw 10.0.0.1 eth0",
                "10.1.2.3/32 via 10.0.0.1 dev eth0",
            ),
            (
                "route add -net 10.0.0.0 netmask 255.0.0.0 dev eth1 metric 2",
                "10.0.0.0/8 dev eth1 metric 2",
            ),
            ("route add default gw 10.0.0.1", "0.0.0.0/0 via 10.0.0.1"),
            (
                "route -A inet6 add 2001:db8::/32 gw fe80::1 dev x",
                "2001:db8::/32 via fe80::1 dev x",
            ),
            (
                "route add -net 10.0.0.0 gw 10.0.0.1",
                "Err(\"`10.0.0.0` is no network\")",
            ),
            ("sysctl -w a=b", "Err(\"\")"),
        ] {
            assert_eq!(show(command), want, "{command}");
        }
    }
}
