// SPDX-License-Identifier: MIT OR Apache-2.0
//! DOS partition tables: sector 0 and the chain of logical partitions.
//!
//! Reads what the Linux kernel reads, with its numbering (`msdos_partition`
//! and `parse_extended` in block/partitions/msdos.c). Never written: a new
//! system gets a GPT.

#[cfg(test)]
mod tests;

use crate::numbers::u32_at;
use crate::run::SECTOR_LEN;
use std::fmt;

/// Where the four entries start.
const ENTRIES_AT: usize = 446;
/// The kernel's own bound on links of the chain without a partition.
const MAX_EMPTY_LINKS: u32 = 100;
/// The highest partition number that the kernel gives.
const MAX_NUMBER: u32 = 255;

/// Type of the entry that protects a GPT.
pub const KIND_GPT: u8 = 0xee;

/// A DOS partition table. LBAs count logical blocks of the disk, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Logical block size in bytes.
    pub block_size: u32,
    /// The disk signature at byte 440; with the number it makes PARTUUID.
    pub signature: u32,
    /// Primary (1 to 4, the extended one too) and logical partitions (from 5).
    pub partitions: Vec<Partition>,
    /// Why the chain of logical partitions was not followed to its end. The
    /// kernel, too, keeps what it found until there.
    pub chain_problem: Option<ChainProblem>,
}

/// A partition of a DOS table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// The 5 of `/dev/sda5`.
    pub number: u32,
    /// Whether the active flag (0x80) is set.
    pub active: bool,
    /// Type byte, as [`KIND_GPT`].
    pub kind: u8,
    /// First LBA.
    pub first_lba: u64,
    /// Number of blocks; an extended partition spans its logical ones.
    pub blocks: u64,
}

/// A chain of logical partitions that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainProblem {
    /// A link outside of the disk.
    #[error("the chain of logical partitions leads out of the disk, to LBA {lba}")]
    Outside {
        /// Where the link leads.
        lba: u64,
    },
    /// A link that comes round, or a chain without end.
    #[error("the chain of logical partitions goes in a circle at LBA {lba}")]
    Circle {
        /// Where that was seen.
        lba: u64,
    },
    /// A link to a sector that is not a table.
    #[error("there is no table of logical partitions at LBA {lba}")]
    NoTable {
        /// Where the link leads.
        lba: u64,
    },
    /// A sector that cannot be read.
    #[error("cannot read the table of logical partitions at LBA {lba}: {reason}")]
    Read {
        /// Where the link leads.
        lba: u64,
        /// The reader's own words.
        reason: String,
    },
}

/// What sector 0 of a disk says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sector0 {
    /// No table: no `55 AA`, or a filesystem's boot sector.
    None,
    /// A table with an entry of type 0xEE: the GPT counts.
    Protective,
    /// A DOS table.
    Dos(Table),
}

impl Partition {
    /// Whether this is the container of the logical partitions.
    pub fn is_extended(&self) -> bool {
        is_extended(self.kind)
    }

    /// Its bytes on the disk: first, and the one after the last.
    pub fn byte_range(&self, block_size: u32) -> std::ops::Range<u64> {
        let block = u64::from(block_size);
        let start = self.first_lba.saturating_mul(block);
        start..start.saturating_add(self.blocks.saturating_mul(block))
    }
}

fn is_extended(kind: u8) -> bool {
    matches!(kind, 0x05 | 0x0f | 0x85)
}

/// One entry as on disk; LBAs relative to what the kind of table says.
#[derive(Clone, Copy)]
struct Entry {
    status: u8,
    kind: u8,
    start: u64,
    blocks: u64,
}

/// The four entries, or `None` without `55 AA`.
fn entries(sector: &[u8]) -> Option<[Entry; 4]> {
    is_marked(sector).then_some(())?;
    let mut entries = [Entry {
        status: 0,
        kind: 0,
        start: 0,
        blocks: 0,
    }; 4];
    for (entry, b) in entries
        .iter_mut()
        .zip(sector.get(ENTRIES_AT..)?.chunks_exact(16))
    {
        *entry = Entry {
            status: *b.first()?,
            kind: *b.get(4)?,
            start: u32_at(b, 8)?.into(),
            blocks: u32_at(b, 12)?.into(),
        };
    }
    Some(entries)
}

/// Whether sector 0 ends as those that a BIOS starts, and those with a table.
#[must_use]
pub fn is_marked(sector_0: &[u8]) -> bool {
    sector_0.get(SECTOR_LEN - 2..SECTOR_LEN) == Some(&[0x55, 0xaa])
}

/// Sector 0 `new` with its first entry active if `old` has an active entry:
/// some BIOSes start no disk without one, although a protective entry must not
/// be active (UEFI 2.10, 5.2.3), so on UEFI this is not called.
#[must_use]
pub fn active_as(old: &[u8], new: &[u8; SECTOR_LEN]) -> [u8; SECTOR_LEN] {
    let was = entries(old).is_some_and(|entries| entries.iter().any(|e| e.status == 0x80));
    let mut sector = *new;
    if let Some(status) = sector.get_mut(ENTRIES_AT).filter(|_| was) {
        *status = 0x80;
    }
    sector
}

