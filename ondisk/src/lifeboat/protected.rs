// SPDX-License-Identifier: MIT OR Apache-2.0
//! The bytes of the disk that nobody may write until the new system boots.

use crate::run::Run;
use std::ops::Range;

/// The least that a protected range is rounded to: what file systems and
/// 512e disks write at once.
const LEAST_UNIT: u64 = 4096;

/// The protected ranges, in bytes: each of whole physical blocks and at least
/// whole 4 KiB, in order, with gaps between them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Protected {
    ranges: Vec<Range<u64>>,
}

/// Why ranges of a disk cannot be protected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProtectedError {
    /// A block size that no disk has.
    #[error("a physical block of {0} bytes is not supported")]
    BlockSize(u32),
    /// A run that is not wholly on the disk.
    #[error(
        "{} sectors from sector {} on do not lie on a disk of {disk_bytes} bytes", .run.sectors,
        .run.lba
    )]
    Outside {
        /// The run.
        run: Run,
        /// Bytes of the disk.
        disk_bytes: u64,
    },
    /// A recorded range that [`Protected::new`] would not make.
    #[error("the protected bytes {start} to {end} are not in order, or not whole blocks")]
    Order {
        /// First byte.
        start: u64,
        /// The byte after the last one.
        end: u64,
    },
}

/// Bytes that are written at once, as far as anybody knows.
pub(super) fn unit(physical_block: u32) -> Result<u64, ProtectedError> {
    let block = u64::from(physical_block);
    if !block.is_power_of_two() || !(512..=1 << 20).contains(&block) {
        return Err(ProtectedError::BlockSize(physical_block));
    }
    Ok(block.max(LEAST_UNIT))
}

impl Protected {
    /// Protects these runs. `physical_block` and `disk_bytes` are those of the
    /// disk, in bytes.
    ///
    /// # Errors
    /// A run that leaves the disk.
    pub fn new(
        runs: impl IntoIterator<Item = Run>,
        physical_block: u32,
        disk_bytes: u64,
    ) -> Result<Protected, ProtectedError> {
        let unit = unit(physical_block)?;
        let mut rounded = Vec::new();
        for run in runs {
            let bytes = run.bytes().filter(|bytes| bytes.end <= disk_bytes);
            let bytes = bytes.ok_or(ProtectedError::Outside { run, disk_bytes })?;
            if !bytes.is_empty() {
                let end = bytes.end.checked_next_multiple_of(unit);
                let start = bytes.start - bytes.start % unit;
                rounded.push(start..end.unwrap_or(disk_bytes).min(disk_bytes));
            }
        }
        rounded.sort_unstable_by_key(|range| range.start);
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for range in rounded {
            match ranges.last_mut() {
                Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
                _ => ranges.push(range),
            }
        }
        Ok(Protected { ranges })
    }

    /// The set of these ranges, which must be as [`Protected::new`] leaves them.
    ///
    /// # Errors
    /// The first range that is not.
    pub fn from_ranges(
        ranges: Vec<Range<u64>>,
        physical_block: u32,
        disk_bytes: u64,
    ) -> Result<Protected, ProtectedError> {
        let unit = unit(physical_block)?;
        let mut free = 0;
        for Range { start, end } in ranges.iter().cloned() {
            let whole = start % unit == 0 && (end % unit == 0 || end == disk_bytes);
            let apart = start > free || free == 0;
            if !whole || !apart || start >= end || end > disk_bytes {
                return Err(ProtectedError::Order { start, end });
            }
            free = end;
        }
        Ok(Protected { ranges })
    }

    /// The ranges, in bytes from the start of the disk.
    #[must_use]
    pub fn ranges(&self) -> &[Range<u64>] {
        &self.ranges
    }

    /// The first protected range that has a byte in common with `bytes`.
    #[must_use]
    pub fn overlap(&self, bytes: &Range<u64>) -> Option<Range<u64>> {
        if bytes.is_empty() {
            return None;
        }
        let at = self.ranges.partition_point(|r| r.end <= bytes.start);
        let first = self.ranges.get(at)?;
        (first.start < bytes.end).then(|| first.clone())
    }

    /// The parts of `bytes` that are not protected, in order.
    #[must_use]
    pub fn outside(&self, bytes: &Range<u64>) -> Vec<Range<u64>> {
        let mut free = Vec::new();
        let mut at = bytes.start;
        let first = self.ranges.partition_point(|r| r.end <= bytes.start);
        for range in self.ranges.iter().skip(first) {
            if range.start >= bytes.end {
                break;
            }
            if range.start > at {
                free.push(at..range.start);
            }
            at = range.end;
        }
        if at < bytes.end {
            free.push(at..bytes.end);
        }
        free
    }

