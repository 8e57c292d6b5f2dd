// SPDX-License-Identifier: MIT OR Apache-2.0
//! All that a machine wrote to its disk, as QEMU's `blklogwrites` keeps it.
//!
//! The format is that of the kernel's dm-log-writes: a block with magic,
//! version, number of entries and size of a sector; then each entry in a sector
//! of its own, followed by its data. An entry is there when its request was
//! answered.

use super::numbers::{u32_at, u64_at};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

const MAGIC: u64 = 0x006a_7366_7773_6872;
const FLUSH: u64 = 1;
const FUA: u64 = 2;
const DISCARD: u64 = 4;

/// What was asked of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// Sectors of 512 bytes that were written; where their data are in the log.
    Write {
        /// The first sector.
        lba: u64,
        /// How many.
        sectors: u64,
        /// The byte of the log at which the data begin.
        at: u64,
        /// Whether it was on the medium when it was answered.
        durable: bool,
    },
    /// Sectors whose content nobody needs any more.
    Discard {
        /// The first sector.
        lba: u64,
        /// How many.
        sectors: u64,
    },
    /// All that was answered before is on the medium.
    Flush,
}

/// The log of a machine's disk.
pub struct WriteLog {
    file: File,
    /// The requests in the order in which they were answered.
    pub requests: Vec<Request>,
}

impl WriteLog {
    /// Reads the entries; their data stay in the file.
    ///
    /// # Panics
    /// When it is no such log, or is shorter than its entries.
    pub fn open(path: &Path) -> WriteLog {
        let file = File::open(path).expect("the log of writes");
        let mut head = [0; 512];
        file.read_exact_at(&mut head, 0).expect("its first sector");
        assert_eq!(u64_at(&head, 0), MAGIC, "not a log of writes");
        assert_eq!(u64_at(&head, 8), 1, "its version");
        let (entries, sector) = (u64_at(&head, 16), u32_at(&head, 24));
        assert_eq!(sector, super::SECTOR, "its sectors");
        let mut at = sector;
        let mut requests = Vec::new();
        for _ in 0..entries {
            let mut entry = [0; 32];
            file.read_exact_at(&mut entry, at).expect("an entry");
            let [lba, sectors, flags] = [0, 8, 16].map(|field| u64_at(&entry, field));
            at += sector;
            if flags & DISCARD != 0 {
                requests.push(Request::Discard { lba, sectors });
            } else if sectors > 0 {
                requests.push(Request::Write {
                    lba,
                    sectors,
                    at,
                    durable: flags & FUA != 0,
                });
                at += sectors * sector;
            }
            if flags & FLUSH != 0 && sectors == 0 {
                requests.push(Request::Flush);
            }
        }
        WriteLog { file, requests }
    }

    /// The data of a write: `at` and `sectors` of [`Request::Write`].
    ///
    /// # Panics
    /// When the log is shorter than its entries.
    pub fn data(&self, at: u64, sectors: u64) -> Vec<u8> {
        let mut bytes = vec![0; sectors as usize * 512];
        self.file.read_exact_at(&mut bytes, at).expect("data");
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sector(numbers: &[u64]) -> Vec<u8> {
        let mut bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        bytes.resize(512, 0);
        bytes
    }

    #[test]
    fn entries_are_followed_by_their_data() {
        let log = [
            sector(&[MAGIC, 1, 5, 512]),
            sector(&[8, 2, 0, 0]),
            vec![1; 1024],
            sector(&[0, 0, FLUSH, 0]),
            sector(&[100, 7, DISCARD, 0]),
            sector(&[9, 1, FUA, 0]),
            vec![2; 512],
            sector(&[0, 0, FLUSH, 0]),
            // Not an entry any more.
            vec![9; 512],
        ];
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, log.concat()).unwrap();
        let log = WriteLog::open(&path);
        let write = |lba, sectors, at, durable| Request::Write {
            lba,
            sectors,
            at,
            durable,
        };
        assert_eq!(
            log.requests,
            [
                write(8, 2, 1024, false),
                Request::Flush,
                Request::Discard {
                    lba: 100,
                    sectors: 7
                },
                write(9, 1, 7 * 512, true),
                Request::Flush,
            ]
        );
        assert_eq!(log.data(1024, 2), vec![1; 1024]);
        assert_eq!(log.data(7 * 512, 1), vec![2; 512]);
    }
}
