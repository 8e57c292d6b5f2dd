// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finding the network configuration files of a system.

use super::{Candidate, Files, ifcfg, interfaces, keyfile, networkd, resolv};
use crate::error::Result;
use crate::network::model::Kind;
use crate::text::{glob, shell};
use rootdir::RootDir;
use std::collections::BTreeMap;

const SCRIPTS: &str = "etc/sysconfig/network-scripts";
const KEYFILES: &str = "etc/NetworkManager/system-connections";
const INTERFACES: &str = "etc/network/interfaces";
const NETWORKD: &str = "etc/systemd/network";

/// Reads all of them, whichever system this is.
pub(crate) fn load(root: &RootDir) -> Result<Files> {
    let mut files = Files::default();
    ifcfg_files(root, &mut files)?;
    keyfiles(root, &mut files)?;
    debian(root, &mut files)?;
    networkd_files(root, &mut files)?;
    let text = root.text("etc/resolv.conf")?.unwrap_or_default();
    files.resolv = resolv::parse(&text);
    if files.resolv.servers.iter().any(|s| s.is_loopback()) {
        // A local resolver; systemd-resolved has its servers elsewhere.
        let real = root
            .text("run/systemd/resolve/resolv.conf")?
            .unwrap_or_default();
        let real = resolv::parse(&real);
        if real.servers.is_empty() {
            files.warnings.push(
                "etc/resolv.conf: the name server is a local program, whose own configuration is not carried over".into(),
            );
        }
        files.resolv = real;
        files.resolv.servers.retain(|s| !s.is_loopback());
    }
    resolve_references(&mut files.candidates);
    Ok(files)
}

fn ifcfg_files(root: &RootDir, files: &mut Files) -> Result<()> {
    let global = shell::parse(&root.text("etc/sysconfig/network")?.unwrap_or_default());
    let mut aliases: Vec<Candidate> = Vec::new();
    let mut found: Vec<Candidate> = Vec::new();
    for name in root.list(SCRIPTS)? {
        let Some(file) = name.strip_prefix("ifcfg-").filter(|f| !is_copy(f)) else {
            continue;
        };
        let Some(text) = root.text(&format!("{SCRIPTS}/{name}"))? else {
            continue;
        };
        let Some(mut c) = ifcfg::parse(file, &text, &global, &mut files.warnings) else {
            continue;
        };
        let device = match c.interface.name.as_str() {
            "" => file.to_owned(),
            device => device.to_owned(),
        };
        for (prefix, v6) in [("route-", false), ("route6-", true)] {
            let mut text = root.text(&format!("{SCRIPTS}/{prefix}{device}"))?;
            if text.is_none() {
                text = root.text(&format!("{SCRIPTS}/{prefix}{file}"))?;
            }
            for route in ifcfg::routes(&text.unwrap_or_default(), v6) {
                c.interface.add_route(route);
            }
            if root.exists(&format!(
                "{SCRIPTS}/{}{device}",
                prefix.replace("route", "rule")
            ))? {
                files.warnings.push(format!(
                    "{SCRIPTS}: routing rules of {device} are not carried over"
                ));
            }
        }
        if c.interface.name.contains(':') {
            aliases.push(c)
        } else {
            found.push(c)
        }
    }
    for alias in aliases {
        let base = alias.interface.name.split(':').next().unwrap_or_default();
        match found.iter_mut().find(|c| c.interface.name == base) {
            Some(c) => {
                for address in alias.interface.v4.addresses {
                    c.interface.add_address(address);
                }
            }
            None => files
                .warnings
                .push(format!("{}: there is no {base}", alias.source)),
        }
    }
    files.candidates.append(&mut found);
    Ok(())
}

/// Whether it is an editor's or a package manager's copy.
fn is_copy(name: &str) -> bool {
    const COPIES: [&str; 8] = [
        "~", ".bak", ".orig", ".old", ".rpmsave", ".rpmnew", ".swp", ".rej",
    ];
    name.starts_with('.') || COPIES.iter().any(|c| name.ends_with(c))
}

fn keyfiles(root: &RootDir, files: &mut Files) -> Result<()> {
    for name in root.list(KEYFILES)? {
        if !is_copy(&name)
            && let Some(text) = root.text(&format!("{KEYFILES}/{name}"))?
        {
            files
                .candidates
                .extend(keyfile::parse(&name, &text, &mut files.warnings));
        }
    }
    Ok(())
}

