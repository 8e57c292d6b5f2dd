// SPDX-License-Identifier: MIT OR Apache-2.0
//! Host name, machine id, time zone, language: settings of the whole machine.

mod apply;
mod clock;
mod collect;
#[cfg(test)]
mod tests;

pub(super) use apply::apply;
pub(super) use collect::collect;

use super::model::HostsEntry;

/// Files of language and keyboard that both systems may have.
const LOCALE_FILES: [&str; 4] = [
    "etc/locale.conf",
    "etc/default/locale",
    "etc/vconsole.conf",
    "etc/default/keyboard",
];

/// Names of loopback addresses, which are no machine's own.
const LOCAL_NAMES: [&str; 10] = [
    "localhost",
    "localhost.localdomain",
    "localhost4",
    "localhost4.localdomain4",
    "localhost6",
    "localhost6.localdomain6",
    "ip6-localhost",
    "ip6-loopback",
    "ip6-allnodes",
    "ip6-allrouters",
];

/// A host name that can be written: labels of letters, digits and dashes.
fn is_host_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 253
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}

/// 32 hexadecimal digits, not all zero.
pub(super) fn is_machine_id(text: &str) -> bool {
    ondisk::hex::decode::<16>(text.as_bytes()).is_some_and(|id| id != [0; 16])
}

/// A path below /usr/share/zoneinfo.
fn is_zone(zone: &str) -> bool {
    !zone.is_empty()
        && zone.len() <= 128
        && zone.split('/').all(|part| {
            !part.is_empty()
                && !part.starts_with('.')
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"+-_".contains(&b))
        })
}

/// The first part of a host name.
fn short(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// The lines of a hosts file that name this machine.
fn own_lines(hosts: &str, name: &str) -> Vec<HostsEntry> {
    let own = |n: &&str| {
        let local = LOCAL_NAMES.contains(n);
        !local && (short(n).eq_ignore_ascii_case(short(name)))
    };
    hosts
        .lines()
        .filter_map(|line| {
            let mut words = line.split('#').next()?.split_whitespace();
            let ip = words.next()?.parse().ok()?;
            let names: Vec<&str> = words.collect();
            names.iter().any(own).then(|| HostsEntry {
                ip,
                names: names
                    .iter()
                    .filter(|n| !LOCAL_NAMES.contains(n) && is_host_name(n))
                    .map(|n| (*n).to_owned())
                    .collect(),
            })
        })
        .filter(|e| !e.names.is_empty())
        .collect()
}
