// SPDX-License-Identifier: MIT OR Apache-2.0
//! Block devices, as sysfs shows them.

use std::fs;
use std::path::{Path, PathBuf};

use super::Error;

/// What a partition is of its disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// Its number in the table.
    pub number: u32,
    /// Where it starts on the disk, in sectors of 512 bytes.
    pub start: u64,
}

/// One block device: a disk, a partition, or a mapped one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockDevice {
    /// The kernel's name: `sda`, `nvme0n1p2`, `dm-0`.
    pub name: String,
    /// Device number.
    pub major: u32,
    /// Device number.
    pub minor: u32,
    /// Size in sectors of 512 bytes, whatever the disk's own are.
    pub sectors: u64,
    /// Whether it refuses writes.
    pub read_only: bool,
    /// Smallest unit of reading and writing, in bytes.
    pub logical_block_size: u32,
    /// Name of the disk that a partition is on.
    pub parent: Option<String>,
    /// What a partition is of that disk.
    pub partition: Option<Partition>,
    /// Vendor and model, as the disk says it.
    pub model: Option<String>,
    /// Serial number, as the disk says it.
    pub serial: Option<String>,
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

    /// Size in bytes.
    pub fn bytes(&self) -> u64 {
        self.sectors.saturating_mul(512)
    }

    /// Whether it is made by software: loop, ram, zram, dm, md.
    pub fn is_virtual(&self) -> bool {
        let mut parts = self.sysfs.components().map(|part| part.as_os_str());
        // What a disk with native NVMe multipath is made of lies there, too,
        // however it is attached.
        parts.any(|part| part == "virtual") && parts.next() != Some("nvme-subsystem".as_ref())
    }

    /// Whether a system could be installed on it: a whole disk with a size,
    /// that is neither made by software nor an optical or floppy drive.
    pub fn is_disk(&self) -> bool {
        // 11 is SCSI CD-ROM, 2 floppy (Documentation/admin-guide/devices.txt).
        self.partition.is_none()
            && !self.is_virtual()
            && self.sectors > 0
            && !matches!(self.major, 2 | 11)
    }

    /// For a message: node, size, model and serial number.
    pub fn describe(&self) -> String {
        let mut text = format!("{} ({} MiB", self.path().display(), self.bytes() >> 20);
        for word in [&self.model, &self.serial].into_iter().flatten() {
            text.push_str(", ");
            text.push_str(word);
        }
        text.push(')');
        text
    }
}

/// The node of a block device by its kernel name. There `!` stands for `/`
/// (`cciss!c0d0` is `/dev/cciss/c0d0`).
pub fn node(name: &str) -> PathBuf {
    Path::new("/dev").join(name.replace('!', "/"))
}

/// All block devices that the sysfs at `sys` (usually `/sys`) shows, sorted by
/// name as people count (`sda2` before `sda10`). One that vanishes while it is
/// looked at is left out.
pub fn list(sys: &Path) -> Result<Vec<BlockDevice>, Error> {
    let directory = sys.join("class/block");
    let entries = match fs::read_dir(&directory) {
        Ok(entries) => entries,
        // Without any block device the class is missing.
        Err(error)
            if error.kind() == std::io::ErrorKind::NotFound && sys.join("class").exists() =>
        {
            return Ok(Vec::new());
        }
        Err(error) => return Err(Error::read(&directory, error)),
    };
    let mut devices = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Error::read(&directory, error))?;
        if let Ok(path) = fs::canonicalize(entry.path()) {
            devices.extend(read(path));
        }
    }
    devices.sort_by_cached_key(|device| sort_key(&device.name));
    Ok(devices)
}

fn read(sysfs: PathBuf) -> Option<BlockDevice> {
    let name = sysfs.file_name()?.to_str()?.to_owned();
    let (major, minor) = text(&sysfs, "dev")?.split_once(':').map(parse_pair)??;
    let number = text(&sysfs, "partition").and_then(|text| text.parse().ok());
    let partition = number.map(|number| Partition {
        number,
        start: value(&sysfs, "start"),
    });
    // What belongs to the whole disk is in its directory.
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
        // For SATA disks the vendor is a word without sense.
        (Some(vendor), Some(model)) if vendor != "ATA" => Some(format!("{vendor} {model}")),
        (_, model) => model,
    };
    Some(BlockDevice {
        major,
        minor,
        sectors: value(&sysfs, "size"),
        read_only: value(&sysfs, "ro") == 1,
        logical_block_size: text(&disk, "queue/logical_block_size")
            .and_then(|text| text.parse().ok())
            .unwrap_or(512),
        parent,
        partition,
        model,
        serial: serial(&disk),
        dm_name: text(&sysfs, "dm/name"),
        dm_uuid: text(&sysfs, "dm/uuid"),
        name,
        sysfs,
    })
}

/// virtio has `serial` at the disk, NVMe at the controller, SCSI in page 0x80
/// of the vital product data (4 bytes of header, then the text), USB at the
/// device that the disk is a part of.
fn serial(disk: &Path) -> Option<String> {
    let page = || {
        let page = fs::read(disk.join("device/vpd_pg80")).ok()?;
        let length = usize::from(*page.get(3)?);
        let text = String::from_utf8_lossy(page.get(4..4 + length)?).into_owned();
        clean(&text)
    };
    let usb = || {
        let device = disk
            .ancestors()
            .find(|above| above.join("idVendor").exists())?;
        text(device, "serial")
    };
    text(disk, "serial")
        .or_else(|| text(disk, "device/serial"))
        .or_else(page)
        .or_else(usb)
}

fn text(directory: &Path, name: &str) -> Option<String> {
    clean(&String::from_utf8_lossy(
        &fs::read(directory.join(name)).ok()?,
    ))
}

fn clean(text: &str) -> Option<String> {
    let text = text.trim_matches(|character: char| character.is_whitespace() || character == '\0');
    (!text.is_empty()).then(|| text.to_owned())
}

fn value(directory: &Path, name: &str) -> u64 {
    text(directory, name)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

fn parse_pair((major, minor): (&str, &str)) -> Option<(u32, u32)> {
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Letters as they are, numbers by their length first.
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
