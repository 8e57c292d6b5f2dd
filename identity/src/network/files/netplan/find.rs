// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finding netplan's files, and whether they or what was made of them at the
//! last start count.

use super::{candidates, profiles};
use crate::error::Result;
use crate::network::files::Files;
use crate::text::yaml::{self, Node};
use rootdir::RootDir;
use std::collections::BTreeMap;

/// Of a name the last one counts.
const DIRECTORIES: [&str; 3] = ["lib/netplan", "etc/netplan", "run/netplan"];
/// One of them is there where netplan is installed.
const PROGRAMS: [&str; 4] = [
    "usr/sbin/netplan",
    "usr/libexec/netplan/generate",
    "usr/lib/netplan/generate",
    "lib/netplan/generate",
];
/// What begins so was made of its files.
const GENERATED: [&str; 2] = [
    "run/systemd/network/10-netplan-",
    "run/NetworkManager/system-connections/netplan-",
];

/// Which of two sources counts.
#[derive(Debug, Default)]
pub(in crate::network::files) struct Plan {
    /// netplan's own files, and not what was made of them.
    counts: bool,
    /// But for these profiles, which have more than netplan knows.
    kept: Vec<String>,
}

impl Plan {
    /// Whether a file was made by netplan and does not count.
    pub(in crate::network::files) fn hides(&self, path: &str) -> bool {
        let made = GENERATED.iter().any(|start| path.starts_with(start));
        let own = |id: &String| path == profile(id);
        made && self.counts && !self.kept.iter().any(own)
    }
}

fn profile(id: &str) -> String {
    format!("{}{id}.nmconnection", GENERATED[1])
}

/// Reads them, if they count.
pub(in crate::network::files) fn load(root: &RootDir, files: &mut Files) -> Result<Plan> {
    let mut paths: BTreeMap<String, String> = BTreeMap::new();
    for dir in DIRECTORIES {
        for name in root.list(dir)? {
            if name.ends_with(".yaml") && !name.starts_with('.') {
                paths.insert(name.clone(), format!("{dir}/{name}"));
            }
        }
    }
    if paths.is_empty() {
        return Ok(Plan::default());
    }
    let mut installed = false;
    for program in PROGRAMS {
        installed |= root.exists(program)?;
    }
    if !installed {
        let paths: Vec<&str> = paths.values().map(String::as_str).collect();
        files.warnings.push(format!(
            "{}: not carried over, for netplan is not installed",
            paths.join(", ")
        ));
        return Ok(Plan::default());
    }
    let mut made = false;
    for prefix in GENERATED {
        let (dir, start) = prefix.rsplit_once('/').unwrap_or(("", prefix));
        made |= root.list(dir)?.iter().any(|n| n.starts_with(start));
    }
    // Drop-ins change what was made of the files, and not the files.
    let drop_ins = root.list("etc/systemd/network")?;
    let drop_ins = drop_ins
        .iter()
        .find(|n| n.starts_with("10-netplan-") && n.ends_with(".d"));
    if let Some(name) = drop_ins.filter(|_| made) {
        files.warnings.push(format!(
            "etc/netplan: what netplan made of its files at the last start is carried over, for etc/systemd/network/{name} changes that; what was changed in etc/netplan since then is not"
        ));
        return Ok(Plan::default());
    }
    let mut all = Node::default();
    for path in paths.values() {
        let text = root.text(path)?.unwrap_or_default();
        match yaml::parse(path, &text) {
            Ok(node) => all.join(node),
            Err(why) => {
                let instead = match made {
                    true => {
                        "what netplan made of its files at the last start is carried over instead"
                    }
                    false => "netplan's files are not carried over",
                };
                files.warnings.push(format!("{why}; {instead}"));
                return Ok(Plan::default());
            }
        }
    }
    let mut kept = Vec::new();
    for id in profiles(&all) {
        if root.exists(&profile(&id))? {
            kept.push(id);
        }
    }
    let found = candidates(&all, &kept, &mut files.warnings);
    files.candidates.extend(found);
    Ok(Plan { counts: true, kept })
}
