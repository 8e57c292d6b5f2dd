// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds and reads the network configuration files of a system.

use super::{Candidate, Files, connections, interfaces, netplan, resolv, rule, scripts, units};
use super::{loopback, wicked_files};
use crate::error::Result;
use crate::network::model::Kind;
use ondisk::glob;
use rootdir::RootDir;

const INTERFACES: &str = "etc/network/interfaces";

/// Reads the files of all kinds, whichever system this is.
pub(crate) fn load(root: &RootDir) -> Result<Files> {
    let mut files = Files::default();
    scripts::load(root, &mut files)?;
    // Where netplan's files count, the files generated from them do not.
    let mut planned = Files::default();
    let plan = netplan::load(root, &mut planned)?;
    let aside = connections::load(root, &plan, &mut files)?;
    files.candidates.append(&mut planned.candidates);
    files.warnings.append(&mut planned.warnings);
    wicked_files::load(root, &mut files)?;
    let before = files.candidates.len();
    debian(root, &mut files)?;
    if aside {
        // A profile for all devices does not apply to devices of
        // /etc/network/interfaces.
        let (profiles, own) = files.candidates.split_at_mut(before);
        let names: Vec<String> = own.iter().map(|c| c.interface.name.clone()).collect();
        for c in profiles {
            c.except.extend_from_slice(&names);
        }
    }
    units::load(root, &plan, &mut files)?;
    let text = root.text("etc/resolv.conf")?.unwrap_or_default();
    files.resolv = resolv::parse(&text);
    if files.resolv.servers.iter().any(|s| s.is_loopback()) {
        // The address of a local resolver is no server; systemd-resolved lists
        // its servers in another file.
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
    loopback::take(&mut files);
    resolve_references(&mut files.candidates);
    let tables = rule::tables(root)?;
    rule::resolve(&mut files.candidates, &tables, &mut files.warnings);
    Ok(files)
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
            // As in a shell, a file with a dot in front is not meant by `*`.
            let shown = |n: &&String| pattern.starts_with('.') || !n.starts_with('.');
            more.extend(
                names
                    .iter()
                    .filter(shown)
                    .filter(|n| glob::matches(pattern, n))
                    .map(|n| format!("{dir}/{n}")),
            );
        }
        for dir in &parsed.directories {
            let dir = absolute(dir);
            // As with run-parts, only plain names count.
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

/// Replaces UUIDs and ids of masters and parents by the names of their devices.
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
