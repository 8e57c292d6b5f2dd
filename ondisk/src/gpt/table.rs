// SPDX-License-Identifier: MIT OR Apache-2.0
//! A partition table as a value, and what must hold for it.

use std::fmt;

use super::{Error, Guid, header};

/// Units of UTF-16 in a partition's name.
const NAME_UNITS: usize = 36;
/// Where the name starts in an entry.
const NAME_AT: usize = 56;

/// A GUID partition table for a disk of a certain size.
///
/// All LBAs count blocks of [`block_size`](Self::block_size) bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Logical block size in bytes of the disk that the table is for.
    pub block_size: u32,
    /// Number of blocks of that disk; the backup header is in the last one.
    pub disk_blocks: u64,
    /// The disk's own GUID.
    pub disk_guid: Guid,
    /// Number of entries, used and unused; 128 nearly always.
    pub entry_count: u32,
    /// First LBA that partitions may use.
    pub first_usable_lba: u64,
    /// Last LBA that partitions may use.
    pub last_usable_lba: u64,
    /// Where the primary entries start; 2 nearly always.
    pub entries_lba: u64,
    /// Where the backup entries start.
    pub backup_entries_lba: u64,
    /// The used entries, by number.
    pub partitions: Vec<Partition>,
}

/// A used entry of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Position in the table, from 1: the 3 of `/dev/sda3`.
    pub number: u32,
    /// What it is for, as [`Guid::LVM`].
    pub type_guid: Guid,
    /// The partition's own GUID (PARTUUID).
    pub guid: Guid,
    /// First LBA.
    pub first_lba: u64,
    /// Last LBA, inclusive.
    pub last_lba: u64,
    /// Attribute bits; bit 2 is "legacy BIOS bootable".
    pub attributes: u64,
    /// Its name (PARTLABEL).
    pub name: Name,
}

/// A partition's name: the 36 units of UTF-16 as on disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name([u16; NAME_UNITS]);

impl Name {
    /// A name from text; [`Error::NameTooLong`] above 36 UTF-16 units.
    pub fn new(text: &str) -> Result<Name, Error> {
        let mut units = [0; NAME_UNITS];
        let mut free = units.iter_mut();
        for unit in text.encode_utf16() {
            *free
                .next()
                .ok_or_else(|| Error::NameTooLong(text.to_owned()))? = unit;
        }
        Ok(Name(units))
    }

    /// The name of entry `number` (from 1) in an array of entries.
    pub(super) fn at(entries: &[u8], number: u32) -> Result<Name, Error> {
        let at = (number as usize).saturating_sub(1) * header::ENTRY_SIZE as usize + NAME_AT;
        let bytes = entries
            .get(at..at + 2 * NAME_UNITS)
            .ok_or(Error::TooShort {
                what: "a GPT entry array",
                have: entries.len() as u64,
                need: (at + 2 * NAME_UNITS) as u64,
            })?;
        let mut units = [0; NAME_UNITS];
        for (unit, pair) in units.iter_mut().zip(bytes.chunks_exact(2)) {
            *unit = pair.first_chunk().map_or(0, |b| u16::from_le_bytes(*b));
        }
        Ok(Name(units))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.split(|&unit| unit == 0).next().unwrap_or_default();
        f.write_str(&String::from_utf16_lossy(text))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl Partition {
    /// Number of blocks; 0 if it ends before it starts.
    pub fn blocks(&self) -> u64 {
        self.last_lba
            .checked_sub(self.first_lba)
            .map_or(0, |n| n.saturating_add(1))
    }

    /// The entry as on disk.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(header::ENTRY_SIZE as usize);
        bytes.extend(self.type_guid.0);
        bytes.extend(self.guid.0);
        bytes.extend(self.first_lba.to_le_bytes());
        bytes.extend(self.last_lba.to_le_bytes());
        bytes.extend(self.attributes.to_le_bytes());
        bytes.extend(self.name.0.iter().flat_map(|unit| unit.to_le_bytes()));
        bytes
    }
}

impl Table {
    /// An empty table of 128 entries for a disk of `disk_bytes`.
    pub fn new(disk_bytes: u64, block_size: u32, disk_guid: Guid) -> Result<Table, Error> {
        header::check_block_size(block_size)?;
        let mut table = Table {
            block_size,
            disk_blocks: 0,
            disk_guid,
            entry_count: 128,
            first_usable_lba: 2 + header::entry_blocks(128, block_size),
            last_usable_lba: 0,
            entries_lba: 2,
            backup_entries_lba: 0,
            partitions: Vec::new(),
        };
        table.resize(disk_bytes)?;
        Ok(table)
    }

    /// Size in bytes of the disk that the table is for.
    pub fn disk_bytes(&self) -> u64 {
        self.disk_blocks.saturating_mul(self.block_size.into())
    }

    /// The partition with this number.
    pub fn partition(&self, number: u32) -> Option<&Partition> {
        self.partitions.iter().find(|p| p.number == number)
    }

