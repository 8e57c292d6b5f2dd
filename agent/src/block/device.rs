// SPDX-License-Identifier: MIT OR Apache-2.0
//! One block device, and the list of all.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::sysfs::{directory, entries, name, number, resolve, text};
use super::{DevNo, vpd};
use sys::{FileError, cannot};

use ondisk::run::SECTOR;

/// Where a partition lies on its disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Partition {
    /// Its number in the table.
    pub number: u32,
    /// First byte on the disk.
    pub start: u64,
    /// Length in bytes; the kernel shows an extended partition as 2 sectors long.
    pub length: u64,
}

/// One block device: a disk, a partition, or a mapped one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockDevice {
    /// The kernel's name: `sda`, `nvme0n1p2`, `dm-0`.
    pub name: String,
    pub dev: DevNo,
    pub bytes: u64,
    pub read_only: bool,
    /// Smallest unit of reading and writing, in bytes.
    pub logical_block_size: u32,
    /// Name of the disk that a partition is on.
    pub parent: Option<String>,
    pub partition: Option<Partition>,
    /// Vendor and model, as the disk says it.
    pub model: Option<String>,
    /// Serial number, as the disk says it.
    pub serial: Option<String>,
    /// World wide name, where it has one: `naa.5000c5...`, `eui.0025...`.
    pub wwn: Option<String>,
    /// Name in the device-mapper (`vg-root`).
    pub dm_name: Option<String>,
    /// UUID in the device-mapper (`LVM-...`).
    pub dm_uuid: Option<String>,
    /// Its directory in sysfs, without symbolic links.
    pub sysfs: PathBuf,
}

impl BlockDevice {
    /// Its node.
    pub fn path(&self) -> PathBuf {
        node(&self.name)
    }

    /// Whether it is a virtual device: loop, ram, zram, dm, md.
    pub fn is_virtual(&self) -> bool {
        let mut parts = self.sysfs.components().map(|part| part.as_os_str());
        // A disk with native NVMe multipath lies there, too, however it is
        // attached.
        parts.any(|part| part == "virtual") && parts.next() != Some("nvme-subsystem".as_ref())
    }

    /// Whether a system could be installed on it: a whole disk with a size that
    /// is neither virtual nor has exchangeable media.
    pub fn is_disk(&self) -> bool {
        self.partition.is_none() && !self.is_virtual() && self.bytes > 0 && !self.is_drive()
    }

    /// A floppy or optical drive (Documentation/admin-guide/devices.txt).
    pub fn is_drive(&self) -> bool {
        matches!(self.dev.major, 2 | 11)
    }

    /// A logical volume, which may hold a guest's disk.
    pub fn is_volume(&self) -> bool {
        let uuid = self.dm_uuid.as_deref().unwrap_or_default();
        uuid.starts_with("LVM-")
    }

    /// The names of the devices on top of it.
    pub fn holders(&self) -> BTreeSet<String> {
        let paths = entries(&self.sysfs.join("holders")).unwrap_or_default();
        paths.iter().map(|path| name(path)).collect()
    }

    /// The file that a loop device shows.
    pub fn backing_file(&self) -> Option<PathBuf> {
        text(&self.sysfs, "loop/backing_file").map(PathBuf::from)
    }

    /// Whether the disk has a command that writes zeros.
    pub fn makes_zeros(&self) -> bool {
        // A kernel before 4.13 does not say.
        let most: Result<u64, _> = number(&self.sysfs, "queue/write_zeroes_max_bytes");
        most.is_ok_and(|bytes| bytes > 0)
    }

    /// The file with the kernel's counters of reads and writes.
    pub fn counters(&self) -> PathBuf {
        self.sysfs.join("stat")
    }

    /// For a message: node, size, model and serial number.
    pub fn describe(&self) -> String {
        let mut text = format!("{self} ({} MiB", self.bytes >> 20);
        for word in [&self.model, &self.serial].into_iter().flatten() {
            text.push_str(", ");
            text.push_str(word);
        }
        text.push(')');
        text
    }

