// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finding NetworkManager's profiles, as its keyfile plugin does.

use super::copies::is_copy;
use super::netplan::Plan;
use super::nm_conf::{Conf, Devices};
use super::{Files, keyfile};
use crate::error::Result;
use rootdir::RootDir;
use std::collections::{BTreeMap, BTreeSet};

const CONNECTIONS: &str = "NetworkManager/system-connections";
/// Directories besides /etc; of several profiles with one UUID the first counts.
/// netplan writes to /run.
const BESIDE: [&str; 2] = ["run", "usr/lib"];
const CONF: &str = "etc/NetworkManager/NetworkManager.conf";

/// Reads the profiles, except those that `plan` hides. Returns whether
/// NetworkManager leaves the devices of /etc/network/interfaces alone.
pub(super) fn load(root: &RootDir, plan: &Plan, files: &mut Files) -> Result<bool> {
    let conf = conf(root, &mut files.warnings)?;
    let mut lost: BTreeSet<String> = BTreeSet::new();
    scripts(root, &conf, files, &mut lost)?;
    let own = conf
        .path
        .clone()
        .unwrap_or_else(|| format!("etc/{CONNECTIONS}"));
    let places = [
        format!("{}/{CONNECTIONS}", BESIDE[0]),
        own.clone(),
        format!("{}/{CONNECTIONS}", BESIDE[1]),
    ];
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for dir in &places {
        for name in root.list(dir)? {
            let path = format!("{dir}/{name}");
            // A link to /dev/null removes the profile with this UUID.
            if let Some(uuid) = name.strip_suffix(".nmmeta") {
                if root.link(&path)?.is_some_and(|to| to == "/dev/null") {
                    seen.insert(uuid.to_owned());
                }
                continue;
            }
            // Only in the directory for people may the names have any suffix.
            let suffix = name.ends_with(".nmconnection");
            if is_copy(&name) || *dir != own && !suffix {
                continue;
            }
            if plan.hides(&path) {
                continue;
            }
            let Some(text) = root.text(&path)? else {
                continue;
            };
            let mut warnings = Vec::new();
            let found = keyfile::parse(&name, &text, &mut warnings);
            let uuid = keyfile::uuid(&text).unwrap_or(path);
            if !seen.insert(uuid) {
                continue;
            }
            files.warnings.append(&mut warnings);
            let Some(mut candidate) = found else {
                continue;
            };
            let i = &candidate.interface;
            if let Some(devices) = conf.leaves_alone(&i.name, i.mac)
                && (!i.name.is_empty() || i.mac.is_some())
            {
                files.warnings.push(left_alone(&name, devices));
                continue;
            }
            lost.extend(conf.apply(&mut candidate));
            candidate.except = conf.unmanaged.iter().flat_map(|d| d.names()).collect();
            files.candidates.push(candidate);
        }
    }
    let lost = lost.into_iter();
    files
        .warnings
        .extend(lost.map(|what| format!("{what} is not carried over")));
    let plugins = conf.plugins.iter().flatten();
    let aside = plugins.into_iter().any(|p| p == "ifupdown") && !conf.manages_interfaces;
    if !conf.dns.is_empty() {
        files.everywhere = conf.dns;
    }
    Ok(aside)
}

/// Whether NetworkManager's configuration leaves /etc/resolv.conf to others.
pub(crate) fn writes_no_dns(root: &RootDir) -> Result<bool> {
    Ok(conf(root, &mut Vec::new())?.writes_no_dns())
}

/// NetworkManager's configuration, in its own order of reading: a later file
/// wins, and of one name in several directories the one in /etc, then the one in
/// /run.
fn conf(root: &RootDir, warnings: &mut Vec<String>) -> Result<Conf> {
    let mut conf = Conf::default();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for dir in [
        "usr/lib/NetworkManager/conf.d",
        "run/NetworkManager/conf.d",
        "etc/NetworkManager/conf.d",
    ] {
        if dir.starts_with("etc") {
            order.push(CONF.to_owned());
        }
        for name in root.list(dir)? {
            if !name.ends_with(".conf") || is_copy(&name) {
                continue;
            }
            // A name that is there twice keeps its last place only.
            if let Some(at) = seen.insert(name.clone(), order.len())
                && let Some(path) = order.get_mut(at)
            {
                path.clear();
            }
            order.push(format!("{dir}/{name}"));
        }
    }
    for path in order.iter().filter(|p| !p.is_empty()) {
        let text = root.text(path)?.unwrap_or_default();
        let mut said = Vec::new();
        conf.add(path, &text, &mut said);
        // Warnings about the distribution's own files help nobody.
        if !path.starts_with("usr/lib") {
            warnings.append(&mut said);
        }
    }
    Ok(conf)
}

/// Applies the configuration to ifcfg files, if NetworkManager alone manages the
/// network, and not the older service.
fn scripts(
    root: &RootDir,
    conf: &Conf,
    files: &mut Files,
    lost: &mut BTreeSet<String>,
) -> Result<()> {
    let wants = "etc/systemd/system/multi-user.target.wants/NetworkManager.service";
    let manager = root.present(wants)? || root.is_dir("run/NetworkManager")?;
    let service = root.list("etc/rc.d/rc3.d")?;
    let mut service = service.iter().filter(|n| n.starts_with('S'));
    if !manager || service.any(|n| n.ends_with("network")) {
        return Ok(());
    }
    let plugins = conf
        .plugins
        .iter()
        .find(|p| !p.iter().any(|p| p == "ifcfg-rh"));
    let mut kept = Vec::new();
    for mut c in std::mem::take(&mut files.candidates) {
        let i = &c.interface;
        let alone = conf.leaves_alone(&i.name, i.mac);
        if let Some(plugins) = plugins {
            files.warnings.push(format!(
                "{}: NetworkManager does not read it (plugins={}), so it is not carried over",
                c.source,
                plugins.join(",")
            ));
        } else if let Some(devices) = alone {
            files.warnings.push(left_alone(&c.source, devices));
        } else {
            lost.extend(conf.apply(&mut c));
            kept.push(c);
        }
    }
    files.candidates = kept;
    Ok(())
}

fn left_alone(source: &str, devices: &Devices) -> String {
    format!(
        "{source}: NetworkManager leaves its device alone ({}), so it is not carried over",
        devices.origin
    )
}
