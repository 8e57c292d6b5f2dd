// SPDX-License-Identifier: MIT OR Apache-2.0
//! FAT12, FAT16, FAT32: a boot sector with a BIOS parameter block.

use super::{Device, Kind, Signature, text};

/// What the parameter block says.
struct Parameters {
    sector: u64,
    cluster_sectors: u64,
    reserved: u64,
    fats: u64,
    root_entries: u64,
    /// Sectors of one FAT, of FAT12 and FAT16; 0 on FAT32.
    short_fat: u64,
    /// The same of FAT32.
    long_fat: u64,
}

impl Parameters {
    /// Reads them; none if a value is impossible, for many boot sectors look
    /// alike.
    fn read(device: &Device) -> Option<Self> {
        let boot = device.has(510, &[0x55, 0xaa]);
        let named = [(0x52, &b"MSWIN"[..]), (0x52, b"FAT32   "), (0x36, b"MSDOS")]
            .into_iter()
            .chain([
                (0x36, &b"FAT16   "[..]),
                (0x36, b"FAT12   "),
                (0x36, b"FAT     "),
            ])
            .any(|(at, name)| device.has(at, name));
        let other = [
            (3, &b"NTFS    "[..]),
            (3, b"EXFAT   "),
            (0x36, b"JFS     "),
            (0x36, b"HPFS    "),
        ]
        .into_iter()
        .any(|(at, name)| device.has(at, name));
        if other || !(named || boot) {
            return None;
        }
        let parameters = Self {
            sector: device.u16(11)?.into(),
            cluster_sectors: device.byte(13)?.into(),
            reserved: device.u16(14)?.into(),
            fats: device.byte(16)?.into(),
            root_entries: device.u16(17)?.into(),
            short_fat: device.u16(22)?.into(),
            long_fat: device.u32(36)?.into(),
        };
        let media = device.byte(21)?;
        let sane = parameters.sector.is_power_of_two()
            && (512..=4096).contains(&parameters.sector)
            && parameters.cluster_sectors.is_power_of_two()
            && parameters.reserved != 0
            && parameters.fats != 0
            && (media == 0xf0 || media >= 0xf8)
            && (parameters.short_fat != 0 || parameters.long_fat != 0);
        sane.then_some(parameters)
    }

    fn is_fat32(&self) -> bool {
        self.short_fat == 0
    }

    /// Byte offset and entries of the root directory; on FAT32, of its first
    /// cluster.
    fn root(&self, device: &Device) -> Option<(u64, u64)> {
        let fat = if self.is_fat32() {
            self.long_fat
        } else {
            self.short_fat
        };
        let data = self.reserved.checked_add(self.fats.checked_mul(fat)?)?;
        if !self.is_fat32() {
            return Some((data.checked_mul(self.sector)?, self.root_entries));
        }
        let cluster = u64::from(device.u32(44)?).checked_sub(2)?;
        let sector = data.checked_add(cluster.checked_mul(self.cluster_sectors)?)?;
        let entries = self.cluster_sectors.checked_mul(self.sector)? / 32;
        Some((sector.checked_mul(self.sector)?, entries))
    }

    /// The label in the root directory, if that was read.
    fn root_label(&self, device: &Device) -> Option<String> {
        let (start, entries) = self.root(device)?;
        for index in 0..entries {
            let entry: [u8; 32] = device.array(start.checked_add(index.checked_mul(32)?)?)?;
            let [first, .., attributes] = entry.first_chunk::<12>()?;
            // A volume label, not a piece of a long name or a directory.
            match (first, attributes & 0x3f) {
                (0, _) => return None,
                (0xe5, _) | (_, 0x0f) => {}
                (_, attributes) if attributes & 0x18 == 0x08 => {
                    return text::label(entry.get(..11)?);
                }
                _ => {}
            }
        }
        None
    }
}

/// FAT of every size.
pub(super) fn vfat(device: &Device) -> Option<Signature> {
    let parameters = Parameters::read(device)?;
    let extended = if parameters.is_fat32() { 66 } else { 38 };
    let has_serial = matches!(device.byte(extended)?, 0x28 | 0x29);
    let uuid = (has_serial || parameters.is_fat32()).then(|| {
        let [a, b, c, d] = device.array(extended + 1)?;
        Some(format!("{d:02X}{c:02X}-{b:02X}{a:02X}"))
    });
    // The root directory may lie behind what was read: then the copy in the
    // boot sector must do, which is the same unless somebody changed it.
    let boot_label = || {
        let bytes = device.bytes(extended + 5, 11)?;
        let named = device.byte(extended) == Some(0x29) && bytes != b"NO NAME    ";
        named.then(|| text::label(bytes)).flatten()
    };
    let label = parameters.root_label(device).or_else(boot_label);
    let mut signature = Signature::new(Kind::Vfat, 0..512)
        .uuid(uuid.flatten())
        .label(label);
    if parameters.is_fat32() {
        let copy = u64::from(device.u16(50)?).saturating_mul(parameters.sector);
        if copy != 0 && device.has(copy.saturating_add(0x52), b"FAT32   ") {
            signature.clear.push(copy..copy.saturating_add(512));
        }
    }
    Some(signature)
}

/// Whether the first sector is the boot sector of a file system, and so not a
/// partition table in spite of its 0x55 0xaa.
pub(super) fn is_boot_sector(device: &Device) -> bool {
    device.has(3, b"NTFS    ") || device.has(3, b"EXFAT   ") || Parameters::read(device).is_some()
}
