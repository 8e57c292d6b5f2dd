// SPDX-License-Identifier: MIT OR Apache-2.0
//! What else the machine has, and which of it depends on the disk to be replaced.
//!
//! Wholes of several devices are found in two ways: by their signatures, also
//! when they are not in use, and by sysfs, when they are. The tiny system has
//! only the first.

use super::groups;
use super::identify::{Look, look};
use super::members::Members;
use crate::block::{self, BlockDevice, DevNo, SYS};
use crate::disk::Disk;
use crate::disk::table::{self, Present};
use crate::lvm::scan;
use crate::machine::Mount;
use crate::plan::{Name, OtherDisk, Others, Whole};
use ondisk::signature::{Kind, Signature};
use std::collections::BTreeSet;
use std::path::Path;

/// A device with what is on it and below it.
pub(super) struct Inspected<'a> {
    pub(super) block: &'a BlockDevice,
    pub(super) disks: BTreeSet<String>,
    look: Look,
    /// The devices on top of it, from sysfs.
    holders: Vec<&'a BlockDevice>,
    /// It is a disk with partitions, so its contents are those of the partitions.
    divided: bool,
}

impl Inspected<'_> {
    fn node(&self) -> String {
        self.block.to_string()
    }

    /// Its valid signatures. On a disk with partitions, those left over from
    /// before it was partitioned do not count.
    fn signatures(&self) -> impl Iterator<Item = &Signature> {
        let at_end = |kind: Kind| matches!(kind, Kind::Md090 | Kind::Md10);
        let counts = move |s: &&Signature| !self.divided || at_end(s.kind);
        self.look.signatures.iter().filter(counts)
    }

    /// A device other than a logical volume is on top of it and shows its
    /// contents.
    fn is_consumed(&self) -> bool {
        !self.holders.iter().all(|holder| holder.is_volume())
            || self.signatures().any(|s| is_md(s.kind))
    }
}

fn is_md(kind: Kind) -> bool {
    matches!(kind, Kind::Md090 | Kind::Md10 | Kind::Md11 | Kind::Md12)
}

/// Looks at all devices. `disk` is the one to be replaced.
pub fn others(blocks: &[BlockDevice], disk: &BlockDevice, mounts: &[Mount]) -> Others {
    let seen: Vec<Inspected> = blocks
        .iter()
        .filter(|block| may_hold_something(block))
        .map(|block| see(block, blocks))
        .collect();
    let scanned: Vec<_> = seen
        .iter()
        .filter(|s| !s.divided && !s.is_consumed())
        .map(|s| s.block.clone())
        .collect();
    let found = scan(&scanned).groups;
    let disks = |device: &BlockDevice| {
        let of = seen.iter().find(|s| s.block.name == device.name);
        of.map(|s| s.disks.clone()).unwrap_or_default()
    };
    let (groups, mut wholes) = groups::others(&found, &disk.name, &disks);
    wholes.extend(members(&seen, mounts).wholes(&disk.name));
    wholes.extend(stacked(&seen, &disk.name, &wholes));
    Others {
        groups,
        wholes,
        keys: Vec::new(),
        names: seen
            .iter()
            .filter(|s| !s.disks.contains(&disk.name))
            .flat_map(names)
            .collect(),
        disks: blocks
            .iter()
            .filter(|b| b.is_disk() && b.name != disk.name)
            .map(|b| describe(b, &seen, &found))
            .collect(),
        whole_before: BTreeSet::new(),
    }
}

/// Excludes RAM disks, drives with exchangeable media, and extended partitions.
fn may_hold_something(block: &BlockDevice) -> bool {
    let memory = block.dev.major == 1 || block.name.starts_with("zram");
    block.bytes > 1024 && !memory && !block.is_drive()
}

