// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds and reads systemd-networkd's files.

use super::netplan::Plan;
use super::{Candidate, Files, known, networkd, unknown};
use crate::error::Result;
use crate::network::model::Kind;
use crate::text::ini::Ini;
use rootdir::RootDir;
use std::collections::BTreeMap;

/// Of several files with one name, the one in the first of these counts.
/// netplan's generator writes to /run.
const NETWORKD: [&str; 5] = [
    "etc/systemd/network",
    "run/systemd/network",
    "usr/local/lib/systemd/network",
    "usr/lib/systemd/network",
    "lib/systemd/network",
];

/// The files of all of networkd's directories, each name once, by name. A link
/// to /dev/null masks a name.
fn units(root: &RootDir, below: &str, suffixes: &[&str]) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for dir in NETWORKD {
        let dir = format!("{dir}{below}");
        for name in root.list(&dir)? {
            if suffixes.iter().any(|s| name.ends_with(s)) {
                let path = format!("{dir}/{name}");
                found.entry(name).or_insert(path);
            }
        }
    }
    let mut masked = Vec::new();
    for (name, path) in &found {
        if root.link(path)?.is_some_and(|target| target == "/dev/null") {
            masked.push(name.clone());
        }
    }
    for name in masked {
        found.remove(&name);
    }
    Ok(found)
}

/// Reads all files, except those that `plan` hides.
pub(super) fn load(root: &RootDir, plan: &Plan, files: &mut Files) -> Result<()> {
    let mut devices: BTreeMap<String, Kind> = BTreeMap::new();
    let mut parents: BTreeMap<String, String> = BTreeMap::new();
    let mut preferred = Vec::new();
    let mut hardware = BTreeMap::new();
    let mut found: Vec<Candidate> = Vec::new();
    for (name, path) in units(root, "", &[".network", ".netdev"])? {
        if plan.hides(&path) {
            continue;
        }
        let Some(mut text) = root.text(&path)? else {
            continue;
        };
        // The distribution's files, which are for containers and the like.
        let vendor = path.contains("lib/systemd/");
        let special = |text: &str| {
            let ini = Ini::parse(text);
            ["Virtualization", "Kind"]
                .iter()
                .any(|k| ini.get("Match", k).is_some())
        };
        if vendor && special(&text) {
            continue;
        }
        // Such a file applies to every machine, so warnings about it are dropped.
        let mut beside = Vec::new();
        unknown::in_sections(&name, &text, &known::NETWORKD, &mut beside);
        if vendor {
            beside.clear();
        }
        for (_, path) in units(root, &format!("/{name}.d"), &[".conf"])? {
            let more = root.text(&path)?.unwrap_or_default();
            unknown::in_sections(&path, &more, &known::NETWORKD, &mut beside);
            text.push('\n');
            text.push_str(&more);
        }
        files.warnings.append(&mut beside);
        if name.ends_with(".netdev") {
            match networkd::netdev(&name, &text, &mut files.warnings) {
                Some(device) => {
                    hardware.insert(device.name.clone(), (device.mac, device.mtu));
                    devices.insert(device.name, device.kind);
                }
                None => files.warnings.push(format!(
                    "{name}: this kind of network device is not carried over"
                )),
            }
        } else if name.ends_with(".network") {
            let mut said = Vec::new();
            let unit = networkd::network(&name, &text, &mut said);
            // What a distribution has for other devices is its own affair.
            if unit.is_some() || !vendor {
                files.warnings.append(&mut said);
            }
            let Some(unit) = unit else {
                continue;
            };
            let i = &unit.candidate.interface;
            for vlan in unit.vlans {
                parents.insert(vlan, i.name.clone());
            }
            for (option, set) in [("primary", unit.primary), ("active_slave", unit.active)] {
                if let Some(bond) = i.master.clone().filter(|_| set && !i.name.is_empty()) {
                    preferred.push((bond, option, i.name.clone()));
                } else if set {
                    files.warnings.push(format!(
                        "{name}: that its port is the bond's {option} is not carried over, for the file does not name the port"
                    ));
                }
            }
            found.push(unit.candidate);
        }
    }
    for (bond, option, port) in preferred {
        if let Some(Kind::Bond { options }) = devices.get_mut(&bond) {
            options.insert(option.to_owned(), port);
        }
    }
    for candidate in &mut found {
        if let Some(kind) = devices.remove(&candidate.interface.name) {
            candidate.interface.kind = kind;
        }
    }
    // A device without a .network file may still be the parent of others.
    for (name, kind) in devices {
        let mut candidate = Candidate {
            source: format!("{name}.netdev"),
            ..Candidate::default()
        };
        candidate.interface.name = name;
        candidate.interface.kind = kind;
        found.push(candidate);
    }
    for candidate in &mut found {
        if let Kind::Vlan { parent, .. } = &mut candidate.interface.kind
            && let Some(name) = parents.get(&candidate.interface.name)
        {
            parent.clone_from(name);
        }
    }
    for candidate in &mut found {
        let i = &mut candidate.interface;
        if let Some((mac, mtu)) = hardware.get(&i.name) {
            i.cloned_mac = i.cloned_mac.or(*mac);
            i.mtu = i.mtu.or(*mtu);
        }
    }
    // As in networkd, the first file that fits an interface is used.
    let count = found.len() as i32;
    for (n, candidate) in found.iter_mut().enumerate() {
        candidate.priority = (count - n as i32).min(900) - 1000;
    }
    files.candidates.append(&mut found);
    Ok(())
}
