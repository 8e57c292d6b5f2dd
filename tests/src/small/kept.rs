// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a staging keeps what it needs on the disk, to damage it.

use super::Remains;
use crate::crash::Sectors;
use ondisk::lifeboat::Id;
use ondisk::lifeboat::Role;
use ondisk::lifeboat::record::{Head, Pinned, Record};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// What a disk's record says of the files that are kept on it.
pub struct Kept {
    record: Record,
}

impl Kept {
    /// By the first whole record on this disk.
    ///
    /// # Panics
    /// When there is none.
    pub fn of(disk: &Path) -> Kept {
        let id = Id(Remains::of(disk).id);
        let file = File::open(disk).expect("the disk");
        let mut found = None;
        super::end::each_sector(disk, |lba, sector| {
            if found.is_none() && sector.starts_with(b"replant record\0\0") {
                found = record_at(&file, lba, &id);
            }
        });
        Kept {
            record: found.expect("a record on the disk"),
        }
    }

    /// The file, of those that the record knows.
    ///
    /// # Panics
    /// When it doesn't.
    pub fn file(&self, role: Role) -> &Pinned {
        let file = self.record.file(role);
        file.unwrap_or_else(|| panic!("{role} is not in the record"))
    }

    /// The sector of 512 bytes, and the place in it, of a byte of a file.
    ///
    /// # Panics
    /// When the file is shorter.
    pub fn place(&self, role: Role, byte: u64) -> (u64, u64) {
        let (mut left, file) = (byte / 512, self.file(role));
        for run in &file.runs {
            if left < run.sectors {
                return (run.lba + left, byte % 512);
            }
            left -= run.sectors;
        }
        panic!("{role} has no byte {byte}");
    }

    /// Flips a bit in the middle of a file; of a record, which has room behind
    /// it to grow, near its beginning.
    ///
    /// # Panics
    /// When the disk cannot be written.
    pub fn flip(&self, disk: &Path, role: Role) -> u64 {
        let byte = match role {
            Role::Record(_) => 1000,
            _ => self.file(role).bytes / 2,
        };
        let (lba, at) = self.place(role, byte);
        let mut options = File::options();
        let disk = options.read(true).write(true).open(disk).expect("the disk");
        let mut byte = disk.read(lba, 1)[at as usize];
        byte ^= 0x10;
        let written = disk.write_all_at(&[byte], lba * 512 + at);
        written.expect("the disk");
        lba
    }
}

fn record_at(disk: &File, lba: u64, id: &Id) -> Option<Record> {
    let head = Head::decode(&disk.read(lba, 8), id).ok()?;
    let runs = head
        .runs
        .iter()
        .find(|runs| runs.first().is_some_and(|run| run.lba == lba))?;
    let file: Vec<u8> = runs
        .iter()
        .flat_map(|run| disk.read(run.lba, run.sectors))
        .collect();
    Record::decode(&file, id).ok()
}
