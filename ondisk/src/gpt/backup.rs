// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files of `sgdisk --backup`.
//!
//! Sector 0 of the disk, the primary header, the backup header, then the
//! entries: always in sectors of 512 bytes, whatever blocks the disk has, and
//! all as on disk (sgdisk 1.0.9, `GPTData::SaveGPTBackup`). A plain copy of
//! the first sectors of a disk (34 for 128 entries) is a backup, too; sgdisk
//! knows it by the size of the file.

use crate::run::SECTOR_LEN;
use gptman::GPTHeader;

use super::{Copy, Error, Table, header};

/// A partition table as saved in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    sector_0: Vec<u8>,
    primary: Vec<u8>,
    backup: Vec<u8>,
    entries: Vec<u8>,
    table: Table,
}

impl Backup {
    /// Reads either form. As in sgdisk, one of the two headers may be damaged.
    ///
    /// # Errors
    /// A wrong size, wrong checksums, or headers that contradict themselves.
    /// Whether the partitions make sense is left to [`Table::check`], which
    /// [`Table::fit`] calls.
    pub fn parse(file: &[u8]) -> Result<Backup, Error> {
        let sector = |n: usize| {
            file.get(n * SECTOR_LEN..(n + 1) * SECTOR_LEN)
                .map(<[u8]>::to_vec)
                .ok_or(Error::TooShort {
                    what: "the partition table backup",
                    have: file.len() as u64,
                    need: ((n + 1) * SECTOR_LEN) as u64,
                })
        };
        let sector_0 = sector(0)?;
        let primary = sector(1)?;
        let second = sector(2)?;
        let main = header::parse(&primary, Copy::Primary);
        let main = main.and_then(|h| check_lba(h, Copy::Primary));
        let spare = header::parse(&second, Copy::Backup);
        let spare = spare.and_then(|h| check_lba(h, Copy::Backup));
        let (count, copy) = match (&main, &spare) {
            (Ok(main), _) => (main.number_of_partition_entries, Copy::Primary),
            (_, Ok(spare)) => (spare.number_of_partition_entries, Copy::Backup),
            (Err(e), Err(Error::NoSignature(_))) => return Err(e.clone()),
            (Err(main), Err(spare)) => {
                return Err(Error::BothDamaged {
                    primary: main.clone().into(),
                    backup: spare.clone().into(),
                });
            }
        };
        let array = count as usize * header::ENTRY_SIZE as usize;
        let (plain, sgdisk) = (2 * SECTOR_LEN + array, 3 * SECTOR_LEN + array);
        let at = |start: usize| file.get(start..).and_then(|rest| rest.get(..array));
        let is_plain = match &main {
            Err(_) => false,
            // More than the table was copied: then no header is in sector 2.
            Ok(main) if spare == Err(Error::NoSignature(Copy::Backup)) => at(2 * SECTOR_LEN)
                .is_some_and(|entries| header::parse_entries(main, entries, copy).is_ok()),
            Ok(_) => file.len() == plain,
        };
        // sgdisk does not cut off an older, longer file that it writes over.
        let entries = at(if is_plain {
            2 * SECTOR_LEN
        } else {
            3 * SECTOR_LEN
        })
        .ok_or(Error::FileSize {
            have: file.len() as u64,
            count,
            sgdisk: sgdisk as u64,
            plain: plain as u64,
        })?;
        let entries = entries.to_vec();
        let table = match (main, spare) {
            (Ok(main), Ok(spare)) if !is_plain => both(&main, &spare, &entries)?,
            (Ok(main), _) => one(&main, Copy::Primary, &entries)?,
            (Err(_), Ok(spare)) => one(&spare, Copy::Backup, &entries)?,
            (Err(e), Err(_)) => return Err(e),
        };
        if is_plain {
            // All parts are made anew, for a backup header must be: unused
            // entries lose what some tool left in them, and that changes the
            // checksum in both headers.
            return Backup::made(table, sector_0);
        }
        Ok(Backup {
            sector_0,
            primary,
            backup: second,
            entries,
            table,
        })
    }

