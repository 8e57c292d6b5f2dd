// SPDX-License-Identifier: MIT OR Apache-2.0
//! Freeing parts of a file by punching holes.

use super::extents::Piece;
use rustix::fs::{FallocateFlags, fallocate, fstatvfs};
use rustix::io::Errno;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use sys::{FileError, cannot};

/// Frees the whole blocks in these parts of a file. Where the kernel cannot
/// (files without extents before Linux 3.11) they go on taking space.
pub(super) fn free(file: &File, path: &Path, parts: &[Range<u64>]) -> Result<(), FileError> {
    let block = fstatvfs(file).map_err(cannot("look at", path))?;
    let block = block.f_frsize.max(1);
    for part in parts {
        let start = part.start.next_multiple_of(block);
        let length = (part.end / block * block).saturating_sub(start);
        if length == 0 {
            continue;
        }
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        match fallocate(file, flags, start, length) {
            Ok(()) => {}
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => break,
            Err(errno) => return Err(cannot("free a part of", path)(errno)),
        }
    }
    Ok(())
}

/// The gaps between these pieces, which are in order, within a part of the file.
pub(super) fn without(part: Range<u64>, pieces: &[Piece]) -> Vec<Range<u64>> {
    let mut start = part.start;
    let mut found = Vec::new();
    for piece in pieces {
        found.push(start..piece.offset.min(part.end));
        start = start.max(piece.end());
    }
    found.push(start..part.end);
    found.retain(|range| !range.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use ondisk::run::Run;

    #[test]
    fn what_is_not_content() {
        let piece = |offset, sectors| Piece {
            offset,
            run: Run { lba: 1, sectors },
        };
        let content = [piece(1024, 2), piece(4096, 1)];
        let all = without(0..8192, &content);
        assert_eq!(all, [0..1024, 2048..4096, 4608..8192]);
        assert_eq!(without(1024..4096, &content), [2048..4096; 1]);
        assert_eq!(without(1500..1600, &content), []);
        assert_eq!(without(100..200, &content), [100..200; 1]);
        assert_eq!(without(5000..6000, &content), [5000..6000; 1]);
        assert_eq!(without(0..0, &[]), []);
    }
}
