// SPDX-License-Identifier: MIT OR Apache-2.0
//! Debian's /etc/network/interfaces (interfaces(5) of ifupdown).

mod commands;
mod stanza;
mod syntax;

pub(super) use syntax::{Parsed, parse};

use super::{Candidate, place};
use crate::network::bond;
use crate::network::model::{Interface, Kind};
use ondisk::glob;
use stanza::{Elsewhere, apply};

/// Builds the interfaces from the stanzas of all files.
pub(super) fn candidates(parsed: &Parsed, warnings: &mut Vec<String>) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = Vec::new();
    let mut elsewhere = Elsewhere::default();
    for stanza in &parsed.stanzas {
        // `eth0:1` is a further address of eth0.
        let name = stanza.name.split(':').next().unwrap_or_default();
        if name.is_empty() || name.starts_with('/') {
            continue;
        }
        let at = all
            .iter()
            .position(|c| c.interface.name == name)
            .unwrap_or_else(|| {
                all.push(Candidate {
                    source: stanza.source.clone(),
                    interface: Interface {
                        name: name.to_owned(),
                        auto: parsed.auto.iter().any(|a| a == name || pattern(a, name)),
                        kind: vlan_by_name(name),
                        ..Interface::default()
                    },
                    ..Candidate::default()
                });
                all.len() - 1
            });
        if let Some(candidate) = all.get_mut(at) {
            apply(
                stanza,
                at,
                &mut candidate.interface,
                &mut elsewhere,
                warnings,
            );
        }
    }
    for (own, name, address, origin) in elsewhere.addresses {
        match place::find(&all, Some(own), &name).and_then(|at| all.get_mut(at)) {
            Some(candidate) => candidate.interface.add_address(address),
            None => warnings.push(format!(
                "{origin}: {address} is for {name}, which no file configures; it is not carried over"
            )),
        }
    }
    for (own, command, origin) in elsewhere.routes {
        place::place(&mut all, Some(own), command, &origin, warnings);
    }
    for candidate in &mut all {
        if let Kind::Bond { options } = &mut candidate.interface.kind {
            let left_out = bond::settle(options);
            warnings.extend(left_out.into_iter().map(|line| {
                format!(
                    "{}: {}: {line}; it is not carried over",
                    candidate.source, candidate.interface.name
                )
            }));
        }
    }
    for (port, master) in elsewhere.ports {
        match all.iter_mut().find(|c| c.interface.name == port) {
            Some(candidate) => candidate.interface.master = Some(master),
            None => all.push(Candidate {
                source: "interfaces".to_owned(),
                interface: Interface {
                    kind: vlan_by_name(&port),
                    name: port,
                    master: Some(master),
                    ..Interface::default()
                },
                ..Candidate::default()
            }),
        }
    }
    all
}

/// `/eth*` in an `auto` line is a pattern.
fn pattern(text: &str, name: &str) -> bool {
    text.strip_prefix('/')
        .is_some_and(|p| glob::matches(p, name))
}

fn vlan_by_name(name: &str) -> Kind {
    let named = name
        .rsplit_once('.')
        .and_then(|(parent, id)| Some((parent, id.parse().ok()?)));
    match named {
        Some((parent, id)) if id < 4095 && !parent.is_empty() => Kind::Vlan {
            parent: parent.to_owned(),
            id,
        },
        _ => Kind::Ethernet,
    }
}
