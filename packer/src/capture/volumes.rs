// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the file systems of a disk image lie.

use super::Error;
use crate::fstab::Device;
use crate::layout::device_has_path;
use crate::program;
use ondisk::gpt::{Guid, Table};
use ondisk::lvm::{SegmentKind, VolumeGroup, assemble, read_pv};
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
    /// Its UUID.
    pub uuid: String,
    /// Its label.
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
    pub fn find(image: &Path, file: &File, table: &Table) -> Result<Areas, Error> {
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
            let pv = read_pv(read).map_err(|e| Error::file(image, e))?;
            let pv = pv.map_err(|e| Error::Lvm {
                number,
                what: e.to_string(),
            })?;
            match pv {
                Some(pv) => members.push((number, bytes.start, size, pv)),
                None if partition.type_guid == Guid::BIOS_BOOT => {}
                None => areas.push(Area {
                    part_uuid: partition.guid.to_string().to_lowercase(),
                    part_label: partition.name.to_string(),
                    ..Area::new(format!("partition {number}"), bytes.start, size)
                }),
            }
        }
        let devices: Vec<_> = members.iter().map(|(_, _, size, pv)| (*size, pv)).collect();
        let mut groups = Vec::new();
        for group in &assemble(&devices).groups {
            let slots: Vec<Option<(u32, u64)>> = group
                .slots
                .iter()
                .map(|s| {
                    s.device
                        .and_then(|d| members.get(d))
                        .map(|(n, start, ..)| (*n, *start))
                })
                .collect();
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
    pub fn by_device(&self, device: &Device) -> Option<&Area> {
        // Of two areas with one UUID, that with a file system.
        let named = |own: &str, asked: &str| !own.is_empty() && own == asked;
        let is = |area: &&Area| match device {
            Device::Uuid(uuid) => named(&area.uuid.to_lowercase(), uuid),
            Device::Label(label) => named(&area.label, label),
            Device::PartUuid(uuid) => named(&area.part_uuid, uuid),
            Device::PartLabel(label) => named(&area.part_label, label),
            Device::Path(path) => device_has_path(&area.device, path),
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
    pub fn look(&mut self, image: &Path, file: &File) -> Result<(), Error> {
        probe(image, self)?;
        if self.kind.starts_with("ext") {
            let mut superblock = [0; SUPERBLOCK];
            file.read_exact_at(&mut superblock, self.offset.saturating_add(1024))
                .map_err(|e| Error::file(image, e))?;
            self.in_use = is_in_use(&superblock);
        }
        Ok(())
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

/// The volumes of a group as areas of the image. `slots` has number and start
/// of each physical volume's partition.
fn group_areas(
    vg: &VolumeGroup,
    slots: &[Option<(u32, u64)>],
) -> Result<(Group, Vec<Area>), Error> {
    let mut areas = Vec::new();
    for lv in vg.lvs.iter().filter(|lv| lv.is_visible()) {
        let device = format!("{}/{}", vg.name, lv.name);
        let pieces = || Error::Pieces(device.clone());
        let [segment] = &lv.segments[..] else {
            return Err(pieces());
        };
        let SegmentKind::Striped { stripes, .. } = &segment.kind else {
            return Err(pieces());
        };
        let [stripe] = &stripes[..] else {
            return Err(pieces());
        };
        let index = vg
            .pvs
            .iter()
            .position(|pv| pv.section == stripe.on)
            .ok_or_else(pieces)?;
        let pv = vg.pvs.get(index).ok_or_else(pieces)?;
        let (_, start) = slots.get(index).copied().flatten().ok_or_else(pieces)?;
        let first = stripe.extent.saturating_mul(vg.extent_bytes());
        let offset = start
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
        partitions: slots.iter().flatten().map(|(number, _)| *number).collect(),
        extent_bytes: vg.extent_bytes(),
        volumes: areas.iter().map(|a| (name(a), a.size)).collect(),
    };
    Ok((group, areas))
}

/// Bytes of the superblock that are looked at.
const SUPERBLOCK: usize = 100;

/// Whether an ext2, ext3 or ext4 file system has a journal to replay
/// (`needs_recovery` of s_feature_incompat at 0x60), or none and the bit of a
/// clean unmount (s_state at 0x3a) is missing. Source: the kernel's
/// Documentation/filesystems/ext4/super.rst.
fn is_in_use(superblock: &[u8; SUPERBLOCK]) -> bool {
    superblock[0x60] & 4 != 0 || superblock[0x3a] & 1 == 0
}

/// Asks blkid what lies there; nothing known is no error.
fn probe(image: &Path, area: &mut Area) -> Result<(), Error> {
    let (offset, size) = (area.offset.to_string(), area.size.to_string());
    let words = [
        "--probe", "--offset", &offset, "--size", &size, "--output", "export",
    ];
    let words: Vec<&std::ffi::OsStr> = words.iter().map(|w| w.as_ref()).collect();
    let arguments = [&words[..], &[image.as_os_str()]].concat();
    let text = match program::run("blkid", "util-linux", &arguments) {
        Ok(text) => text,
        // Status 2: nothing found.
        Err(program::Error::Failed { status, .. }) if status.code() == Some(2) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for line in text.lines() {
        match line.split_once('=') {
            Some(("TYPE", value)) => area.kind = value.to_string(),
            Some(("UUID", value)) => area.uuid = value.to_string(),
            Some(("LABEL", value)) => area.label = value.to_string(),
            _ => {}
        }
    }
    Ok(())
}