fn debian(root: &RootDir, files: &mut Files) -> Result<()> {
    let mut all = interfaces::Parsed::default();
    let mut todo = vec![INTERFACES.to_owned()];
    let mut seen: Vec<String> = Vec::new();
    while let Some(path) = todo.pop() {
        if seen.contains(&path) || seen.len() > 256 {
            continue;
        }
        seen.push(path.clone());
        let Some(text) = root.text(&path)? else {
            continue;
        };
        let mut parsed = interfaces::parse(&path, &text);
        let mut more = Vec::new();
        for pattern in &parsed.sources {
            let pattern = absolute(pattern);
            let (dir, pattern) = pattern.rsplit_once('/').unwrap_or((".", &pattern));
            let names = root.list(dir)?;
            more.extend(
                names
                    .iter()
                    .filter(|n| glob::matches(pattern, n))
                    .map(|n| format!("{dir}/{n}")),
            );
        }
        for dir in &parsed.directories {
            let dir = absolute(dir);
            // Only names that run-parts would take.
            let plain = |n: &&String| {
                n.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
            };
            more.extend(
                root.list(&dir)?
                    .iter()
                    .filter(plain)
                    .map(|n| format!("{dir}/{n}")),
            );
        }
        more.reverse();
        todo.append(&mut more);
        all.stanzas.append(&mut parsed.stanzas);
        all.auto.append(&mut parsed.auto);
    }
    files
        .candidates
        .extend(interfaces::candidates(&all, &mut files.warnings));
    Ok(())
}

/// Paths in the file are relative to its directory.
fn absolute(path: &str) -> String {
    match path.strip_prefix('/') {
        Some(path) => path.to_owned(),
        None => format!("etc/network/{path}"),
    }
}

fn networkd_files(root: &RootDir, files: &mut Files) -> Result<()> {
    let mut devices: BTreeMap<String, Kind> = BTreeMap::new();
    let mut parents: BTreeMap<String, String> = BTreeMap::new();
    let mut found: Vec<Candidate> = Vec::new();
    for name in root.list(NETWORKD)? {
        let Some(text) = root.text(&format!("{NETWORKD}/{name}"))? else {
            continue;
        };
        if name.ends_with(".netdev") {
            match networkd::netdev(&text) {
                Some(device) => {
                    devices.insert(device.name, device.kind);
                }
                None => files.warnings.push(format!(
                    "{name}: this kind of network device is not carried over"
                )),
            }
        } else if name.ends_with(".network")
            && let Some((candidate, vlans)) = networkd::network(&name, &text)
        {
            for vlan in vlans {
                parents.insert(vlan, candidate.interface.name.clone());
            }
            found.push(candidate);
        }
    }
    for candidate in &mut found {
        if let Some(kind) = devices.remove(&candidate.interface.name) {
            candidate.interface.kind = kind;
        }
    }
    // A device without a .network file is still what others stand on.
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
    // The first file that fits an interface is the one that is used.
    let count = found.len() as i32;
    for (n, candidate) in found.iter_mut().enumerate() {
        candidate.priority = (count - n as i32).min(900) - 1000;
    }
    files.candidates.append(&mut found);
    Ok(())
}

/// Masters and parents that are named by UUID or id get their device's name.
fn resolve_references(candidates: &mut [Candidate]) {
    let names: Vec<(String, String)> = candidates
        .iter()
        .filter(|c| !c.interface.name.is_empty())
        .flat_map(|c| {
            c.aliases
                .iter()
                .map(|a| (a.clone(), c.interface.name.clone()))
        })
        .collect();
    let exists: Vec<String> = candidates
        .iter()
        .map(|c| c.interface.name.clone())
        .collect();
    let resolve = |reference: &mut String| {
        if !exists.contains(reference)
            && let Some((_, name)) = names.iter().find(|(alias, _)| alias == reference)
        {
            reference.clone_from(name);
        }
    };
    for candidate in candidates {
        if let Some(master) = &mut candidate.interface.master {
            resolve(master);
        }
        if let Kind::Vlan { parent, .. } = &mut candidate.interface.kind {
            resolve(parent);
        }
    }
}
