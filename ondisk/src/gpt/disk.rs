// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table that a disk has, from whichever copy is sound.

use std::{fmt, ops::Range};

use gptman::GPTHeader;

use super::{Error, Table, header};

/// One of the two copies of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copy {
    /// At the start of the disk.
    Primary,
    /// At its end.
    Backup,
}

impl fmt::Display for Copy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Copy::Primary => "primary",
            Copy::Backup => "backup",
        })
    }
}

/// A table as found on a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDisk {
    /// The table: of the primary copy if that is sound, else of the backup.
    pub table: Table,
    /// What is wrong with the primary copy. The kernel then sees no
    /// partitions, unless `gpt` is on its command line.
    pub primary_problem: Option<Error>,
    /// What is wrong with the backup copy, or that it is not at the disk's
    /// end (the disk grew).
    pub backup_problem: Option<Error>,
    /// Bytes of the disk that hold this table's headers and entries.
    pub places: Vec<Range<u64>>,
}

struct ValidCopy {
    header: GPTHeader,
    table: Table,
}

impl Table {
    /// Reads the table of a disk of `disk_bytes` bytes; `read` fills a buffer
    /// from a byte offset. `None` if there is no GPT header at either end.
    ///
    /// Partitions are given as they are, even where they overlap or leave the
    /// disk; [`Table::check`] says so.
    ///
    /// # Errors
    /// [`Error::BothDamaged`] if there is a header and no copy can be used.
    pub fn from_disk<E: fmt::Display>(
        disk_bytes: u64,
        block_size: u32,
        mut read: impl FnMut(u64, &mut [u8]) -> Result<(), E>,
    ) -> Result<Option<OnDisk>, Error> {
        header::check_block_size(block_size)?;
        let block = u64::from(block_size);
        let blocks = disk_bytes.min(i64::MAX.unsigned_abs()) / block;
        if blocks < 3 {
            return Ok(None);
        }
        let mut read = |lba: u64, count: u64| -> Result<Vec<u8>, Error> {
            let mut bytes = vec![0; (count * block) as usize];
            let offset = lba * block;
            let reason = |e: E| Error::Read {
                offset,
                reason: e.to_string(),
            };
            read(offset, &mut bytes).map_err(reason)?;
            Ok(bytes)
        };
        let primary = copy_at(Copy::Primary, 1, blocks, block_size, &mut read);
        let last = blocks - 1;
        let named = primary.as_ref().map_or(last, |p| p.header.backup_lba);
        // A header that names a place behind the end: the disk was cut off.
        let backup_lba = if named < blocks { named } else { last };
        let backup = copy_at(Copy::Backup, backup_lba, blocks, block_size, &mut read);
        let places = [&primary, &backup].into_iter().flatten().flat_map(|found| {
            let entries = header::entry_blocks(found.table.entry_count, block_size);
            let header = &found.header;
            [
                (header.primary_lba, 1),
                (header.partition_entry_lba, entries),
            ]
            .map(|(lba, count)| lba * block..(lba + count) * block)
        });
        let places = places.collect();
        match (primary, backup) {
            (Ok(primary), backup) => {
                let mut table = primary.table;
                let backup_problem = match backup {
                    Err(problem) => Some(problem),
                    Ok(backup) if backup.table.partitions != table.partitions => {
                        Some(Error::Disagree("partitions"))
                    }
                    Ok(_) if named != last => Some(Error::Field {
                        copy: Copy::Primary,
                        field: "alternate LBA",
                        value: named,
                        want: format!("{last}, the last of the disk"),
                    }),
                    Ok(backup) => {
                        table.backup_entries_lba = backup.header.partition_entry_lba;
                        None
                    }
                };
                Ok(Some(OnDisk {
                    table,
                    primary_problem: None,
                    backup_problem,
                    places,
                }))
            }
            (Err(problem), Ok(backup)) => Ok(Some(OnDisk {
                table: backup.table,
                primary_problem: Some(problem),
                backup_problem: None,
                places,
            })),
            (Err(Error::NoSignature(_)), Err(Error::NoSignature(_))) => Ok(None),
            (Err(primary), Err(backup)) => Err(Error::BothDamaged {
                primary: primary.into(),
                backup: backup.into(),
            }),
        }
    }
}

/// Reads and checks the copy whose header is at `lba`.
fn copy_at(
    copy: Copy,
    lba: u64,
    blocks: u64,
    block_size: u32,
    read: &mut impl FnMut(u64, u64) -> Result<Vec<u8>, Error>,
) -> Result<ValidCopy, Error> {
    let header = header::parse(&read(lba, 1)?, copy)?;
    if header.primary_lba != lba {
        return Err(Error::Field {
            copy,
            field: "LBA of itself",
            value: header.primary_lba,
            want: lba.to_string(),
        });
    }
    let entries = header::entry_blocks(header.number_of_partition_entries, block_size);
    let at = header.partition_entry_lba;
    if at < 2 || at.checked_add(entries).is_none_or(|end| end > blocks) {
        return Err(Error::Field {
            copy,
            field: "partition entry LBA",
            value: at,
            want: format!("at least 2 and {entries} blocks before the end of the disk"),
        });
    }
    let partitions = header::parse_entries(&header, &read(at, entries)?, copy)?;
    let table = header::table(&header, copy, block_size, partitions);
    table.check_places()?;
    Ok(ValidCopy { header, table })
}
