// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where in its file a copy of the state lies.

use crate::lifeboat::protected::{ProtectedError, unit};
use crate::run::{Run, SECTOR};

/// The first sector of the first aligned block (of `physical_block` bytes, at
/// least 4096) that is wholly the file's: what is written there is no part of
/// a block that has something else. `None` where there is no such block.
///
/// # Errors
/// A physical block that no disk has.
pub fn place(runs: &[Run], physical_block: u32) -> Result<Option<u64>, ProtectedError> {
    let sectors = unit(physical_block)? / SECTOR;
    let within = |run: &Run| {
        let first = run.lba.checked_next_multiple_of(sectors)?;
        (first.checked_add(sectors)? <= run.end()?).then_some(first)
    };
    Ok(runs.iter().find_map(within))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_block_that_is_wholly_the_files() {
        let run = |lba, sectors| Run { lba, sectors };
        // Of a file system with blocks of 1 KiB.
        let runs = [run(2, 2), run(18, 12), run(26, 8), run(66, 14), run(96, 64)];
        let lba = |block| place(&runs, block).unwrap();
        assert_eq!((lba(512), lba(4096)), (Some(72), Some(72)));
        assert_eq!((lba(16384), lba(65536)), (Some(96), None));
        assert_eq!(place(&[run(8, 7), run(15, 1)], 512), Ok(None));
        assert_eq!(place(&[run(8, 8)], 512), Ok(Some(8)));
        assert_eq!(place(&[run(u64::MAX - 3, 9)], 512), Ok(None));
        assert_eq!(place(&runs, 0), Err(ProtectedError::BlockSize(0)));
    }
}
