// SPDX-License-Identifier: MIT OR Apache-2.0
//! A table for another disk than the one it was made on.

use super::{Error, Partition, Table, header};

/// What partitions and their ends are aligned to, in bytes.
const ALIGN: u64 = 1 << 20;

/// What becomes of the last partition when the disk has room behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastPartition {
    /// It keeps its size.
    Keep,
    /// It grows up to the last full MiB before the backup table.
    Grow,
}

impl Table {
    /// The same partitions on a disk of `disk_bytes` bytes with logical blocks
    /// of `block_size` bytes.
    ///
    /// The usable range and the backup copy move with the disk's end, as
    /// `sgdisk --load-backup` does it. A disk of exactly the same size and
    /// block size gets exactly the same table. Partitions keep their place in
    /// bytes, so on a disk with another block size they must start and end on
    /// one of its blocks.
    ///
    /// # Errors
    /// [`Error::DoesNotFit`] with the size that is needed, [`Error::Unaligned`],
    /// or what [`Table::check`] finds wrong with this table.
    pub fn fit(
        &self,
        disk_bytes: u64,
        block_size: u32,
        last: LastPartition,
    ) -> Result<Table, Error> {
        self.check()?;
        let mut table = self.with_block_size(block_size)?;
        if disk_bytes / u64::from(block_size) != table.disk_blocks {
            table.resize(disk_bytes)?;
        }
        if last == LastPartition::Grow {
            table.grow_last();
        }
        table.check()?;
        Ok(table)
    }

    /// Puts the backup copy at the end of a disk of this size.
    pub(super) fn resize(&mut self, disk_bytes: u64) -> Result<(), Error> {
        let block = u64::from(self.block_size);
        let entries = header::entry_blocks(self.entry_count, self.block_size);
        // A table without partitions still needs one usable block.
        let end = self
            .last_partition()
            .map_or(self.first_usable_lba, |p| p.last_lba);
        let need_blocks = end
            .saturating_add(1)
            .saturating_add(entries)
            .saturating_add(1);
        let blocks = (disk_bytes / block).min(i64::MAX.unsigned_abs() / block);
        if blocks < need_blocks {
            return Err(Error::DoesNotFit {
                need: need_blocks.saturating_mul(block),
                have: disk_bytes,
            });
        }
        self.disk_blocks = blocks;
        self.backup_entries_lba = blocks - 1 - entries;
        self.last_usable_lba = self.backup_entries_lba - 1;
        Ok(())
    }

    /// The same bytes of the same disk, counted in blocks of another size.
    fn with_block_size(&self, block_size: u32) -> Result<Table, Error> {
        header::check_block_size(block_size)?;
        if block_size == self.block_size {
            return Ok(self.clone());
        }
        let new = u64::from(block_size);
        let old = u64::from(self.block_size);
        let mut partitions = Vec::with_capacity(self.partitions.len());
        for p in &self.partitions {
            let bytes = self.byte_range(p);
            if !bytes.start.is_multiple_of(new) || !bytes.end.is_multiple_of(new) {
                return Err(Error::Unaligned {
                    number: p.number,
                    start: bytes.start,
                    end: bytes.end,
                    block_size,
                });
            }
            partitions.push(Partition {
                first_lba: bytes.start / new,
                last_lba: bytes.end / new - 1,
                ..p.clone()
            });
        }
        // As small as it can be stays so; what was chosen bigger keeps its place.
        let least = 2 + header::entry_blocks(self.entry_count, block_size);
        let old_least = 2 + header::entry_blocks(self.entry_count, self.block_size);
        let first_usable_lba = if self.first_usable_lba <= old_least {
            least
        } else {
            least.max((self.first_usable_lba * old).div_ceil(new))
        };
        let mut table = Table {
            block_size,
            first_usable_lba,
            entries_lba: 2,
            disk_blocks: 0,
            partitions,
            ..self.clone()
        };
        // As if on a disk with just room for it; `fit` resizes to the real one.
        let end = table
            .last_partition()
            .map_or(first_usable_lba, |p| p.last_lba);
        let entries = header::entry_blocks(self.entry_count, block_size);
        table.resize((end + 2 + entries).saturating_mul(new))?;
        Ok(table)
    }

    fn grow_last(&mut self) {
        let blocks = ALIGN / u64::from(self.block_size);
        let end = (self.last_usable_lba + 1) / blocks * blocks;
        if let Some(last) = self.partitions.iter_mut().max_by_key(|p| p.last_lba) {
            last.last_lba = last.last_lba.max(end.saturating_sub(1));
        }
    }
}