    /// The parts of `bytes` that are protected, in order.
    #[must_use]
    pub fn within(&self, bytes: &Range<u64>) -> Vec<Range<u64>> {
        let first = self.ranges.partition_point(|r| r.end <= bytes.start);
        let ranges = self.ranges.iter().skip(first);
        let ranges = ranges.take_while(|range| range.start < bytes.end);
        let cut = |r: &Range<u64>| r.start.max(bytes.start)..r.end.min(bytes.end);
        ranges.map(cut).filter(|range| !range.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::Random;

    const DISK: u64 = (1 << 20) + 512;

    fn run(lba: u64, sectors: u64) -> Run {
        Run { lba, sectors }
    }

    #[test]
    fn runs_are_rounded_outward_and_joined() {
        let new = |runs: &[Run], block| Protected::new(runs.iter().copied(), block, DISK);
        let ranges = |runs: &[Run], block| {
            let set = new(runs, block).unwrap();
            set.ranges
                .into_iter()
                .map(|r| (r.start, r.end))
                .collect::<Vec<_>>()
        };
        assert_eq!(ranges(&[run(9, 1)], 512), [(4096, 8192)]);
        assert_eq!(ranges(&[run(9, 1)], 16384), [(0, 16384)]);
        assert_eq!(ranges(&[run(15, 2)], 4096), [(4096, 12288)]);
        // Neighbours, one in another, any order, none.
        let runs = [run(40, 8), run(32, 8), run(0, 1), run(33, 2), run(80, 0)];
        assert_eq!(ranges(&runs, 512), [(0, 4096), (16384, 24576)]);
        // The disk's last sector is not a whole block.
        assert_eq!(ranges(&[run(2048, 1)], 512), [(1 << 20, DISK)]);
        for outside in [
            run(2048, 2),
            run(2049, 1),
            run(u64::MAX, 1),
            run(1, u64::MAX),
        ] {
            let error = ProtectedError::Outside {
                run: outside,
                disk_bytes: DISK,
            };
            assert_eq!(new(&[outside], 512), Err(error));
        }
        for block in [0, 500, 256, 3 << 20, 2 << 20] {
            assert_eq!(new(&[], block), Err(ProtectedError::BlockSize(block)));
        }
    }

    /// Against a look at each sector alone.
    #[test]
    fn every_question_about_random_ranges_is_answered_right() {
        let mut random = Random(5);
        let disk = 256 * 512;
        for _ in 0..2000 {
            let runs: Vec<Run> = (0..random.below(6))
                .map(|_| run(random.below(200), random.below(20)))
                .collect();
            let set = Protected::new(runs.iter().copied(), 512, disk).unwrap();
            let mut sectors = [false; 256];
            for run in &runs {
                let end = run.lba + run.sectors;
                if run.sectors > 0 {
                    let rounded = run.lba / 8 * 8..end.next_multiple_of(8);
                    rounded.for_each(|sector| sectors[sector as usize] = true);
                }
            }
            let start = random.below(disk);
            let asked = start..start + random.below(disk - start);
            let is = |byte: u64| sectors[(byte / 512) as usize];
            let first = asked.clone().find(|byte| is(*byte));
            let overlap = set.overlap(&asked);
            assert_eq!(overlap.is_some(), first.is_some());
            if let (Some(found), Some(first)) = (overlap, first) {
                assert!(found.contains(&first));
            }
            let (within, outside) = (set.within(&asked), set.outside(&asked));
            let bytes = |list: &[Range<u64>]| list.iter().map(|r| r.end - r.start).sum::<u64>();
            assert_eq!(bytes(&within) + bytes(&outside), asked.end - asked.start);
            assert!(within.iter().all(|r| r.clone().all(is)));
            assert!(!outside.iter().any(|r| r.clone().any(is)));
            let again = Protected::from_ranges(set.ranges.clone(), 512, disk);
            assert_eq!(again, Ok(set));
        }
    }

    #[test]
    fn only_a_set_that_was_made_here_is_taken_back() {
        let read = |ranges: &[(u64, u64)]| {
            let ranges = ranges.iter().map(|(start, end)| *start..*end);
            Protected::from_ranges(ranges.collect(), 512, DISK)
        };
        assert!(read(&[(0, 4096), (8192, 12288), (1 << 20, DISK)]).is_ok());
        let bad: [&[(u64, u64)]; 8] = [
            &[(0, 0)],
            &[(4096, 0)],
            &[(0, 4095)],
            &[(512, 4096)],
            &[(0, 4096), (4096, 8192)],
            &[(8192, 12288), (0, 4096)],
            &[(0, DISK + 1)],
            &[(0, u64::MAX - 4095)],
        ];
        for ranges in bad {
            let error = read(ranges);
            assert!(
                matches!(error, Err(ProtectedError::Order { .. })),
                "{ranges:?}"
            );
        }
    }
}