    /// The partition that lies last on the disk.
    pub fn last_partition(&self) -> Option<&Partition> {
        self.partitions.iter().max_by_key(|p| p.last_lba)
    }

    /// A partition's bytes on the disk: first, and the one after the last.
    pub fn byte_range(&self, partition: &Partition) -> std::ops::Range<u64> {
        let block = u64::from(self.block_size);
        let end = partition.last_lba.saturating_add(1).saturating_mul(block);
        partition.first_lba.saturating_mul(block).min(end)..end
    }

    /// Checks everything that must hold for a table on its disk: both copies
    /// within the disk and apart from the partitions, the partitions within
    /// the usable blocks and apart from each other, numbers and GUIDs unique.
    pub fn check(&self) -> Result<(), Error> {
        header::check_block_size(self.block_size)?;
        if !(1..=header::MAX_ENTRIES).contains(&self.entry_count) {
            return Err(Error::Unsupported {
                copy: super::Copy::Primary,
                field: "number of partition entries",
                value: self.entry_count.into(),
            });
        }
        self.check_places()?;
        self.check_partitions()
    }

    /// LBAs of the table's own parts. What these bounds let through cannot
    /// overflow in arithmetic on bytes.
    pub(super) fn check_places(&self) -> Result<(), Error> {
        use super::Copy::{Backup, Primary};
        let wrong = |copy, field, value, want: String| Error::Field {
            copy,
            field,
            value,
            want,
        };
        let blocks = header::entry_blocks(self.entry_count, self.block_size);
        let most = i64::MAX.unsigned_abs() / u64::from(self.block_size);
        if self.disk_blocks > most || self.disk_blocks < 2 * blocks + 3 {
            let want = format!("between {} and {}", 2 * blocks + 2, most - 1);
            return Err(wrong(
                Primary,
                "alternate LBA",
                self.disk_blocks.saturating_sub(1),
                want,
            ));
        }
        let last = self.disk_blocks - 1;
        if self.last_usable_lba > last - 1 - blocks || self.last_usable_lba < self.first_usable_lba
        {
            let want = format!(
                "between {} and {}",
                self.first_usable_lba,
                last - 1 - blocks
            );
            return Err(wrong(
                Primary,
                "last usable LBA",
                self.last_usable_lba,
                want,
            ));
        }
        // Below the last usable LBA, so no sum here can overflow.
        if self.first_usable_lba < 2 + blocks {
            let want = format!("{} or more", 2 + blocks);
            return Err(wrong(
                Primary,
                "first usable LBA",
                self.first_usable_lba,
                want,
            ));
        }
        let latest = self.first_usable_lba - blocks;
        if !(2..=latest).contains(&self.entries_lba) {
            let want = format!("between 2 and {latest}");
            return Err(wrong(
                Primary,
                "partition entry LBA",
                self.entries_lba,
                want,
            ));
        }
        let places = self.last_usable_lba + 1..=last - blocks;
        if !places.contains(&self.backup_entries_lba) {
            let want = format!("between {} and {}", places.start(), places.end());
            return Err(wrong(
                Backup,
                "partition entry LBA",
                self.backup_entries_lba,
                want,
            ));
        }
        Ok(())
    }

    fn check_partitions(&self) -> Result<(), Error> {
        let mut numbers: Vec<u32> = self.partitions.iter().map(|p| p.number).collect();
        numbers.sort_unstable();
        let double = numbers
            .windows(2)
            .find(|w| w.first() == w.last())
            .and_then(|w| w.first());
        let wild = numbers.iter().find(|n| !(1..=self.entry_count).contains(n));
        if let Some(&number) = double.or(wild) {
            return Err(Error::Number {
                number,
                count: self.entry_count,
            });
        }
        for p in &self.partitions {
            if p.first_lba < self.first_usable_lba
                || p.last_lba > self.last_usable_lba
                || p.last_lba < p.first_lba
            {
                return Err(Error::Bounds {
                    number: p.number,
                    first: p.first_lba,
                    last: p.last_lba,
                    first_usable: self.first_usable_lba,
                    last_usable: self.last_usable_lba,
                });
            }
        }
        let mut by_place: Vec<&Partition> = self.partitions.iter().collect();
        by_place.sort_unstable_by_key(|p| p.first_lba);
        for (a, b) in by_place.iter().zip(by_place.iter().skip(1)) {
            if b.first_lba <= a.last_lba {
                return Err(Error::Overlap {
                    a: a.number,
                    b: b.number,
                    lba: b.first_lba,
                });
            }
        }
        let mut by_guid: Vec<&Partition> = self.partitions.iter().collect();
        by_guid.sort_unstable_by_key(|p| (p.guid, p.number));
        for (a, b) in by_guid.iter().zip(by_guid.iter().skip(1)) {
            if a.guid == b.guid {
                return Err(Error::SameGuid {
                    a: a.number,
                    b: b.number,
                    guid: a.guid,
                });
            }
        }
        Ok(())
    }
}
