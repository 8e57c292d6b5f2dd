// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the file systems of a disk image lie.

use crate::file::At;
use crate::program;
use anyhow::{Context, Result, anyhow, bail};
use ondisk::ext4;
use ondisk::gpt::{Guid, Table};
use ondisk::lvm::{SegmentKind, VolumeGroup, assemble, read_pv};
use ondisk::naming::{Name, device_has_path};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A partition or a logical volume with a file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area {
    /// As the manifest names it: `partition 2`, `VA/root`.
    pub device: String,
    /// First byte in the image.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
    /// Type of the file system; empty when there is none.
    pub kind: String,
    pub uuid: String,
    pub label: String,
    /// An ext file system that is mounted, or was not unmounted.
    pub in_use: bool,
    /// GUID of the partition, as fstab's PARTUUID= has it.
    part_uuid: String,
    /// Name of the partition, as fstab's PARTLABEL= has it.
    part_label: String,
}

/// A volume group of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    pub partitions: Vec<u32>,
    pub extent_bytes: u64,
    /// Names and sizes in bytes, in the order in which they lie on the disk.
    pub volumes: Vec<(String, u64)>,
}

/// All of a disk.
pub struct Areas {
    areas: Vec<Area>,
    pub groups: Vec<Group>,
}

impl Areas {
    /// Looks at every partition of the image.
    pub fn find(image: &Path, file: &File, table: &Table) -> Result<Areas> {
        let mut areas = Vec::new();
        let mut members = Vec::new();
        for partition in &table.partitions {
            let bytes = table.byte_range(partition);
            let size = bytes.end.saturating_sub(bytes.start);
            let read = |offset: u64, length: usize| {
                let room = size.saturating_sub(offset);
                let mut out = vec![0; length.min(usize::try_from(room).unwrap_or(length))];
                file.read_exact_at(&mut out, bytes.start.saturating_add(offset))
                    .map(|()| out)
            };
            let number = partition.number;
            let pv = read_pv(read).at(image)?;
            let pv = pv.map_err(|e| anyhow!("partition {number}: {e}"))?;
            match pv {
                Some(pv) => members.push((
                    Member {
                        number,
                        start: bytes.start,
                    },
                    size,
                    pv,
                )),
                None if partition.type_guid == Guid::BIOS_BOOT => {}
                None => areas.push(Area {
                    part_uuid: partition.guid.to_string().to_lowercase(),
                    part_label: partition.name.to_string(),
                    ..Area::new(format!("partition {number}"), bytes.start, size)
                }),
            }
        }
        let mut groups = Vec::new();
        for group in assemble(&members).groups {
            let slots: Vec<_> = group.slots.into_iter().map(|s| s.device).collect();
            let (found, own) = group_areas(&group.vg, &slots)?;
            groups.push(found);
            areas.extend(own);
        }
        for area in &mut areas {
            area.look(image, file)?;
        }
        Ok(Areas { areas, groups })
    }

    /// Those with a file system that can be a part of the new system.
    pub fn filesystems(&self) -> impl Iterator<Item = &Area> {
        self.areas.iter().filter(|a| a.is_known())
    }

    /// What a device of an fstab means.
    pub fn by_device(&self, device: &Name) -> Option<&Area> {
        // Of two areas with one UUID, that with a file system.
        let named = |own: &str, asked: &str| !own.is_empty() && own == asked;
        let is = |area: &&Area| match device {
            Name::Uuid(uuid) => named(&area.uuid.to_lowercase(), &uuid.to_lowercase()),
            Name::Label(label) => named(&area.label, label),
            Name::PartUuid(uuid) => named(&area.part_uuid, &uuid.to_lowercase()),
            Name::PartLabel(label) => named(&area.part_label, label),
            Name::Path(path) => device_has_path(&area.device, path),
        };
        let known = self.areas.iter().filter(|a| a.is_known());
        let others = self.areas.iter().filter(|a| !a.is_known());
        known.chain(others).find(is)
    }
}

impl Area {
    /// Whether its file system can be a part of the new system.
    pub fn is_known(&self) -> bool {
        ["ext2", "ext3", "ext4", "xfs"].contains(&self.kind.as_str())
    }

