// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a machine with a BIOS starts from a disk, found by reading what the
//! firmware and the loaders would read.

use super::numbers::{crc32, sha256, u16_at, u32_at, u64_at};
use super::{SECTOR, Sectors};

/// What starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Boots {
    /// GRUB, from this core image (its SHA-256, without its block list): whether
    /// it is the old or the new system's is known by that.
    Grub([u8; 32]),
    /// The tiny system, by blob A (0) or B (1).
    Tiny {
        /// Which blob, from 0.
        blob: usize,
        /// What the record and the state say.
        knows: Knows,
    },
    /// Nothing; why.
    Brick(String),
}

/// What the tiny system finds of its staging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Knows {
    /// The phase, as its number on the disk.
    pub phase: u64,
    /// Its first number: the highest step that was reached, when it is 4.
    pub step: u64,
    /// Copies of the record whose checksum is right, of two.
    pub records: usize,
}

/// The way that `replant.lifeboat=` names on a kernel's command line.
struct Address {
    id: [u8; 16],
    record: [u64; 2],
    state: [u64; 2],
}

/// What starts from this disk.
pub fn what_boots(disk: &(impl Sectors + ?Sized)) -> Boots {
    let sector = disk.read(0, 1);
    if u16_at(&sector, 510) != 0xaa55 {
        return Boots::Brick("LBA 0 is no boot sector".into());
    }
    match &sector[0x160..0x164] {
        b"RPL1" => replants_loader(disk, &sector),
        _ => grub(disk, &sector),
    }
}

/// What stage 1 does: blob A, blob B, and the old boot sector in each.
fn replants_loader(disk: &(impl Sectors + ?Sized), sector: &[u8]) -> Boots {
    let mut why = Vec::new();
    for number in 0..4 {
        let at = 0x168 + number * 20;
        let (sectors, lba) = (u16_at(sector, at + 2), u64_at(sector, at + 8));
        if sectors == 0 {
            continue;
        }
        let bytes = disk.read(lba, sectors);
        if crc32(&bytes) != u32_at(sector, at + 16) {
            why.push(format!("entry {}: checksum", number + 1));
            continue;
        }
        let started = match number {
            0 | 1 => tiny(disk, &bytes, number),
            _ => match grub(disk, &bytes) {
                Boots::Brick(why) => Err(why),
                started => Ok(started),
            },
        };
        match started {
            Ok(started) => return started,
            Err(what) => why.push(format!("entry {}: {what}", number + 1)),
        }
    }
    Boots::Brick(why.join("; "))
}

/// What stage 2 does, and then the tiny system.
fn tiny(disk: &(impl Sectors + ?Sized), blob: &[u8], number: usize) -> Result<Boots, String> {
    if &blob[4..8] != b"RPL2" {
        return Err("no stage 2".into());
    }
    let field = |at| u16_at(blob, at) as usize;
    let (table, kernel, initramfs) = (field(0x18), field(0x1a), field(0x1c));
    let files = [
        ("kernel", 0, kernel, 0x2c),
        ("initramfs", kernel, initramfs, 0x34),
    ];
    for (name, first, entries, sizes) in files {
        let mut bytes = Vec::new();
        for entry in first..first + entries {
            let at = table + entry * 16;
            bytes.extend(disk.read(u64_at(blob, at), u32_at(blob, at + 8)));
        }
        let length = u32_at(blob, sizes) as usize;
        let loaded = bytes.get(..length).filter(|_| length > 0);
        let loaded = loaded.ok_or(format!("{name} is too short"))?;
        if crc32(loaded) != u32_at(blob, sizes + 4) {
            return Err(format!("{name}: checksum"));
        }
    }
    let (line, length) = (field(0x22), field(0x24));
    let line = blob.get(line..line + length).unwrap_or_default();
    let line = String::from_utf8_lossy(line).into_owned();
    let address = Address::of(&line).ok_or("no replant.lifeboat= on the command line")?;
    if address.id != blob[8..24] {
        return Err("the blob is of another staging than its command line".into());
    }
    let knows = address.knows(disk)?;
    Ok(Boots::Tiny {
        blob: number,
        knows,
    })
}

