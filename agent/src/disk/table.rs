// SPDX-License-Identifier: MIT OR Apache-2.0
//! The partition table of a disk: reading the present one, writing a new one.

use std::ops::Range;

use ondisk::{
    gpt::{OnDisk, Table},
    mbr,
};

use super::{Disk, Error, sector_0};

/// The table that a disk has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Present {
    /// None: an empty disk, or a filesystem or PV on the whole disk.
    None,
    /// A GPT.
    Gpt(OnDisk),
    /// A DOS table.
    Dos(mbr::Table),
}

/// A partition of either kind of table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionExtent {
    /// Its number, the 3 of `/dev/sda3`.
    pub number: u32,
    /// Its bytes on the disk: first, and the one after the last.
    pub bytes: Range<u64>,
}

impl Present {
    /// The partitions; an extended one is listed beside its logical ones.
    pub fn partitions(&self) -> Vec<PartitionExtent> {
        match self {
            Present::None => Vec::new(),
            Present::Gpt(gpt) => gpt
                .table
                .partitions
                .iter()
                .map(|p| PartitionExtent {
                    number: p.number,
                    bytes: gpt.table.byte_range(p),
                })
                .collect(),
            Present::Dos(dos) => dos
                .partitions
                .iter()
                .map(|p| PartitionExtent {
                    number: p.number,
                    bytes: p.byte_range(dos.block_size),
                })
                .collect(),
        }
    }
}

/// Reads the table of a disk. As in the kernel, a GPT counts only behind a
/// protective entry, because a DOS table may have replaced it without erasing it.
/// On a disk whose sector 0 has no table at all a GPT is reported, too: that is a
/// disk with a damaged sector 0.
///
/// # Errors
/// Read errors, and a GPT of which both copies are damaged.
pub fn read(disk: &Disk) -> Result<Present, Error> {
    let read = |offset, bytes: &mut [u8]| disk.read_at(offset, bytes);
    let sector_0 = mbr::from_disk(disk.bytes(), disk.block_size(), read)?;
    match sector_0 {
        mbr::Sector0::Dos(dos) if !dos.partitions.is_empty() => return Ok(Present::Dos(dos)),
        _ => {}
    }
    let gpt =
        Table::from_disk(disk.bytes(), disk.block_size(), read).map_err(|source| Error::Table {
            path: disk.path().to_owned(),
            source,
        })?;
    Ok(match (gpt, sector_0) {
        (Some(gpt), _) => Present::Gpt(gpt),
        (None, mbr::Sector0::Dos(dos)) => Present::Dos(dos),
        (None, _) => Present::None,
    })
}

/// Checks that a table was fitted to a disk of exactly this size.
pub(super) fn check_disk(disk: &Disk, table: &Table) -> Result<(), Error> {
    let blocks = disk.bytes() / u64::from(disk.block_size().max(1));
    if table.block_size == disk.block_size() && table.disk_blocks == blocks {
        return Ok(());
    }
    Err(Error::WrongDisk {
        path: disk.path().to_owned(),
        table_blocks: table.disk_blocks,
        table_block_size: table.block_size,
        blocks,
        block_size: disk.block_size(),
    })
}

/// Whether a GPT is at one of its two places on the medium.
///
/// # Errors
/// When they cannot be read.
pub fn has_gpt(disk: &Disk) -> Result<bool, Error> {
    let block = u64::from(disk.block_size());
    let last = disk.bytes().saturating_sub(block);
    for at in [block, last] {
        if disk
            .read_fresh(at, disk.block_size() as usize)?
            .starts_with(b"EFI PART")
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Writes a table that was fitted to this disk, both copies and the
/// protective MBR, and compares what is on the medium afterwards. Of
/// `old_sector_0` the boot code and disk signature are kept, and whether one of
/// its partitions is active.
///
/// The kernel does not look at it by itself: [`super::reread::reread`].
///
/// # Errors
/// [`Error::WrongDisk`] and [`Error::Table`] before anything is written.
pub fn write(disk: &Disk, table: &Table, old_sector_0: Option<&[u8]>) -> Result<(), Error> {
    check_disk(disk, table)?;
    let mut writes = table.writes(old_sector_0).map_err(|source| Error::Table {
        path: disk.path().to_owned(),
        source,
    })?;
    let in_sector_0 = writes.iter_mut().filter(|write| write.offset == 0);
    let in_sector_0 = in_sector_0.filter_map(|write| write.bytes.first_chunk_mut());
    for (sector, old) in in_sector_0.zip(old_sector_0) {
        *sector = mbr::active_as(old, sector);
    }
    // Cached data of an old partition must not be written after this.
    disk.flush()?;
    for write in &writes {
        match write.offset {
            0 => sector_0::write(disk, write.what, 0, &write.bytes)?,
            offset => disk.write_at(write.what, offset, &write.bytes)?,
        }
        // Each is flushed before the next, so one copy is whole at any time.
        disk.sync(write.what)?;
    }
    disk.flush()?;
    for write in &writes {
        let bytes = disk.read_fresh(write.offset, write.bytes.len())?;
        if let Some(at) = bytes.iter().zip(&write.bytes).position(|(a, b)| a != b) {
            return Err(Error::ReadBack {
                path: disk.path().to_owned(),
                what: write.what,
                offset: write.offset + at as u64,
            });
        }
    }
    Ok(())
}
