// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finding the network configuration files of a system.

use super::{Candidate, Files, ifcfg, interfaces, keyfile, networkd, place, resolv, unknown};
use crate::error::Result;
use crate::network::address::Cidr;
use crate::network::model::{Kind, Route};
use crate::text::{glob, ini::Ini, shell};
use rootdir::RootDir;
use std::collections::BTreeMap;

const SCRIPTS: &str = "etc/sysconfig/network-scripts";
const STATIC_ROUTES: &str = "etc/sysconfig/static-routes";
const KEYFILES: &str = "etc/NetworkManager/system-connections";
const INTERFACES: &str = "etc/network/interfaces";
/// Where systemd-networkd has its files; of a name the first one counts.
/// netplan's generator writes to /run.
const NETWORKD: [&str; 5] = [
    "etc/systemd/network",
    "run/systemd/network",
    "usr/local/lib/systemd/network",
    "usr/lib/systemd/network",
    "lib/systemd/network",
];

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
    let mut routes = Vec::new();
    for name in root.list(SCRIPTS)? {
        let Some(file) = name.strip_prefix("ifcfg-").filter(|f| !is_copy(f)) else {
            continue;
        };
        let Some(text) = root.text(&format!("{SCRIPTS}/{name}"))? else {
            continue;
        };
        let Some(c) = ifcfg::parse(file, &text, &global, &mut files.warnings) else {
            continue;
        };
        let device = match c.interface.name.as_str() {
            "" => file.to_owned(),
            device => device.to_owned(),
        };
        for (prefix, v6) in [("route-", false), ("route6-", true)] {
            let mut name = format!("{prefix}{device}");
            let mut text = root.text(&format!("{SCRIPTS}/{name}"))?;
            if text.is_none() {
                name = format!("{prefix}{file}");
                text = root.text(&format!("{SCRIPTS}/{name}"))?;
            }
            let text = text.unwrap_or_default();
            for (line, route) in ifcfg::routes(&text, v6, &name, &mut files.warnings) {
                let mut route = route;
                let alias = c.interface.name.split_once(':').map(|(base, _)| base);
                route.device = route.device.or(alias.map(str::to_owned));
                let own = alias.is_none().then_some(found.len());
                routes.push((own, route, format!("{name}:{line}")));
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
                let (i, alias_of) = (&mut c.interface, alias.interface);
                for address in alias_of.v4.addresses.iter().chain(&alias_of.v6.addresses) {
                    i.add_address(*address);
                }
                if let Some(gateway) = alias_of.v4.gateway {
                    i.add_route(Route::new(Cidr::default_of(false), Some(gateway)));
                }
            }
            None => files
                .warnings
                .push(format!("{}: there is no {base}", alias.source)),
        }
    }
    for (own, route, origin) in routes {
        place::place(&mut found, own, route, &origin, &mut files.warnings);
    }
    let text = root.text(STATIC_ROUTES)?.unwrap_or_default();
    for (at, line) in text.lines().enumerate() {
        let origin = format!("{STATIC_ROUTES}:{}", at + 1);
        match ifcfg::static_route(line) {
            Some(Ok(route)) => place::place(&mut found, None, route, &origin, &mut files.warnings),
            Some(Err(why)) => files
                .warnings
                .push(format!("{origin}: `{line}` is not carried over: {why}")),
            None => {}
        }
    }
    let used = |gateway: &str| {
        let hop = gateway.parse().ok();
        let mut all = found.iter().filter(|c| c.interface.v4.gateway.is_some());
        all.any(|c| c.interface.v4.gateway == hop)
    };
    if let Some(gateway) = global.get("GATEWAY").filter(|g| !g.is_empty())
        && !used(gateway)
    {
        files.warnings.push(format!(
            "etc/sysconfig/network: GATEWAY={gateway} is not in the network of the interface that it is for, or this one has a gateway of its own; it is not carried over"
        ));
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

fn networkd_files(root: &RootDir, files: &mut Files) -> Result<()> {
    let mut devices: BTreeMap<String, Kind> = BTreeMap::new();
    let mut parents: BTreeMap<String, String> = BTreeMap::new();
    let mut preferred = Vec::new();
    let mut hardware = BTreeMap::new();
    let mut found: Vec<Candidate> = Vec::new();
    for (name, path) in units(root, "", &[".network", ".netdev"])? {
        let Some(mut text) = root.text(&path)? else {
            continue;
        };
        // Those of the distribution for containers and the like.
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
        // One for every machine; what it says beside is the distribution's.
        let mut beside = Vec::new();
        unknown::in_sections(&name, &text, &networkd::KNOWN, &mut beside);
        if vendor {
            beside.clear();
        }
        for (_, path) in units(root, &format!("/{name}.d"), &[".conf"])? {
            let more = root.text(&path)?.unwrap_or_default();
            unknown::in_sections(&path, &more, &networkd::KNOWN, &mut beside);
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
        } else if name.ends_with(".network")
            && let Some(unit) = networkd::network(&name, &text, &mut files.warnings)
        {
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
    for candidate in &mut found {
        let i = &mut candidate.interface;
        if let Some((mac, mtu)) = hardware.get(&i.name) {
            i.cloned_mac = i.cloned_mac.or(*mac);
            i.mtu = i.mtu.or(*mtu);
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