impl Address {
    fn of(line: &str) -> Option<Address> {
        let mut words = line.split([' ', '\0']);
        let text = words.find_map(|word| word.strip_prefix("replant.lifeboat="))?;
        let fields: Vec<&str> = text.split(',').collect();
        let [id, places @ ..] = fields.as_slice() else {
            return None;
        };
        let byte = |at: usize| u8::from_str_radix(id.get(at * 2..at * 2 + 2)?, 16).ok();
        let id: Option<Vec<u8>> = (0..16).map(byte).collect();
        let places: Result<Vec<u64>, _> = places.iter().map(|text| text.parse()).collect();
        let [a, b, c, d] = places.ok()?[..] else {
            return None;
        };
        Some(Address {
            id: id?.try_into().ok()?,
            record: [a, b],
            state: [c, d],
        })
    }

    /// The newest state, and how many copies of the record are whole.
    fn knows(&self, disk: &(impl Sectors + ?Sized)) -> Result<Knows, String> {
        let states = self.state.map(|lba| disk.read(lba, 8));
        let valid = states.iter().filter(|block| {
            block.starts_with(b"replant state\0\0\0")
                && block[32..48] == self.id
                && crc32(&block[..4092]) == u32_at(block, 4092)
        });
        let newest = valid.max_by_key(|block| u64_at(block, 24));
        let newest = newest.ok_or("no state")?;
        let (phase, step) = (u32_at(newest, 20), u32_at(newest, 48));
        let records = self.record.iter().filter(|lba| self.record(disk, **lba));
        match records.count() {
            0 => Err("no record".into()),
            records => Ok(Knows {
                phase,
                step,
                records,
            }),
        }
    }

    /// Whether the record that begins there is whole: gathered from the places
    /// that its first block names.
    fn record(&self, disk: &(impl Sectors + ?Sized), lba: u64) -> bool {
        let head = disk.read(lba, 8);
        if !head.starts_with(b"replant record\0\0") || head[32..48] != self.id {
            return false;
        }
        let length = u64_at(&head, 24);
        if length > 64 << 20 {
            return false;
        }
        // The first section has the files, of which the first two are the
        // record's own.
        let mut at = 80 + 16 + 8;
        for _ in 0..2 {
            let runs = u32_at(&head, at + 56) as usize;
            let chunks = u32_at(&head, at + 60) as usize;
            let mut bytes = Vec::new();
            for run in 0..runs {
                let run = at + 64 + run * 16;
                if run + 16 > head.len() {
                    return false;
                }
                let sectors = u64_at(&head, run + 8);
                if sectors > 128 << 11 {
                    return false;
                }
                bytes.extend(disk.read(u64_at(&head, run), sectors));
            }
            if u64_at(&head, at + 64) == lba {
                let Some(record) = bytes.get(..length as usize) else {
                    return false;
                };
                let sum = sha256([&record[..48], &record[80..]]);
                return sum == record[48..80];
            }
            at += 64 + runs * 16 + chunks * 32;
        }
        false
    }
}

/// What GRUB's boot.img does, and the first sector of its core image.
fn grub(disk: &(impl Sectors + ?Sized), sector: &[u8]) -> Boots {
    let lba = u64_at(sector, 0x5c);
    // GRUB's boot.img is known by what it says when it fails.
    if !sector.windows(4).any(|word| word == b"GRUB") || lba == 0 || lba >= disk.count() {
        return Boots::Brick("LBA 0 is neither GRUB's nor replant's".into());
    }
    let first = disk.read(lba, 1);
    // The block list says where the rest lies; it is read from its end.
    let mut core = first.clone();
    let mut at = 0x200 - 12;
    loop {
        let (lba, sectors) = (u64_at(&first, at), u16_at(&first, at + 8));
        core[at..at + 12].fill(0);
        if sectors == 0 {
            break;
        }
        core.extend(disk.read(lba, sectors));
        match at.checked_sub(12) {
            Some(next) if next >= 0x180 => at = next,
            _ => return Boots::Brick("core.img has no end of its block list".into()),
        }
    }
    if core.len() < 4 * SECTOR as usize {
        return Boots::Brick("core.img has no block list".into());
    }
    Boots::Grub(sha256([core.as_slice()]))
}
