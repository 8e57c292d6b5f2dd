// SPDX-License-Identifier: MIT OR Apache-2.0
//! Overwrites the states of a staging that is given up.
//!
//! The content of a removed file stays on the disk until the space is reused. A
//! state that says "staged" must not be found there.

use super::files::{DIR, name};
use crate::old::pinned::release;
use ondisk::lifeboat::{Role, Twin};
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use sys::{FileError, cannot};

/// How much of the end of a state's file is examined: more than any disk's unit
/// of writing.
const TAIL: u64 = 1 << 20;
const BLOCK: usize = 4096;

/// Zeroes the states in the staged directory `staged`, also on the disk. Does
/// nothing where there are none.
///
/// # Errors
/// When a file cannot be written.
pub fn forget(staged: &Path) -> Result<(), FileError> {
    // A link may lead to files that are not ours.
    for dir in [staged.to_path_buf(), staged.join(DIR)] {
        match std::fs::symlink_metadata(&dir) {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return Ok(()),
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(cannot("look at", &dir)(e)),
        }
    }
    for twin in [Twin::A, Twin::B] {
        destroy(&staged.join(DIR).join(name(Role::State(twin))))?;
    }
    Ok(())
}

fn destroy(path: &Path) -> Result<(), FileError> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => {}
        Ok(_) => return Ok(()),
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(cannot("look at", path)(e)),
    }
    // It may be immutable or not, depending on where an earlier run was killed.
    release(path)?;
    let mut options = OpenOptions::new();
    let flags = rustix::fs::OFlags::NOFOLLOW.bits() as i32;
    let options = options.read(true).write(true).custom_flags(flags);
    let file = options.open(path).map_err(cannot("open", path))?;
    zero(&file).map_err(cannot("make zero", path))?;
    file.sync_all().map_err(cannot("flush", path))?;
    // With data=journal, this request moves the data to its place on the disk;
    // otherwise it is there already.
    let _ = sys::fiemap::extents(&file);
    Ok(())
}

/// Overwrites only parts that are not zero; holes stay holes.
fn zero(file: &File) -> std::io::Result<()> {
    let end = file.metadata()?.len();
    let mut at = end.saturating_sub(TAIL);
    let mut block = vec![0; BLOCK];
    while at < end {
        let length = usize::try_from(end - at).map_or(BLOCK, |left| left.min(BLOCK));
        let part = block.get_mut(..length).unwrap_or_default();
        file.read_exact_at(part, at)?;
        if part.iter().any(|byte| *byte != 0) {
            part.fill(0);
            file.write_all_at(part, at)?;
        }
        at += length as u64;
    }
    Ok(())
}
