// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether the new system runs on this machine: its C library on this
//! processor, and its kernels with these devices.

use super::rows::Rows;
use super::survey::Survey;
use crate::block::SYS;
use crate::device::{Drivers, Foreseen, Served, above, foresee};
use identity::network::kernel::{KernelNetwork, Route};
use ondisk::cpu::Level;
use ondisk::inventory::{Modules, Report};
use ondisk::manifest::Requires;
use ondisk::modules::Texts;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use sys::cannot;

/// How many layers of interfaces (bond, bridge, VLAN) are followed downwards.
const DEPTH: usize = 8;

/// What the new system cannot be without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    /// The disk that it lies on.
    Root,
    /// One of the cards that the default route of this number may go by.
    Route(usize),
}

/// A disk or a network interface of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Component {
    /// `disk sda`
    name: String,
    needs: Vec<Need>,
    /// What it hangs on.
    above: Vec<Served>,
}

impl Component {
    /// What of it will have no driver.
    fn lacks(&self, drivers: &Drivers) -> Vec<Foreseen> {
        let above = self.above.iter();
        above
            .filter_map(|device| foresee(device, drivers))
            .collect()
    }
}

/// Compares the new system with this machine; what does not fit is a row.
pub(super) fn compare(
    found: &Report,
    requires: Requires,
    survey: Option<&Survey>,
    live: Option<&KernelNetwork>,
    rows: &mut Rows,
) {
    processor(found, requires, rows);
    let kernels = &found.facts.payload.kernels;
    let disk = survey.map(|survey| survey.facts.disk.as_str());
    let components = components(Path::new(SYS), disk, live);
    for (place, kernel) in kernels.iter().enumerate() {
        match found.demands.modules(kernel) {
            Some(modules) => drivers(kernel, modules, &components, place == 0, rows),
            None => rows.warn("drivers", format_args!(
                "the kernel {kernel} of va.tar.xz has no modules.alias that could be looked at, so whether it has drivers for this machine is not known; run depmod in the new system, and make the payload again"
            )),
        }
    }
}

/// The level that a processor must have, and who demands it.
fn demanded(own: Option<(Level, String)>, requires: Requires) -> Option<(Level, String)> {
    let asked = requires.cpu;
    let asked = asked.map(|level| (level, "the package, by its [requires] cpu,".to_owned()));
    // Of two that are the same the C library's, which is the reason.
    match (own, asked) {
        (Some(own), Some(asked)) if asked.0 > own.0 => Some(asked),
        (own, asked) => own.or(asked),
    }
}