    /// Finds out what lies there.
    pub fn look(&mut self, image: &Path, file: &File) -> Result<()> {
        probe(image, self)?;
        if self.kind.starts_with("ext") {
            let mut superblock = [0; ext4::SUPERBLOCK];
            let at = self.offset.saturating_add(ext4::SUPERBLOCK_AT);
            file.read_exact_at(&mut superblock, at).at(image)?;
            self.in_use = ext4::is_in_use(&superblock);
        }
        Ok(())
    }

    /// Takes what `blkid --output export` says of it.
    pub fn describe(&mut self, text: &str) {
        for line in text.lines() {
            match line.split_once('=') {
                Some(("TYPE", value)) => self.kind = value.to_string(),
                Some(("UUID", value)) => self.uuid = value.to_string(),
                Some(("LABEL", value)) => self.label = value.to_string(),
                _ => {}
            }
        }
    }

    /// One of which nothing else is known yet; first byte in the image, bytes.
    pub fn new(device: String, offset: u64, size: u64) -> Area {
        Area {
            device,
            offset,
            size,
            kind: String::new(),
            uuid: String::new(),
            label: String::new(),
            in_use: false,
            part_uuid: String::new(),
            part_label: String::new(),
        }
    }
}

/// The partition that a physical volume is on.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    pub number: u32,
    /// First byte in the image.
    pub start: u64,
}

impl std::fmt::Display for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "partition {}", self.number)
    }
}

/// The volumes of a group as areas of the image. `slots` has the places of its
/// physical volumes.
pub fn group_areas(vg: &VolumeGroup, slots: &[Option<Member>]) -> Result<(Group, Vec<Area>)> {
    let mut areas = Vec::new();
    for lv in vg.lvs.iter().filter(|lv| lv.is_visible()) {
        let device = format!("{}/{}", vg.name, lv.name);
        let pieces = || {
            format!(
                "logical volume {device} is not one piece on one partition; make it so (pvmove) before the capture"
            )
        };
        let [segment] = &lv.segments[..] else {
            bail!(pieces());
        };
        let SegmentKind::Striped { stripes, .. } = &segment.kind else {
            bail!(pieces());
        };
        let [stripe] = &stripes[..] else {
            bail!(pieces());
        };
        let index = vg
            .pvs
            .iter()
            .position(|pv| pv.section == stripe.on)
            .with_context(pieces)?;
        let pv = vg.pvs.get(index).with_context(pieces)?;
        let member = slots.get(index).copied().flatten().with_context(pieces)?;
        let first = stripe.extent.saturating_mul(vg.extent_bytes());
        let offset = member
            .start
            .saturating_add(pv.pe_start.saturating_mul(512))
            .saturating_add(first);
        let size = lv.extents().saturating_mul(vg.extent_bytes());
        areas.push(Area::new(device, offset, size));
    }
    areas.sort_by_key(|a| a.offset);
    let name = |area: &Area| {
        area.device
            .split_once('/')
            .map_or("", |(_, lv)| lv)
            .to_string()
    };
    let group = Group {
        name: vg.name.clone(),
        partitions: slots.iter().flatten().map(|m| m.number).collect(),
        extent_bytes: vg.extent_bytes(),
        volumes: areas.iter().map(|a| (name(a), a.size)).collect(),
    };
    Ok((group, areas))
}

/// Asks blkid what lies there; nothing known is no error.
fn probe(image: &Path, area: &mut Area) -> Result<()> {
    let (offset, size) = (area.offset.to_string(), area.size.to_string());
    let words = [
        "--probe", "--offset", &offset, "--size", &size, "--output", "export",
    ];
    let words: Vec<&std::ffi::OsStr> = words.iter().map(|w| w.as_ref()).collect();
    let arguments = [&words[..], &[image.as_os_str()]].concat();
    let out = program::output("blkid", "util-linux", &arguments)?;
    // Status 2: nothing found.
    if out.status.code() != Some(2) {
        area.describe(&program::printed("blkid", &out)?);
    }
    Ok(())
}
