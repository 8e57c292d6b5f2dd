// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds the parts of a file that lie where pinned files may.

use crate::run::{Run, SECTOR};
use std::ops::Range;

/// A part of a file, and whether it lies where it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Sectors of 512 bytes of the file before it.
    pub offset: u64,
    /// Where it lies.
    pub run: Run,
    /// Whether all of it is allowed, or none.
    pub fits: bool,
}

/// Splits a file's runs where permitted ranges begin and end.
#[must_use]
pub fn fits(runs: &[Run], allowed: &[Range<u64>]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut offset = 0u64;
    for run in runs {
        let (mut lba, mut left) = (run.lba, run.sectors);
        // A run whose offsets do not fit 64 bits is nowhere.
        let mut ranges = match run.bytes() {
            Some(_) => allowed.iter(),
            None => [].iter(),
        };
        while left > 0 {
            let sectors = ranges
                .by_ref()
                .map(|r| r.start.div_ceil(SECTOR)..r.end / SECTOR)
                .find(|r| r.end > lba);
            let (bad, good) = match sectors {
                Some(r) if r.start < r.end => {
                    let bad = r.start.saturating_sub(lba).min(left);
                    let from = lba.saturating_add(bad);
                    (bad, r.end.saturating_sub(from).min(left - bad))
                }
                Some(_) => continue,
                None => (left, 0),
            };
            for (sectors, fits) in [(bad, false), (good, true)] {
                if sectors > 0 {
                    let run = Run { lba, sectors };
                    pieces.push(Piece { offset, run, fits });
                    lba = lba.saturating_add(sectors);
                    offset = offset.saturating_add(sectors);
                    left -= sectors;
                }
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::slice;
    use testkit::Random;

    fn run(lba: u64, sectors: u64) -> Run {
        Run { lba, sectors }
    }

    #[test]
    fn runs_are_split_where_allowed_ranges_begin_and_end() {
        let bytes = |sectors: Range<u64>| sectors.start * 512..sectors.end * 512;
        let allowed = [bytes(10..20), bytes(30..40), bytes(40..41)];
        let fitted = |runs: &[Run]| {
            let pieces = fits(runs, &allowed).into_iter();
            pieces
                .map(|p| (p.offset, p.run.lba, p.run.sectors, p.fits))
                .collect::<Vec<_>>()
        };
        assert_eq!(fitted(&[run(12, 3)]), [(0, 12, 3, true)]);
        assert_eq!(
            fitted(&[run(5, 30), run(40, 2), run(0, 0), run(1, 1)]),
            [
                (0, 5, 5, false),
                (5, 10, 10, true),
                (15, 20, 10, false),
                (25, 30, 5, true),
                (30, 40, 1, true),
                (31, 41, 1, false),
                (32, 1, 1, false),
            ]
        );
        assert_eq!(fitted(&[run(u64::MAX, 5)]), [(0, u64::MAX, 5, false)]);
        assert_eq!(fits(&[run(0, 1)], &[0..511, 511..512]).len(), 1);
        let whole = 0..u64::MAX;
        assert!(fits(&[run(7, 1 << 40)], slice::from_ref(&whole))[0].fits);
        // No part of a run is allowed if its end does not fit 64 bits.
        let endless = fits(&[run(7, u64::MAX)], &[whole]);
        assert_eq!((endless.len(), endless[0].fits), (1, false));
    }

    /// Against a look at each sector alone.
    #[test]
    fn random_runs_in_random_ranges() {
        let mut random = Random(3);
        for _ in 0..2000 {
            let mut allowed = Vec::new();
            let mut at = 0;
            for _ in 0..random.below(5) {
                let start = at + random.below(20 * 512);
                at = start + random.below(20 * 512);
                allowed.push(start..at);
            }
            let runs: Vec<Run> = (0..random.below(5))
                .map(|_| run(random.below(100), random.below(30)))
                .collect();
            let sectors = runs.iter().flat_map(|r| r.lba..r.lba + r.sectors);
            let want: Vec<(u64, bool)> = sectors
                .map(|lba| {
                    let (start, end) = (lba * 512, lba * 512 + 512);
                    (
                        lba,
                        allowed.iter().any(|r| r.start <= start && end <= r.end),
                    )
                })
                .collect();
            let mut offset = 0;
            let mut got = Vec::new();
            for piece in fits(&runs, &allowed) {
                assert_eq!(piece.offset, offset);
                assert!(piece.run.sectors > 0);
                offset += piece.run.sectors;
                let lbas = piece.run.lba..piece.run.lba + piece.run.sectors;
                got.extend(lbas.map(|lba| (lba, piece.fits)));
            }
            assert_eq!(got, want);
        }
    }
}