/// The disk signature in sector 0 (bytes 440 to 443); 0 if it has none.
pub fn disk_signature(sector_0: &[u8]) -> u32 {
    u32_at(sector_0, 440).unwrap_or(0)
}

/// Reads the table of a disk of `disk_bytes` bytes; `read` fills a buffer of
/// 512 bytes from a byte offset. The chain of logical partitions is followed
/// for at most as many links as the kernel follows.
///
/// # Errors
/// The reader's error at sector 0; what goes wrong later is in
/// [`Table::chain_problem`].
pub fn from_disk<E: fmt::Display>(
    disk_bytes: u64,
    block_size: u32,
    mut read: impl FnMut(u64, &mut [u8]) -> Result<(), E>,
) -> Result<Sector0, E> {
    let mut sector = [0; SECTOR_LEN];
    if disk_bytes < SECTOR_LEN as u64 || block_size == 0 {
        return Ok(Sector0::None);
    }
    read(0, &mut sector)?;
    let Some(entries) = entries(&sector) else {
        return Ok(Sector0::None);
    };
    // The boot sector of a filesystem on the whole disk has 55 AA, too, with
    // code or text in place of the entries.
    if entries.iter().any(|e| e.status & 0x7f != 0) {
        return Ok(Sector0::None);
    }
    if entries.iter().any(|e| e.kind == KIND_GPT) {
        return Ok(Sector0::Protective);
    }
    let mut table = Table {
        block_size,
        signature: disk_signature(&sector),
        partitions: Vec::new(),
        chain_problem: None,
    };
    for (number, e) in (1..).zip(entries) {
        if e.blocks != 0 {
            table.partitions.push(Partition {
                number,
                active: e.status & 0x80 != 0,
                kind: e.kind,
                first_lba: e.start,
                blocks: e.blocks,
            });
        }
    }
    let disk_blocks = disk_bytes / u64::from(block_size);
    let extended: Vec<Partition> = table
        .partitions
        .iter()
        .copied()
        .filter(Partition::is_extended)
        .collect();
    for partition in extended {
        let problem = table.follow(&partition, disk_blocks, &mut read);
        table.chain_problem = table.chain_problem.take().or(problem.err());
    }
    Ok(Sector0::Dos(table))
}

impl Table {
    /// The partition with this number.
    pub fn partition(&self, number: u32) -> Option<&Partition> {
        self.partitions.iter().find(|p| p.number == number)
    }

    fn next_number(&self) -> u32 {
        self.partitions
            .iter()
            .map(|p| p.number + 1)
            .max()
            .unwrap_or(0)
            .max(5)
    }

    /// Adds the logical partitions of one extended partition. A link's own
    /// partition is relative to the link, the next link to the extended
    /// partition.
    fn follow<E: fmt::Display>(
        &mut self,
        extended: &Partition,
        disk_blocks: u64,
        read: &mut impl FnMut(u64, &mut [u8]) -> Result<(), E>,
    ) -> Result<(), ChainProblem> {
        let first = extended.first_lba;
        let (mut here, mut size) = (first, extended.blocks);
        let mut empty = 0;
        loop {
            empty += 1;
            if empty > MAX_EMPTY_LINKS || self.next_number() > MAX_NUMBER {
                return Err(ChainProblem::Circle { lba: here });
            }
            if here >= disk_blocks {
                return Err(ChainProblem::Outside { lba: here });
            }
            let mut sector = [0; SECTOR_LEN];
            read(here * u64::from(self.block_size), &mut sector).map_err(|e| {
                ChainProblem::Read {
                    lba: here,
                    reason: e.to_string(),
                }
            })?;
            let entries = entries(&sector).ok_or(ChainProblem::NoTable { lba: here })?;
            for (i, e) in entries.iter().enumerate() {
                if e.blocks == 0 || is_extended(e.kind) {
                    continue;
                }
                let start = here + e.start;
                let outside = e.start + e.blocks > size
                    || start < first
                    || start + e.blocks > first + extended.blocks;
                // The third and fourth entry may be garbage.
                if i >= 2 && outside {
                    continue;
                }
                empty = 0;
                self.partitions.push(Partition {
                    number: self.next_number(),
                    active: e.status & 0x80 != 0,
                    kind: e.kind,
                    first_lba: start,
                    blocks: e.blocks,
                });
                if self.next_number() > MAX_NUMBER {
                    return Err(ChainProblem::Circle { lba: here });
                }
            }
            let Some(link) = entries
                .iter()
                .find(|e| e.blocks != 0 && is_extended(e.kind))
            else {
                return Ok(());
            };
            here = first + link.start;
            size = link.blocks;
        }
    }
}