    /// The backup of a table, with sector 0 of its disk (what is missing of
    /// its 512 bytes is zero).
    ///
    /// # Errors
    /// What [`Table::check`] finds wrong.
    pub fn of(table: &Table, sector_0: &[u8]) -> Result<Backup, Error> {
        table.check()?;
        let mut sector_0 = sector_0.get(..SECTOR_LEN).unwrap_or(sector_0).to_vec();
        sector_0.resize(SECTOR_LEN, 0);
        Backup::made(table.clone(), sector_0)
    }

    fn made(table: Table, sector_0: Vec<u8>) -> Result<Backup, Error> {
        let mut primary = header::encode(&table, Copy::Primary)?;
        let mut backup = header::encode(&table, Copy::Backup)?;
        let mut entries = primary.entries;
        entries.truncate(table.entry_count as usize * header::ENTRY_SIZE as usize);
        // The first 512 bytes of a header's block.
        primary.header.truncate(SECTOR_LEN);
        backup.header.truncate(SECTOR_LEN);
        Ok(Backup {
            sector_0,
            primary: primary.header,
            backup: backup.header,
            entries,
            table,
        })
    }

    /// The file as `sgdisk --backup` writes it.
    pub fn encode(&self) -> Vec<u8> {
        [
            &self.sector_0[..],
            &self.primary,
            &self.backup,
            &self.entries,
        ]
        .concat()
    }

    /// The table, for the disk that it was saved from. Which blocks that disk
    /// had is not in the file; it follows from where the headers say that the
    /// entries are.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Sector 0 of the disk that the table was saved from, 512 bytes: boot
    /// code, disk signature, protective MBR.
    pub fn sector_0(&self) -> &[u8] {
        &self.sector_0
    }
}

fn check_lba(header: GPTHeader, copy: Copy) -> Result<GPTHeader, Error> {
    let (field, value) = match copy {
        Copy::Primary => ("LBA of itself", header.primary_lba),
        Copy::Backup => ("alternate LBA", header.backup_lba),
    };
    if value == 1 {
        Ok(header)
    } else {
        Err(Error::Field {
            copy,
            field,
            value,
            want: "1".to_owned(),
        })
    }
}

fn both(main: &GPTHeader, spare: &GPTHeader, entries: &[u8]) -> Result<Table, Error> {
    let same = [
        ("the disk's GUID", main.disk_guid == spare.disk_guid),
        (
            "the place of the backup header",
            main.backup_lba == spare.primary_lba,
        ),
        (
            "the number of entries",
            main.number_of_partition_entries == spare.number_of_partition_entries,
        ),
        (
            "the checksum of the entries",
            main.partition_entry_array_crc32 == spare.partition_entry_array_crc32,
        ),
    ];
    if let Some((what, _)) = same.iter().find(|(_, same)| !same) {
        return Err(Error::Disagree(what));
    }
    let count = main.number_of_partition_entries;
    let block_size = if fits(main, count, 512) && room_behind(spare, count, 512) {
        512
    } else {
        4096
    };
    let partitions = header::parse_entries(main, entries, Copy::Primary)?;
    let mut table = header::table(main, Copy::Primary, block_size, partitions);
    table.backup_entries_lba = spare.partition_entry_lba;
    table.check_places()?;
    Ok(table)
}

fn one(header: &GPTHeader, copy: Copy, entries: &[u8]) -> Result<Table, Error> {
    let count = header.number_of_partition_entries;
    let room = match copy {
        Copy::Primary => fits(header, count, 512),
        Copy::Backup => room_behind(header, count, 512),
    };
    let block_size = if room { 512 } else { 4096 };
    let partitions = header::parse_entries(header, entries, copy)?;
    let table = header::table(header, copy, block_size, partitions);
    table.check_places()?;
    Ok(table)
}

/// Whether the primary entries have room before the first usable LBA.
fn fits(main: &GPTHeader, count: u32, block_size: u32) -> bool {
    main.first_usable_lba
        .saturating_sub(main.partition_entry_lba)
        >= header::entry_blocks(count, block_size)
}

/// Whether the backup entries have room before the backup header.
fn room_behind(spare: &GPTHeader, count: u32, block_size: u32) -> bool {
    spare.primary_lba.saturating_sub(spare.partition_entry_lba)
        >= header::entry_blocks(count, block_size)
}