fn see<'a>(block: &'a BlockDevice, blocks: &'a [BlockDevice]) -> Inspected<'a> {
    let names = block.holders();
    Inspected {
        block,
        disks: disks_below(block),
        look: look(&block.path()),
        holders: blocks.iter().filter(|b| names.contains(&b.name)).collect(),
        divided: blocks
            .iter()
            .any(|b| b.parent.as_deref() == Some(&block.name)),
    }
}

/// The disks below a device; for a loop device, those of the file system that
/// contains its file. A device that has vanished from sysfs is represented by its
/// own name.
fn disks_below(block: &BlockDevice) -> BTreeSet<String> {
    let of = |dev: DevNo| block::disks_below(Path::new(SYS), dev).unwrap_or_default();
    let disks = match block.backing_file() {
        Some(file) => {
            use std::os::unix::fs::MetadataExt;
            let dev = std::fs::metadata(file).map(|meta| meta.dev());
            dev.map(|dev| of(dev.into())).unwrap_or_default()
        }
        None => of(block.dev),
    };
    match disks.is_empty() {
        true => [block.parent.clone().unwrap_or_else(|| block.name.clone())].into(),
        false => disks,
    }
}

/// Collects the members of all wholes.
fn members(seen: &[Inspected], mounts: &[Mount]) -> Members {
    let mut members = Members::default();
    for device in seen {
        for signature in device.signatures() {
            let Some(part) = &signature.part else {
                continue;
            };
            let node = device.node();
            let name = match part.whole.as_str() {
                "" => node.clone(),
                whole => whole.to_owned(),
            };
            let key = (signature.kind.whole().to_owned(), name);
            members.expect(&key, part.slots);
            members.add(&key, &part.slot, &part.member, &node, &device.disks);
            // The other part has no signature, but the device on top knows it.
            if matches!(signature.kind, Kind::Luks | Kind::Integrity) {
                for user in users(device, signature, seen) {
                    members.add(&key, "data", &user.node(), &user.node(), &user.disks);
                }
            }
        }
    }
    for mount in mounts.iter().filter(|m| m.kind == "xfs") {
        let own = |s: &&Inspected| s.block.dev == mount.device;
        let Some(signature) = seen.iter().find(own).and_then(|s| s.signatures().next()) else {
            continue;
        };
        let name = signature.uuid.clone().unwrap_or_default();
        let key = (Kind::Xfs.whole().to_owned(), name);
        for (option, slot) in [("logdev=", "log"), ("rtdev=", "realtime")] {
            let mut options = mount.options.split(',');
            let Some(path) = options.find_map(|o| o.strip_prefix(option)) else {
                continue;
            };
            let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.into());
            if let Some(device) = seen.iter().find(|s| s.block.path() == path) {
                members.add(&key, slot, slot, &device.node(), &device.disks);
            }
        }
    }
    members
}

/// The device-mapper devices that use the contents of a device.
fn users<'a>(
    device: &Inspected,
    signature: &Signature,
    seen: &'a [Inspected<'a>],
) -> Vec<&'a Inspected<'a>> {
    let uuid = signature
        .uuid
        .as_deref()
        .unwrap_or_default()
        .replace('-', "");
    let uses = |other: &&Inspected| {
        let by_uuid = !uuid.is_empty()
            && other.block.dm_uuid.as_deref().is_some_and(|u| {
                let mut words = u.split('-');
                words.next() == Some("CRYPT") && words.any(|word| word == uuid)
            });
        by_uuid || device.holders.iter().any(|h| h.name == other.block.name)
    };
    seen.iter().filter(uses).collect()
}

