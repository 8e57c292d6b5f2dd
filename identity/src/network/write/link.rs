// SPDX-License-Identifier: MIT OR Apache-2.0
//! systemd's `.link` files: a network card gets its old name by its MAC
//! address, whatever naming scheme the new system has (systemd.link(5)).

use super::{File, Interface, Network};
use crate::network::model::Kind;
use crate::report::Report;
use crate::text::HEADER;

/// Options of a bond that name a port.
const PORTS: [&str; 2] = ["primary", "active_slave"];

/// Whether something of the configuration goes by a card's name with every
/// manager: a bond's preferred port, or a rule for packets of one interface.
pub(super) fn by_name(network: &Network) -> bool {
    let card = |name: &String| {
        let mut all = network.interfaces.iter();
        all.any(|i| i.kind == Kind::Ethernet && i.name == *name)
    };
    network.interfaces.iter().any(|i| {
        let ports = match &i.kind {
            Kind::Bond { options } => PORTS.iter().any(|option| options.contains_key(*option)),
            _ => false,
        };
        let mut rules = i.families().into_iter().flat_map(|f| &f.rules);
        ports || rules.any(|r| [&r.incoming, &r.outgoing].into_iter().flatten().any(card))
    })
}

/// Two cards may not swap names of the kernel's own kind (eth0, eth1): udev
/// cannot give a name that another card has just now. With more than one card
/// these are called lan0, lan1.
pub(super) fn rename(network: &mut Network, report: &mut Report) {
    let physical = |i: &&Interface| i.kind == Kind::Ethernet && i.mac.is_some();
    if network.interfaces.iter().filter(physical).count() < 2 {
        return;
    }
    let taken: Vec<String> = network.interfaces.iter().map(|i| i.name.clone()).collect();
    let new: Vec<(String, String)> = network
        .interfaces
        .iter()
        .filter(physical)
        .filter_map(|i| {
            let number = i
                .name
                .strip_prefix("eth")
                .filter(|n| n.parse::<u16>().is_ok())?;
            let name = format!("lan{number}");
            (!taken.contains(&name)).then(|| (i.name.clone(), name))
        })
        .collect();
    let get = |old: &str| new.iter().find(|(o, _)| o == old).map(|(_, n)| n.clone());
    for i in &mut network.interfaces {
        if let Some(name) = get(&i.name).filter(|_| i.kind == Kind::Ethernet) {
            report.done(format!(
                "{} is called {name} now: with several cards the kernel's own names are not stable",
                i.name
            ));
            i.name = name;
        }
        if let Kind::Vlan { parent, .. } = &mut i.kind
            && let Some(name) = get(parent)
        {
            *parent = name;
        }
        if let Kind::Bond { options } = &mut i.kind {
            for option in PORTS {
                if let Some(port) = options.get_mut(option)
                    && let Some(name) = get(port)
                {
                    *port = name;
                }
            }
        }
        let rules = [&mut i.v4, &mut i.v6].into_iter();
        for rule in rules.flat_map(|f| &mut f.rules) {
            for device in [&mut rule.incoming, &mut rule.outgoing] {
                if let Some(name) = device.as_ref().and_then(|d| get(d)) {
                    *device = Some(name);
                }
            }
        }
    }
}

/// One file for each network card.
pub(super) fn render(network: &Network, report: &mut Report) -> Vec<File> {
    let mut files = Vec::new();
    for i in network
        .interfaces
        .iter()
        .filter(|i| i.kind == Kind::Ethernet)
    {
        let Some(mac) = i.mac else {
            report.warn(format!(
                "{}: its MAC address is not known; if the new system names it otherwise, it has no address",
                i.name
            ));
            continue;
        };
        // VLANs and bonds have the same MAC address, but another type.
        let name = &i.name;
        files.push(File {
            path: format!(
                "etc/systemd/network/10-replant-{}.link",
                mac.to_string().replace(':', "-")
            ),
            text: format!("{HEADER}[Match]\nMACAddress={mac}\nType=ether\n\n[Link]\nName={name}\n"),
            mode: 0o644,
        });
    }
    files
}
