// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the old system to the loader in sector 0, and back again.

use super::{Error, Lifeboat, sector_0};
use crate::disk::Disk;
use ondisk::checksum::crc32;
use ondisk::lifeboat::record::{OLD_HEAD_BLOCKS, OLD_TAIL_BLOCKS, Old};
use ondisk::lifeboat::state::Phase;
use ondisk::lifeboat::{BootSector, Role, Twin};

impl Lifeboat {
    /// Writes our loader into sector 0, after all that it needs was read back
    /// from the disk and the record is complete. The old system must not be
    /// mounted any more, or it might still write. A record that was damaged by a
    /// power cut during its completion is not repaired: GRUB's choice was for
    /// that one boot, so the old system starts.
    ///
    /// # Errors
    /// What differs from the staging; nothing is written to sector 0 then.
    pub fn arm(&mut self, progress: &mut dyn FnMut(u64, u64)) -> Result<(), Error> {
        let disk = self.open()?;
        disk.flush()?;
        self.is_intact(&disk, progress)?;
        self.has_both_records(&disk)?;
        let old_sector = sector_0::read(&disk)?;
        let blobs = self.blobs(&disk, &old_sector)?;
        let loader = BootSector {
            start: *contract::cmdline::Start::Disk.letters(),
            blobs,
            way_back: Some(crc32(&old_sector)),
        };
        let armed = loader.encode(&loader::STAGE1, &old_sector)?;
        let (head, tail) = ends(&disk)?;
        self.write_record(Old { head, tail, armed })?;
        self.write_armed(&disk)?;
        self.write_state(Phase::Armed { starts: 0 })
    }

    /// Checks everything once more, now that the firmware has started the machine
    /// by our loader: the last check before the point of no return.
    ///
    /// # Errors
    /// What has changed since the staging, or since the machine was armed.
    pub fn is_ready(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<(), Error> {
        let disk = Disk::open(&self.path)?;
        self.is_intact(&disk, progress)?;
        self.has_both_records(&disk)?;
        let what = "sector 0";
        let old_sector = self.old_sector().ok_or(Error::ChangedSince { what })?;
        self.blobs(&disk, &old_sector)?;
        if !self.is_armed(&disk)? {
            return Err(Error::ChangedSince { what });
        }
        // Both ends of the disk, where the old partition tables are.
        let (head, tail) = ends(&disk)?;
        let recorded = self.record.old.as_ref();
        let same = recorded.is_some_and(|old| {
            let behind = |head: &[u8]| head.get(old_sector.len()..).map(<[u8]>::to_vec);
            behind(&old.head) == behind(&head) && old.tail == tail
        });
        match same {
            true => Ok(()),
            false => Err(Error::ChangedSince {
                what: "the partition table",
            }),
        }
    }

    fn has_both_records(&self, disk: &Disk) -> Result<(), Error> {
        for role in [Twin::A, Twin::B].map(Role::Record) {
            match self.is_whole(disk, role) {
                Err(Error::Disk(error)) => return Err(error.into()),
                Err(_) => return Err(Error::Changed { role }),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// Puts the old system's boot sector back if our loader is there; returns
    /// whether it was. A machine that is not armed keeps its number of trials.
    ///
    /// # Errors
    /// [`Error::Disk`]: then the loader may still be there, and starts the tiny
    /// system again.
    pub fn disarm(&mut self) -> Result<bool, Error> {
        let disk = self.open()?;
        let armed = self.is_armed(&disk)?;
        if armed {
            self.write_back(&disk)?;
        }
        if let Phase::Armed { .. } = self.phase() {
            self.write_state(Phase::Staged)?;
        }
        Ok(armed)
    }
}

/// The blocks of both ends that the record keeps.
fn ends(disk: &Disk) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let block = u64::from(disk.block_size());
    let [head, tail] = [OLD_HEAD_BLOCKS, OLD_TAIL_BLOCKS].map(|blocks| blocks * block);
    let last = disk.bytes().saturating_sub(tail);
    // Less than 140 KiB each.
    let read = |at, bytes: u64| disk.read_fresh(at, usize::try_from(bytes).unwrap_or_default());
    Ok((read(0, head)?, read(last, tail)?))
}
