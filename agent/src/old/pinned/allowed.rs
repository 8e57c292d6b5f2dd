// SPDX-License-Identifier: MIT OR Apache-2.0
//! The parts of the disk where files may lie.

use ondisk::run::{Run, SECTOR};
use std::ops::Range;

/// Protection works in units of this many bytes, so permission does, too.
const UNIT: u64 = 4096;

/// Parts of a disk, in whole units of 4 KiB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed(Vec<Range<u64>>);

impl Allowed {
    /// The whole units within these byte ranges.
    pub fn new(ranges: impl IntoIterator<Item = Range<u64>>) -> Allowed {
        let inward = |range: Range<u64>| {
            // The highest number may stand for an open end.
            let start = range.start.checked_next_multiple_of(UNIT);
            start.unwrap_or(u64::MAX)..range.end / UNIT * UNIT
        };
        let ranges = ranges.into_iter().map(inward);
        let mut ranges: Vec<_> = ranges.filter(|range| !range.is_empty()).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        let mut joined: Vec<Range<u64>> = Vec::new();
        for range in ranges {
            match joined.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => joined.push(range),
            }
        }
        Allowed(joined)
    }

    /// The parts that are at least `distance` bytes away from all these runs.
    #[must_use]
    pub fn away_from(&self, runs: &[Run], distance: u64) -> Allowed {
        let mut left = self.0.clone();
        for run in runs {
            let start = run.lba.saturating_mul(SECTOR).saturating_sub(distance);
            let end = run.lba.saturating_add(run.sectors).saturating_mul(SECTOR);
            let end = end.saturating_add(distance);
            let around = |range: Range<u64>| {
                let before = range.start..range.end.min(start);
                let after = range.start.max(end)..range.end;
                [before, after]
            };
            left = left.into_iter().flat_map(around).collect();
            left.retain(|range| !range.is_empty());
        }
        Allowed::new(left)
    }

    /// The parts of a run that are permitted.
    pub(super) fn parts(&self, run: Run) -> impl Iterator<Item = Run> {
        let end = run.lba.saturating_add(run.sectors);
        self.0.iter().filter_map(move |range| {
            let first = run.lba.max(range.start / SECTOR);
            let sectors = end.min(range.end / SECTOR).checked_sub(first)?;
            (sectors > 0).then_some(Run {
                lba: first,
                sectors,
            })
        })
    }
}

/// One part of a disk, in bytes.
impl From<Range<u64>> for Allowed {
    fn from(range: Range<u64>) -> Allowed {
        Allowed::new(std::iter::once(range))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(lba: u64, sectors: u64) -> Run {
        Run { lba, sectors }
    }

    #[test]
    fn only_whole_units_are_permitted() {
        let allowed = Allowed::new([20_000..30_000, 1..4095, 8191..12_289, 12_288..16_384]);
        assert_eq!(allowed.0, [8192..16_384, 20_480..28_672]);
        assert_eq!(
            Allowed::from(1..u64::MAX),
            Allowed::from(4096..u64::MAX - 4095)
        );
        assert!(Allowed::from(u64::MAX - 1..u64::MAX).0.is_empty());
    }

    #[test]
    fn parts_of_runs() {
        let allowed = Allowed::new([8192..16_384, 20_480..28_672]);
        let parts = |lba, sectors| allowed.parts(run(lba, sectors)).collect::<Vec<_>>();
        assert_eq!(parts(0, 100), [run(16, 16), run(40, 16)]);
        assert_eq!(parts(0, 16), []);
        assert_eq!(parts(31, 2), [run(31, 1)]);
        assert_eq!(parts(u64::MAX, 1), []);
    }

    #[test]
    fn far_from_others() {
        let allowed = Allowed::from(0..1 << 20);
        let away = allowed.away_from(&[run(1024, 8), run(0, 8)], 8192);
        assert_eq!(away.0, [12_288..516_096, 536_576..1 << 20]);
        assert_eq!(allowed.away_from(&[], 1), allowed);
        assert!(allowed.away_from(&[run(9, 1)], 1 << 20).0.is_empty());
        assert_eq!(allowed.away_from(&[run(u64::MAX, 9)], 9), allowed);
    }
}
