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

    /// Sector 0: one entry of type 0xEE that covers the disk (UEFI 5.2.3).
    pub fn protective_mbr(&self, old_sector_0: Option<&[u8]>) -> [u8; 512] {
        let old = old_sector_0
            .unwrap_or_default()
            .iter()
            .copied()
            .chain(std::iter::repeat(0));
        let blocks = u32::try_from(self.disk_blocks.saturating_sub(1)).unwrap_or(u32::MAX);
        let [head, sector, cylinder] = chs(self.disk_blocks.saturating_sub(1));
        let entry = [
            0x00, 0x00, 0x02, 0x00, 0xee, head, sector, cylinder, 1, 0, 0, 0,
        ];
        let unused = [0; 3 * 16];
        let bytes = old
            .take(BEFORE_ENTRIES)
            .chain(entry)
            .chain(blocks.to_le_bytes())
            .chain(unused)
            .chain([0x55, 0xaa]);
        let mut sector_0 = [0; 512];
        for (to, byte) in sector_0.iter_mut().zip(bytes) {
            *to = byte;
        }
        sector_0
    }
}

/// A block's address in the geometry of 255 heads and 63 sectors that every
/// BIOS shows; all ones for one that this cannot name.
fn chs(lba: u64) -> [u8; 3] {
    let (cylinder, rest) = (lba / (255 * 63), lba % (255 * 63));
    if cylinder > 1023 {
        return [0xff; 3];
    }
    let high = (cylinder >> 8 << 6) as u8;
    [
        (rest / 63) as u8,
        (rest % 63 + 1) as u8 | high,
        cylinder as u8,
    ]
}