/// Devices that span this disk and another one, and that no signature reveals:
/// maps made by hand, caches, multipath.
fn stacked(seen: &[Inspected], disk: &str, named: &[Whole]) -> Vec<Whole> {
    let node = |name: &str| block::node(name).display().to_string();
    let spans = |s: &&Inspected| s.disks.contains(disk) && s.disks.len() > 1;
    let all = named.iter().filter(|w| !w.elsewhere.is_empty());
    if all.count() > 0 {
        return Vec::new();
    }
    seen.iter()
        .filter(spans)
        // Volumes of a group are reported as the group.
        .filter(|s| !s.block.is_volume())
        .map(|s| Whole {
            kind: "device".into(),
            name: s.block.dm_name.clone().unwrap_or_else(|| s.node()),
            here: vec![node(disk)],
            elsewhere: s
                .disks
                .iter()
                .filter(|d| *d != disk)
                .map(|d| node(d))
                .collect(),
            missing: 0,
        })
        .collect()
}

/// The names (UUIDs, labels) in the contents of a device.
fn names(seen: &Inspected) -> Vec<(Name, String)> {
    let node = seen.node();
    let mut names = Vec::new();
    for signature in seen.signatures().filter(|s| !s.kind.is_table()) {
        names.extend(signature.uuid.clone().map(Name::Uuid));
        names.extend(signature.label.clone().map(Name::Label));
    }
    if let Some(Present::Gpt(gpt)) = read_table(seen.block) {
        names.push(Name::Table(gpt.table.disk_guid));
        names.extend(gpt.table.partitions.iter().map(|p| Name::Partition(p.guid)));
    }
    names.into_iter().map(|name| (name, node.clone())).collect()
}

fn read_table(block: &BlockDevice) -> Option<Present> {
    if !block.is_disk() {
        return None;
    }
    Disk::open(block.path())
        .and_then(|disk| table::read(&disk))
        .inspect_err(|error| log::debug!("{error}"))
        .ok()
}

/// Types of partitions whose contents have no signature: boot loader code for
/// BIOS and PReP, and Microsoft's reserved partition.
const BARE: [&str; 3] = [
    "21686148-6449-6E6F-744E-656564454649",
    "9E1A2D38-C612-4316-AA26-8B49521E5A8B",
    "E3C9E316-0B5C-4DB8-817D-F92DF00215AE",
];

fn describe(
    disk: &BlockDevice,
    seen: &[Inspected],
    groups: &[crate::lvm::FoundGroup],
) -> OtherDisk {
    let mut other = OtherDisk {
        device: disk.to_string(),
        ..OtherDisk::default()
    };
    let table = read_table(disk);
    let bare = |number: u32| match &table {
        Some(Present::Gpt(gpt)) => gpt
            .table
            .partition(number)
            .is_some_and(|p| BARE.contains(&p.type_guid.to_string().as_str())),
        _ => false,
    };
    for part in seen.iter().filter(|s| {
        s.block.name == disk.name && !s.divided || s.block.parent.as_deref() == Some(&disk.name)
    }) {
        let node = part.node();
        let table = part.look.signatures.iter().any(|s| s.kind.is_table());
        let group = groups.iter().find(|g| {
            let mut devices = g.devices();
            devices.any(|d| d.dev == part.block.dev)
        });
        let words = part
            .signatures()
            .filter(|s| !s.kind.is_table())
            .map(|s| match &s.label {
                Some(label) => format!("{} \"{label}\"", s.kind),
                None => s.kind.to_string(),
            });
        let words: Vec<String> = match group {
            Some(group) => vec![format!("volume group {}", group.vg.name)],
            None => words.collect(),
        };
        let locked = part.signatures().any(|s| s.kind == Kind::Luks) && part.holders.is_empty();
        let number = part.block.partition.map(|p| p.number);
        if let Some(error) = &part.look.unread {
            other.unclear.push(format!("{node}: {error}"));
        } else if locked {
            other
                .unclear
                .push(format!("{node}: encrypted and not open"));
        } else if !words.is_empty() {
            other.holds.push(format!("{node}: {}", words.join(", ")));
        } else if table || part.look.blank || number.is_some_and(bare) {
            other.holds.push(format!("{node}: empty"));
        } else {
            other.unclear.push(format!("{node}: nothing that is known"));
        }
    }
    other
}
