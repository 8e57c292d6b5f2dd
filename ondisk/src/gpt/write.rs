// SPDX-License-Identifier: MIT OR Apache-2.0
//! The writes that put a table on its disk.

use super::{Copy, Error, Table, header};

/// Bytes of boot code, disk signature and the two bytes after it, before the
/// four entries of sector 0.
const BEFORE_ENTRIES: usize = 446;

/// One write to a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// What it writes, in words.
    pub what: &'static str,
    /// Where, in bytes from the start of the disk; a multiple of the block size.
    pub offset: u64,
    /// What is written; whole blocks.
    pub bytes: Vec<u8>,
}

impl Table {
    /// The writes that put this table on its disk, in the order in which they
    /// must be done: backup entries, backup header, primary entries, primary
    /// header, protective MBR. Until the last one is done, the kernel sees
    /// what sector 0 said before.
    ///
    /// Of `old_sector_0` the first 446 bytes are kept (boot code and disk
    /// signature); without it they become zero. `sgdisk --load-backup` takes
    /// them from the backup file.
    ///
    /// # Errors
    /// What [`Table::check`] finds wrong.
    pub fn writes(&self, old_sector_0: Option<&[u8]>) -> Result<Vec<Write>, Error> {
        self.check()?;
        let block = u64::from(self.block_size);
        let primary = header::encode(self, Copy::Primary)?;
        let backup = header::encode(self, Copy::Backup)?;
        let mut sector_0 = self.protective_mbr(old_sector_0).to_vec();
        sector_0.resize(self.block_size as usize, 0);
        let write = |what, lba: u64, bytes| Write {
            what,
            offset: lba * block,
            bytes,
        };
        Ok(vec![
            write(
                "backup GPT entries",
                self.backup_entries_lba,
                backup.entries,
            ),
            write("backup GPT header", self.disk_blocks - 1, backup.header),
            write("primary GPT entries", self.entries_lba, primary.entries),
            write("primary GPT header", 1, primary.header),
            write("protective MBR", 0, sector_0),
        ])
    }

    /// Sector 0: one entry of type 0xEE that covers the disk. The CHS fields
    /// are those of the UEFI specification (5.2.3) and of sgdisk.
    pub fn protective_mbr(&self, old_sector_0: Option<&[u8]>) -> [u8; 512] {
        let mut sector = [0; 512];
        for (new, old) in sector
            .iter_mut()
            .zip(old_sector_0.unwrap_or_default())
            .take(BEFORE_ENTRIES)
        {
            *new = *old;
        }
        let blocks = u32::try_from(self.disk_blocks.saturating_sub(1)).unwrap_or(u32::MAX);
        let entry = [0x00, 0x00, 0x02, 0x00, 0xee, 0xff, 0xff, 0xff, 1, 0, 0, 0]
            .into_iter()
            .chain(blocks.to_le_bytes());
        for (to, byte) in sector.iter_mut().skip(BEFORE_ENTRIES).zip(entry) {
            *to = byte;
        }
        sector[510] = 0x55;
        sector[511] = 0xaa;
        sector
    }
}
