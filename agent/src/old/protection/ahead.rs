// SPDX-License-Identifier: MIT OR Apache-2.0
//! Guesses where files will lie before they are made.

use ondisk::run::{Run, SECTOR};
use std::ops::Range;

/// The last `bytes` of these ranges, as a guess of the files' place. Fewer where
/// the ranges are shorter.
pub fn at_the_end(allowed: &[Range<u64>], bytes: u64) -> Vec<Run> {
    let mut left = bytes.div_ceil(SECTOR);
    let mut runs = Vec::new();
    for range in allowed.iter().rev() {
        let end = range.end / SECTOR;
        let sectors = end.saturating_sub(range.start.div_ceil(SECTOR)).min(left);
        left -= sectors;
        if sectors > 0 {
            let lba = end - sectors;
            runs.push(Run { lba, sectors });
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_ahead_takes_the_end() {
        let allowed = [4096..12_288, 40_960..49_152];
        let taken = |bytes| -> Vec<(u64, u64)> {
            let runs = at_the_end(&allowed, bytes);
            runs.iter().map(|run| (run.lba, run.sectors)).collect()
        };
        assert_eq!(taken(0), []);
        assert_eq!(taken(1), [(95, 1)]);
        assert_eq!(taken(8192 + 512), [(80, 16), (23, 1)]);
        assert_eq!(taken(u64::MAX), [(80, 16), (8, 16)]);
    }
}
