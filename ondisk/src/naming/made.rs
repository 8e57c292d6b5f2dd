// SPDX-License-Identifier: MIT OR Apache-2.0
//! The devices that a layout makes, by their names.

use super::Name;
use crate::gpt::{Partition, Table};
use crate::lvm::dm_name;
use crate::manifest::{Device, Filesystem, VolumeGroup};

/// Disks whose name the kernel gives; on another machine it may be another.
const DISKS: [&str; 6] = [
    "/dev/sda",
    "/dev/vda",
    "/dev/hda",
    "/dev/xvda",
    "/dev/nvme0n1p",
    "/dev/mmcblk0p",
];

/// All that a layout makes.
#[derive(Debug, Clone, Copy)]
pub struct Made<'a> {
    /// The partitions.
    pub table: &'a Table,
    /// The volumes.
    pub groups: &'a [VolumeGroup],
    /// The file systems.
    pub filesystems: &'a [Filesystem],
}

/// What a name means on the new disk.
#[derive(Debug, Clone, PartialEq)]
pub enum Meaning<'a> {
    /// The device of a file system.
    Filesystem(&'a Filesystem),
    /// A volume or a partition without one.
    Empty,
    /// A UUID in other letters (capital or small) than udev's link, which would
    /// be this.
    Capitals(String),
    /// No device that the layout makes.
    Nothing,
}

impl<'a> Made<'a> {
    /// What `name` means.
    pub fn meaning(&self, name: &Name) -> Meaning<'a> {
        let is = |f: &&Filesystem| is_device_of(f, name, self.table);
        let filesystem = self.filesystems.iter().find(is);
        match (filesystem, name.small()) {
            (None, _) if !self.has(name) => Meaning::Nothing,
            (_, Some(small)) => Meaning::Capitals(small),
            (Some(filesystem), None) => Meaning::Filesystem(filesystem),
            (None, None) => Meaning::Empty,
        }
    }

    /// Whether the layout makes this volume.
    pub fn has_volume(&self, group: &str, volume: &str) -> bool {
        self.groups
            .iter()
            .any(|g| g.name == group && g.volumes.iter().any(|v| v.name == volume))
    }

    fn has(&self, name: &Name) -> bool {
        if let Name::Path(path) = name {
            let mut volumes = self
                .groups
                .iter()
                .flat_map(|g| g.volumes.iter().map(move |v| (&g.name, &v.name)));
            let mut numbers = self.table.partitions.iter().map(|p| p.number);
            return volumes.any(|(g, v)| device_has_path(&format!("{g}/{v}"), path))
                || numbers.any(|n| device_has_path(&format!("partition {n}"), path));
        }
        self.table.partitions.iter().any(|p| named(p, name))
    }
}

/// Whether `name` is the device of `filesystem`; the letters' size in a UUID
/// does not matter here.
pub fn is_device_of(filesystem: &Filesystem, name: &Name, table: &Table) -> bool {
    let partition = || match filesystem.device()? {
        Device::Partition(number) => table.partition(number),
        Device::Volume { .. } => None,
    };
    match name {
        Name::Uuid(uuid) => filesystem
            .uuid
            .as_ref()
            .is_some_and(|own| own.eq_ignore_ascii_case(uuid)),
        Name::Label(label) => !label.is_empty() && filesystem.label == *label,
        Name::PartUuid(_) | Name::PartLabel(_) => partition().is_some_and(|p| named(p, name)),
        Name::Path(path) => device_has_path(&filesystem.device, path),
    }
}

fn named(partition: &Partition, name: &Name) -> bool {
    match name {
        Name::PartUuid(guid) => partition.guid.to_string().eq_ignore_ascii_case(guid),
        Name::PartLabel(label) => !label.is_empty() && partition.name.to_string() == *label,
        _ => false,
    }
}

/// Whether a path is the manifest's device `partition N` or `GROUP/VOLUME`.
pub fn device_has_path(device: &str, path: &str) -> bool {
    if let Some(number) = device.strip_prefix("partition ") {
        return is_partition_path(path)
            && DISKS.iter().any(|d| path.strip_prefix(d) == Some(number));
    }
    let Some((group, volume)) = device.split_once('/') else {
        return false;
    };
    let mapped = dm_name(group, volume);
    path == format!("/dev/{device}") || mapped.is_ok_and(|n| path == format!("/dev/mapper/{n}"))
}

/// Whether a path is a partition by the kernel's name of a disk, which on
/// another machine may be another disk.
pub fn is_partition_path(path: &str) -> bool {
    let digits = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
    DISKS
        .iter()
        .any(|disk| path.strip_prefix(disk).is_some_and(digits))
}
