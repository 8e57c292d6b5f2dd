// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parses policy rules in the syntax of `ip rule`: lines of `rule-*` files, of
//! `up` commands and of NetworkManager's keyfiles. Also resolves the names of
//! tables.

use super::Candidate;
use crate::error::Result;
use crate::network::address::Cidr;
use crate::network::model::Rule;
use rootdir::RootDir;
use std::collections::BTreeMap;

/// Parses the arguments of `ip rule add`. The error says what is not understood.
pub(super) fn parse(text: &str, v6: bool) -> std::result::Result<Rule, String> {
    let mut rule = Rule::default();
    let mut words = text.split_whitespace().peekable();
    words.next_if(|w| *w == "add");
    while let Some(word) = words.next() {
        if word == "not" {
            rule.inverted = true;
            continue;
        }
        let value = words.next().unwrap_or_default();
        let wrong = || format!("`{word} {value}`");
        match word {
            "from" => rule.from = network(value, v6).ok_or_else(wrong)?,
            "to" => rule.to = network(value, v6).ok_or_else(wrong)?,
            "iif" | "dev" => rule.incoming = Some(value.to_owned()),
            "oif" => rule.outgoing = Some(value.to_owned()),
            "table" | "lookup" => rule.table = Some(value.to_owned()),
            "pref" | "priority" | "order" | "preference" => {
                rule.priority = Some(value.parse().map_err(|_| wrong())?);
            }
            "fwmark" => rule.mark = Some(mark(value).ok_or_else(wrong)?),
            "tos" | "dsfield" => rule.tos = Some(byte(value).ok_or_else(wrong)?),
            _ => return Err(format!("`{word}`")),
        }
    }
    if rule == Rule::default() {
        return Err("it says nothing".to_owned());
    }
    Ok(rule)
}

/// A network of the family; the inner `None` is everything.
fn network(text: &str, v6: bool) -> Option<Option<Cidr>> {
    if ["all", "any", "default"].contains(&text) {
        return Some(None);
    }
    let found = Cidr::parse(text).filter(|c| c.ip.is_ipv6() == v6)?;
    Some((found.prefix != 0).then_some(found))
}

/// A mark and its mask, if any, in a form that all programs understand.
pub(super) fn mark(text: &str) -> Option<String> {
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse::<u32>().ok(),
    };
    match text.split_once('/') {
        Some((mark, mask)) => Some(format!("{:#x}/{:#x}", number(mark)?, number(mask)?)),
        None => Some(format!("{:#x}", number(text)?)),
    }
}

/// The type of service, which iproute2 reads as hexadecimal.
fn byte(text: &str) -> Option<u8> {
    u8::from_str_radix(text.trim_start_matches("0x"), 16).ok()
}

/// Names of tables with their numbers, beside those that are always there.
pub(super) type Tables = BTreeMap<String, String>;

/// The files with names of tables; a later one wins.
const TABLES: [&str; 3] = [
    "usr/lib/iproute2/rt_tables",
    "usr/share/iproute2/rt_tables",
    "etc/iproute2/rt_tables",
];
const MORE: &str = "etc/iproute2/rt_tables.d";

/// Reads the names of tables.
pub(super) fn tables(root: &RootDir) -> Result<Tables> {
    let mut tables: Tables = [("local", "255"), ("main", "254"), ("default", "253")]
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .into();
    let mut paths: Vec<String> = TABLES.map(str::to_owned).into();
    let more = root.list(MORE)?;
    let more = more.iter().filter(|n| n.ends_with(".conf"));
    paths.extend(more.map(|n| format!("{MORE}/{n}")));
    for path in paths {
        let text = root.text(&path)?.unwrap_or_default();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            if let (Some(number), Some(name)) = (words.next(), words.next())
                && let Some(number) = plain(number)
            {
                tables.insert(name.to_owned(), number);
            }
        }
    }
    Ok(tables)
}

/// A decimal number without further decoration.
fn plain(text: &str) -> Option<String> {
    let number = match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => text.parse().ok()?,
    };
    Some(number.to_string())
}

/// Replaces names of tables by their numbers. Routes and rules with an unknown
/// name are removed, with a warning.
pub(super) fn resolve(all: &mut [Candidate], tables: &Tables, warnings: &mut Vec<String>) {
    for candidate in all {
        let source = &candidate.source;
        let mut known = |table: &mut Option<String>, what: String| {
            let Some(name) = table.as_deref() else {
                return true;
            };
            let Some(number) = plain(name).or_else(|| tables.get(name).cloned()) else {
                warnings.push(format!(
                    "{source}: {what} is not carried over, for nobody says which routing table {name} is"
                ));
                return false;
            };
            *table = (number != "254" && number != "0").then_some(number);
            true
        };
        let i = &mut candidate.interface;
        for family in [&mut i.v4, &mut i.v6] {
            family
                .routes
                .retain_mut(|r| known(&mut r.table, format!("the route to {}", r.to)));
            family.rules.retain_mut(|r| {
                let what = format!("the routing rule `{}`", r.words());
                known(&mut r.table, what)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_as_ip_takes_them() {
        let rule = parse(
            "add not from 192.0.2.0/24 to all iif eth0 fwmark 16/0xff tos 0x10 pref 7 lookup mgmt",
            false,
        );
        let want = Rule {
            priority: Some(7),
            from: Cidr::parse("192.0.2.0/24"),
            mark: Some("0x10/0xff".into()),
            incoming: Some("eth0".into()),
            tos: Some(16),
            inverted: true,
            table: Some("mgmt".into()),
            ..Rule::default()
        };
        assert_eq!(rule, Ok(want));
        for (text, v6, why) in [
            ("from 192.0.2.1 table 7", true, "`from 192.0.2.1`"),
            ("from all prohibit", false, "`prohibit`"),
            ("from all l3mdev", false, "`l3mdev`"),
            ("", false, "it says nothing"),
            ("priority x", false, "`priority x`"),
        ] {
            assert_eq!(parse(text, v6), Err(why.to_owned()));
        }
    }
}
