// SPDX-License-Identifier: MIT OR Apache-2.0
//! netplan's files (netplan-yaml(5)).

mod card;
mod definition;
mod find;
mod options;
mod renderer;
mod routes;

pub(super) use find::{Plan, load};

use super::Candidate;
use crate::network::model::{Interface, Kind};
use crate::text::yaml::Node;
use renderer::Renderer;

/// A section of devices.
const SECTIONS: [&str; 4] = ["ethernets", "bonds", "bridges", "vlans"];

/// Definitions with settings that only NetworkManager has: it keeps its own
/// profiles there, and netplan passes them on.
fn profiles(root: &Node) -> Vec<String> {
    let sections = root.get("network").map_or(&[][..], Node::pairs);
    let all = sections.iter().flat_map(|(_, devices)| devices.pairs());
    let own = all.filter(|(_, node)| definition::passed(node).next().is_some());
    own.map(|(id, _)| id.clone()).collect()
}

/// Builds the interfaces from all files, except definitions that are read
/// elsewhere.
pub(super) fn candidates(
    root: &Node,
    elsewhere: &[String],
    warnings: &mut Vec<String>,
) -> Vec<Candidate> {
    let mut all = Vec::new();
    // Ports with their masters, by the names in the files.
    let mut ports: Vec<(String, String)> = Vec::new();
    let Some(network) = root.get("network") else {
        return all;
    };
    let general = Renderer::of(network).unwrap_or_default();
    for (section, devices) in network.pairs() {
        if ["version", "renderer"].contains(&section.as_str()) {
            continue;
        }
        if !SECTIONS.contains(&section.as_str()) {
            for (id, node) in devices.pairs() {
                warnings.push(format!(
                    "{}: {id} of {section} is not carried over",
                    node.at
                ));
            }
            if devices.pairs().is_empty() {
                warnings.push(format!(
                    "{}: {} is not carried over",
                    devices.at,
                    devices.shown_as(section)
                ));
            }
            continue;
        }
        let general = Renderer::of(devices).unwrap_or(general);
        let own = |id: &String| id != "renderer" && !elsewhere.contains(id);
        for (id, node) in devices.pairs().iter().filter(|(id, _)| own(id)) {
            let mut reader = definition::Reader {
                id,
                section,
                renderer: Renderer::of(node).unwrap_or(general),
                ports: &mut ports,
                warnings,
            };
            all.extend(reader.read(node));
        }
    }
    for (port, master) in ports {
        let mut known = all
            .iter_mut()
            .filter(|c: &&mut Candidate| c.aliases.contains(&port));
        match known.next() {
            Some(c) => {
                let (v4, v6) = Default::default();
                let i = &mut c.interface;
                (i.master, i.v4, i.v6) = (Some(master), v4, v6);
            }
            // netplan also accepts names of devices without a definition.
            None => all.push(Candidate {
                source: "netplan".to_owned(),
                interface: Interface {
                    name: port,
                    master: Some(master),
                    ..Interface::default()
                },
                ..Candidate::default()
            }),
        }
    }
    for candidate in &mut all {
        if let Kind::Vlan { parent, .. } = &candidate.interface.kind
            && parent.is_empty()
        {
            candidate.interface.kind = Kind::Ethernet;
        }
    }
    all
}