/// Compares what is demanded of a processor with /proc/cpuinfo.
fn processor(found: &Report, requires: Requires, rows: &mut Rows) {
    let own = found.demands.processor();
    let own = own.map(|(level, file)| (level, format!("{file} of the new system")));
    let Some((level, who)) = demanded(own, requires) else {
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
    let words = crate::cmdline::read(crate::cmdline::PATH).unwrap_or_default();
    let hidden = words.split_whitespace().find(|word| hides_flags(word));
    match level.lacking(&text) {
        None => rows.warn("processor", format_args!(
            "{who} demands {level}, and /proc/cpuinfo does not say what this processor has"
        )),
        Some(lacking) if lacking.is_empty() => {
            rows.fine("processor", format_args!("has {level}, which {who} demands"));
        }
        Some(lacking) if hidden.is_some() => rows.warn("processor", format_args!(
            "{who} demands {level}, and /proc/cpuinfo lacks {}, which may be because of {} on the command line of the kernel; look at it before you go on",
            lacking.join(", "),
            hidden.unwrap_or_default()
        )),
        Some(lacking) => rows.refuse("processor", format_args!(
            "{who} demands {level}, and this processor lacks {}: programs of the new system would not run; use a newer machine, a virtual machine with a processor of that level (-cpu host, or the like), or a new system for older ones",
            lacking.join(", ")
        )),
    }
}

/// Words of the kernel's command line that make it not use, and not show, what
/// the processor has (Documentation/admin-guide/kernel-parameters.txt).
fn hides_flags(word: &str) -> bool {
    let name = word.split('=').next().unwrap_or_default();
    [
        "clearcpuid",
        "noxsave",
        "noxsaveopt",
        "noxsaves",
        "gather_data_sampling",
        "nofsgsbase",
    ]
    .contains(&name)
}

/// Compares the modules of a kernel with the things of this machine. What is
/// missing for what is needed is refused if this is the kernel that will be
/// started.
fn drivers(
    kernel: &str,
    modules: &Modules,
    components: &[Component],
    first: bool,
    rows: &mut Rows,
) {
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
    let lacks: Vec<Vec<Foreseen>> = components
        .iter()
        .map(|component| component.lacks(&drivers))
        .collect();
    let all = || components.iter().zip(&lacks);
    let is_lost = |lacks: &[Foreseen]| lacks.iter().any(|lack| lack.certain);
    // Of several cards that one way may go by, one is enough.
    let is_barred = |need: &Need| {
        let mut members = all()
            .filter(|(component, _)| component.needs.contains(need) && !component.above.is_empty());
        members.all(|(_, lacks)| is_lost(lacks))
    };
    let mut seen = BTreeSet::new();
    for (component, lacks) in all() {
        let need = component.needs.iter().find(|need| is_barred(need));
        for lack in lacks {
            if !seen.insert(&lack.device.device) {
                continue;
            }
            let why = match need {
                Some(Need::Root) => ": it would not find its root",
                Some(Need::Route(_)) => ": it would not be reached by the network",
                None => "",
            };
            let here = component
                .above
                .iter()
                .find(|d| d.device == lack.device.device);
            let text = format!(
                "{}: in the new system with the kernel {kernel}, {lack}{why}; use a new system whose kernel has the module (here it is {}), or give the machine another device",
                component.name,
                here.map_or("", |device| &device.module)
            );
            match first && need.is_some() && lack.certain {
                true => rows.refuse("drivers", text),
                false => rows.warn("drivers", text),
            }
        }
    }
    let lacks = lacks.iter().any(|lacks| !lacks.is_empty());
    if !lacks {
        let count = components
            .iter()
            .filter(|component| !component.above.is_empty())
            .count();
        rows.fine("drivers", format_args!(
            "the new system's kernel {kernel} has them for all disks and network cards ({count})"
        ));
    }
}

/// All disks and interfaces, the needed ones first: a controller that several
/// share is then judged by the one that matters.
fn components(sys: &Path, disk: Option<&str>, live: Option<&KernelNetwork>) -> Vec<Component> {
    let ways: Vec<BTreeSet<String>> = live
        .iter()
        .flat_map(|live| default_links(live))
        .map(|name| below(sys, &name))
        .collect();
    let mut found = Vec::new();
    for (class, what) in [("block", "disk"), ("net", "network interface")] {
        for path in children(&sys.join("class").join(class)) {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            // A partition depends on the same devices as its disk.
            if path.join("partition").exists() {
                continue;
            }
            let by = |(number, way): (usize, &BTreeSet<String>)| {
                way.contains(&name).then_some(Need::Route(number))
            };
            let needs = match class {
                "block" if disk == Some(name.as_str()) => vec![Need::Root],
                "net" => ways.iter().enumerate().filter_map(by).collect(),
                _ => Vec::new(),
            };
            found.push(Component {
                name: format!("{what} {name}"),
                needs,
                above: above(&path),
            });
        }
    }
    found.sort_by_key(|component| component.needs.is_empty());
    found
}

/// The interfaces by which the machine reaches everybody: that of the best
/// default route of each family. Further ones are for when it fails.
fn default_links(live: &KernelNetwork) -> BTreeSet<String> {
    /// RT_TABLE_MAIN of linux/rtnetlink.h.
    const MAIN: u32 = 254;
    let is_default = |route: &&Route| route.to.prefix == 0 && route.table == MAIN;
    let best = |v6: bool| {
        let of_family = live.routes.iter().filter(is_default);
        let of_family = of_family.filter(|route| route.to.ip.is_ipv6() == v6);
        of_family.min_by_key(|route| route.metric)
    };
    let links = [false, true].into_iter().filter_map(best);
    let links = links.filter_map(|route| live.link(route.link?));
    links.map(|link| link.name.clone()).collect()
}

/// An interface and all the interfaces below it.
fn below(sys: &Path, name: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::from([name.to_string()]);
    let mut last = vec![name.to_string()];
    for _ in 0..DEPTH {
        let children = last
            .iter()
            .flat_map(|name| children(&sys.join("class/net").join(name)));
        let names = children.filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            // A bridge lists its ports in `brif`, not as `lower_*` links.
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
