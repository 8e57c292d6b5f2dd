// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds the one disk with the record and the state.

use super::look::look;
use super::{Error, Lifeboat};
use crate::disk::Disk;
use ondisk::lifeboat::Address;
use std::path::PathBuf;

/// Finds the disk among these nodes. Nothing is written.
///
/// # Errors
/// [`Error::NotFound`] with the reason for each disk; [`Error::Alike`] if more
/// than one has them, as with a clone or a snapshot that is attached.
pub fn find(disks: &[PathBuf], address: &Address) -> Result<Lifeboat, Error> {
    let (mut found, mut others) = (Vec::new(), Vec::new());
    for path in disks {
        let open = Disk::open(path).map_err(Error::from);
        match open.and_then(|disk| look(&disk, address)) {
            Ok((record, newest)) => found.push(Lifeboat {
                path: path.clone(),
                address: *address,
                record,
                newest,
                starts: true,
            }),
            Err(why) => others.push(format!("{}: {why}", path.display())),
        }
    }
    let id = address.id;
    let several = |found: &[Lifeboat]| {
        let disks = found.iter().map(|boat| boat.path.display().to_string());
        Error::Alike {
            id,
            disks: disks.collect(),
        }
    };
    match found.len() {
        1 => found.pop().ok_or(Error::NotFound { id, others }),
        0 => Err(Error::NotFound { id, others }),
        _ => Err(several(&found)),
    }
}
