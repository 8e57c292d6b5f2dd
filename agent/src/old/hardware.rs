// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether the new system runs on this machine: its C library on this
//! processor, and its kernels with these devices.

use super::rows::Rows;
use super::survey::Survey;
use crate::block::SYS;
use crate::device::{Drivers, Served, above, foresee};
use identity::network::kernel::KernelNetwork;
use ondisk::inventory::{Found, Modules};
use ondisk::modules::Texts;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use sys::cannot;

/// Interfaces below one (a bond's, a bridge's, a VLAN's) are followed so deep.
const DEPTH: usize = 8;

/// A disk or a network interface of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Thing {
    /// `disk sda`
    name: String,
    /// What the new system cannot do without it; empty where it can.
    need: String,
    /// What it hangs on.
    above: Vec<Served>,
}

/// Compares the new system with this machine; what does not fit is a row.
pub(super) fn compare(
    found: &Found,
    survey: Option<&Survey>,
    live: Option<&KernelNetwork>,
    rows: &mut Rows,
) {
    processor(found, rows);
    let kernels = &found.facts.payload.kernels;
    let disk = survey.map(|survey| survey.facts.disk.as_str());
    let things = things(Path::new(SYS), disk, live);
    for (place, kernel) in kernels.iter().enumerate() {
        match found.demands.modules(kernel) {
            Some(modules) => drivers(kernel, modules, &things, place == 0, rows),
            None => rows.warn("drivers", format_args!(
                "the kernel {kernel} of va.tar.xz has no modules.alias that could be looked at, so whether it has drivers for this machine is not known; run depmod in the new system, and make the payload again"
            )),
        }
    }
}

/// Compares what the C library demands with /proc/cpuinfo.
fn processor(found: &Found, rows: &mut Rows) {
    let Some((level, file)) = found.demands.processor() else {
        rows.fine(
            "processor",
            "the new system's C library demands none of its own",
        );
        return;
    };
    let path = Path::new("/proc/cpuinfo");
    let text = std::fs::read_to_string(path).map_err(cannot("read", path));
    let Some(text) = rows.take("processor", text) else {
        return;
    };
    match level.lacking(&text) {
        None => rows.warn("processor", format_args!(
            "{file} of the new system demands {level}, and /proc/cpuinfo does not say what this processor has"
        )),
        Some(lacking) if lacking.is_empty() => {
            rows.fine("processor", format_args!("has {level}, which the new system's C library demands"));
        }
        Some(lacking) => rows.refuse("processor", format_args!(
            "{file} of the new system demands {level}, and this processor lacks {}: no program of it would start; use a newer machine, a virtual machine with a processor of that level (-cpu host, or the like), or a new system for older ones",
            lacking.join(", ")
        )),
    }
}

/// Compares the modules of a kernel with the things of this machine. What is
/// missing for one that is needed is refused if this is the kernel that will
/// be started.
fn drivers(kernel: &str, modules: &Modules, things: &[Thing], first: bool, rows: &mut Rows) {
    let texts = Texts {
        alias: &modules.alias,
        builtin: &modules.builtin,
        builtin_modinfo: &modules.builtin_modinfo,
        ..Texts::default()
    };
    let drivers = match Drivers::of(&texts, "") {
        Ok(drivers) => drivers,
        Err(error) => {
            return rows.warn(
                "drivers",
                format_args!("the kernel {kernel} of va.tar.xz: {error}"),
            );
        }
    };
    let mut lacks = false;
    let mut seen = BTreeSet::new();
    for thing in things {
        for device in &thing.above {
            let Some(lack) = foresee(device, &drivers) else {
                continue;
            };
            lacks = true;
            if !seen.insert(&device.device) {
                continue;
            }
            let text = format!(
                "{}: in the new system with the kernel {kernel}, {lack}{}; use a new system whose kernel has the module (here it is {}), or give the machine another device",
                thing.name, thing.need, device.module
            );
            match first && !thing.need.is_empty() {
                true => rows.refuse("drivers", text),
                false => rows.warn("drivers", text),
            }
        }
    }
    if !lacks {
        let count = things
            .iter()
            .filter(|thing| !thing.above.is_empty())
            .count();
        rows.fine("drivers", format_args!(
            "the new system's kernel {kernel} has them for all disks and network cards ({count})"
        ));
    }
}

/// All disks and interfaces, those that are needed first, so that what several
/// hang on is judged by the one that matters.
fn things(sys: &Path, disk: Option<&str>, live: Option<&KernelNetwork>) -> Vec<Thing> {
    let routed: BTreeSet<String> = live
        .iter()
        .flat_map(|live| default_links(live))
        .flat_map(|name| below(sys, &name))
        .collect();
    let mut found = Vec::new();
    for (class, what) in [("block", "disk"), ("net", "network interface")] {
        for path in children(&sys.join("class").join(class)) {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            // A partition hangs on what its disk hangs on.
            if path.join("partition").exists() {
                continue;
            }
            let need = match class {
                "block" if disk == Some(name.as_str()) => ": it would not find its root",
                "net" if routed.contains(&name) => ": it would not be reached by the network",
                _ => "",
            };
            found.push(Thing {
                name: format!("{what} {name}"),
                need: need.into(),
                above: above(&path),
            });
        }
    }
    found.sort_by_key(|thing| thing.need.is_empty());
    found
}

/// The interfaces that a default route leads to.
fn default_links(live: &KernelNetwork) -> Vec<String> {
    let default = live.routes.iter().filter(|route| route.to.prefix == 0);
    let links = default.filter_map(|route| live.link(route.link?));
    links.map(|link| link.name.clone()).collect()
}

/// An interface and those that it is made of.
fn below(sys: &Path, name: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::from([name.to_string()]);
    let mut last = vec![name.to_string()];
    for _ in 0..DEPTH {
        let children = last
            .iter()
            .flat_map(|name| children(&sys.join("class/net").join(name)));
        let names = children.filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            // A bridge has its ports in a directory of their own.
            Some(name.strip_prefix("lower_")?.to_string())
        });
        last = names.filter(|name| all.insert(name.clone())).collect();
    }
    all
}

/// What is in a directory, by name; nothing where there is none.
fn children(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort_unstable();
    paths
}

#[cfg(test)]
mod tests;
