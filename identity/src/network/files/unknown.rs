// SPDX-License-Identifier: MIT OR Apache-2.0
//! Warns of words in configuration files that no parser reads, except those that
//! do not affect who can reach the machine, and how.

use crate::text::{is_yes, secret};

/// A section, with the keys that are read or that mean nothing here. A digit at the
/// end of a key is ignored, and so is what follows one (`route1_options`).
pub(super) type Known = (&'static str, &'static [&'static str]);

/// The keys of a section that is read elsewhere, word by word, or that as a
/// whole means nothing here.
pub(super) const ANY: &[&str] = &["*"];

/// Keys that only say what is so anyway when they have this value.
const DEFAULTS: [(&str, &str); 17] = [
    ("PEERROUTES", "yes"),
    ("IPV6_PEERROUTES", "yes"),
    ("IPV6_PEERDNS", "yes"),
    ("REORDER_HDR", "yes"),
    ("GVRP", "no"),
    ("MVRP", "no"),
    ("auto-negotiate", "true"),
    ("flags", "1"),
    ("IPForward", "no"),
    ("UseMTU", "true"),
    ("UseMTU", "yes"),
    ("UseRoutes", "yes"),
    ("UseGateway", "yes"),
    ("LinkLocalAddressing", "ipv6"),
    ("DHCPServer", "no"),
    ("VLANFiltering", "no"),
    // Of `[Match]`: what is made in software is never found by a pattern.
    ("Kind", "!*"),
];

fn is_default(key: &str, value: &str) -> bool {
    let same = |want: &str| match want {
        "yes" | "true" => is_yes(value),
        "no" => ["no", "off", "false", "0"].contains(&value.to_ascii_lowercase().as_str()),
        want => value == want,
    };
    DEFAULTS.iter().any(|(k, v)| *k == key && same(v))
}

fn is_known(key: &str, known: &[&str]) -> bool {
    let stem = match key.find(|c: char| c.is_ascii_digit()) {
        // IPV6ADDR and 802-3 have digits in the middle.
        Some(at) if key.ends_with(|c: char| c.is_ascii_digit()) || key.ends_with("_options") => {
            key.get(..at).unwrap_or(key)
        }
        _ => key,
    };
    known == ANY || known.contains(&key) || known.contains(&stem)
}

/// Of a file with sections. One that `known` does not list is named as a whole.
pub(super) fn in_sections(file: &str, text: &str, known: &[Known], warnings: &mut Vec<String>) {
    // With its line, until it is named.
    let mut section = ("", None);
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            section = (name, Some(at + 1));
            continue;
        }
        let Some((key, value)) = line
            .split_once('=')
            .filter(|_| !line.starts_with(['#', ';']))
        else {
            continue;
        };
        let (key, value) = (key.trim(), value.trim());
        let keys = known.iter().find(|(name, _)| *name == section.0);
        if let Some((_, keys)) = keys {
            if !value.is_empty() && !is_known(key, keys) && !is_default(key, value) {
                let (section, value) = (section.0, secret::shown(section.0, key, value));
                warnings.push(format!(
                    "{file}:{}: {key}={value} of [{section}] is not understood and is not carried over",
                    at + 1
                ));
            }
        } else if !section.0.is_empty()
            && let Some(line) = section.1.take()
        {
            warnings.push(format!(
                "{file}:{line}: the section [{}] is not understood and is not carried over",
                section.0
            ));
        }
    }
}

/// Checks a file of variables.
pub(super) fn in_variables(
    file: &str,
    variables: &std::collections::BTreeMap<String, String>,
    line: impl Fn(&str) -> usize,
    known: &[&str],
    warnings: &mut Vec<String>,
) {
    let mut found: Vec<(usize, &String, &String)> = variables
        .iter()
        .filter(|(k, v)| !v.is_empty() && !is_known(k, known) && !is_default(k, v))
        .map(|(k, v)| (line(k), k, v))
        .collect();
    found.sort();
    for (line, key, value) in found {
        // Some are a program's arguments.
        let value = secret::command(secret::shown("", key, value));
        warnings.push(format!(
            "{file}:{line}: {key}={value} is not understood and is not carried over"
        ));
    }
}