    /// Reads the directory of a device. `None` when the device vanishes
    /// meanwhile, or when the files contradict each other.
    pub(super) fn read(sysfs: PathBuf) -> Option<BlockDevice> {
        let name = sysfs.file_name()?.to_str()?.to_owned();
        let partition = partition(&sysfs).ok()?;
        // Model, serial number and queue are in the directory of the whole disk.
        let disk = match partition {
            Some(_) => sysfs.parent()?.to_owned(),
            None => sysfs.clone(),
        };
        let parent = match partition {
            Some(_) => Some(disk.file_name()?.to_str()?.to_owned()),
            None => None,
        };
        let vendor = text(&disk, "device/vendor").filter(|vendor| !vendor.starts_with("0x"));
        let model = match (vendor, text(&disk, "device/model")) {
            // For SATA disks the kernel puts "ATA" in the place of the vendor.
            (Some(vendor), Some(model)) if vendor != "ATA" => Some(format!("{vendor} {model}")),
            (_, model) => model,
        };
        Some(BlockDevice {
            dev: number(&sysfs, "dev").ok()?,
            bytes: number::<u64>(&sysfs, "size")
                .unwrap_or(0)
                .saturating_mul(SECTOR),
            read_only: number(&sysfs, "ro").is_ok_and(|flag: u64| flag == 1),
            logical_block_size: number(&disk, "queue/logical_block_size").unwrap_or(512),
            parent,
            partition,
            model,
            serial: vpd::serial(&disk),
            wwn: vpd::wwn(&disk),
            dm_name: text(&sysfs, "dm/name"),
            dm_uuid: text(&sysfs, "dm/uuid"),
            name,
            sysfs,
        })
    }
}

/// Its node.
impl fmt::Display for BlockDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path().display().fmt(f)
    }
}

/// The node of a block device by its kernel name. There `!` stands for `/`
/// (`cciss!c0d0` is `/dev/cciss/c0d0`).
pub fn node(name: &str) -> PathBuf {
    Path::new("/dev").join(name.replace('!', "/"))
}

/// The kernel's name of a partition: `sda` 3 is `sda3`; after a digit there
/// is a `p`, as in `nvme0n1p3` and `mmcblk0p1`.
pub fn partition_name(disk: &str, number: u32) -> String {
    let p = if disk.ends_with(|c: char| c.is_ascii_digit()) {
        "p"
    } else {
        ""
    };
    format!("{disk}{p}{number}")
}

/// The node of a partition: `sda` 3 is `/dev/sda3`.
pub fn partition_node(disk: &str, number: u32) -> PathBuf {
    node(&partition_name(disk, number))
}

/// The block device with this number.
///
/// # Errors
/// When sysfs has no such device.
pub fn by_number(sys: &Path, dev: DevNo) -> Result<BlockDevice, FileError> {
    let dir = directory(sys, dev)?;
    let gone = || FileError::new("read", &dir, ErrorKind::InvalidData);
    BlockDevice::read(dir.clone()).ok_or_else(gone)
}

/// All block devices that the sysfs at `sys` (usually [`super::SYS`]) shows,
/// sorted by name as people count (`sda2` before `sda10`). One that vanishes
/// while it is looked at is left out.
///
/// # Errors
/// When there is no sysfs. On a machine without any block device the class is
/// missing.
pub fn list(sys: &Path) -> Result<Vec<BlockDevice>, FileError> {
    let class = sys.join("class/block");
    if !sys.join("class").exists() {
        return Err(FileError::new("read", &class, ErrorKind::NotFound));
    }
    let links = entries(&class)?;
    let directories = links.iter().filter_map(|link| resolve(link).ok());
    let mut devices: Vec<_> = directories.filter_map(BlockDevice::read).collect();
    devices.sort_by_cached_key(|device| sort_key(&device.name));
    Ok(devices)
}

/// The partitions that the kernel has of a disk (`sda`), by number.
///
/// # Errors
/// When one of them cannot be read.
pub fn partitions(sys: &Path, disk: &str) -> Result<Vec<Partition>, FileError> {
    let dir = sys.join("class/block").join(disk);
    // A disk that was removed must be an error, and not a disk without
    // partitions.
    fs::metadata(&dir).map_err(cannot("read", &dir))?;
    let mut found = Vec::new();
    for entry in entries(&dir)? {
        found.extend(partition(&entry)?);
    }
    found.sort_unstable();
    Ok(found)
}

fn partition(dir: &Path) -> Result<Option<Partition>, FileError> {
    if !dir.join("partition").exists() {
        return Ok(None);
    }
    Ok(Some(Partition {
        number: number(dir, "partition")?,
        start: number::<u64>(dir, "start")?.saturating_mul(SECTOR),
        length: number::<u64>(dir, "size")?.saturating_mul(SECTOR),
    }))
}

/// Sorts letters as they are, and numbers by their value.
fn sort_key(name: &str) -> Vec<(usize, String)> {
    let mut parts: Vec<(bool, String)> = Vec::new();
    for character in name.chars() {
        let digit = character.is_ascii_digit();
        match parts.last_mut() {
            Some((same, part)) if *same == digit => part.push(character),
            _ => parts.push((digit, character.to_string())),
        }
    }
    let key = |(digit, part): (bool, String)| (if digit { part.len() } else { 0 }, part);
    parts.into_iter().map(key).collect()
}
