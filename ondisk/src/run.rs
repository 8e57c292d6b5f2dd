// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a piece of a file lies on the disk.

use std::ops::Range;

/// Bytes of the sectors in which the kernel, BIOSes, LVM and GRUB count, and so
/// does a [`Run`], whatever the disk's blocks are.
pub const SECTOR: u64 = 512;
/// [`SECTOR`] as the length of what is in memory.
pub const SECTOR_LEN: usize = SECTOR as usize;

/// Consecutive sectors of 512 bytes of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    /// The first one, from 0 at the start of the disk.
    pub lba: u64,
    /// How many.
    pub sectors: u64,
}

/// Runs that end before what was to be cut out of them does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the runs have {has} sectors of 512 bytes, {wanted} are needed")]
pub struct TooShort {
    /// Sectors of all runs.
    pub has: u64,
    /// Sectors that are skipped and taken.
    pub wanted: u64,
}

impl Run {
    /// Its bytes on the disk: first, and the one after the last; `None` where
    /// that is beyond 64 bits.
    #[must_use]
    pub fn bytes(&self) -> Option<Range<u64>> {
        let start = self.lba.checked_mul(SECTOR)?;
        let end = self.lba.checked_add(self.sectors)?.checked_mul(SECTOR)?;
        Some(start..end)
    }

    /// The sector after the last one; `None` where that is beyond 64 bits.
    #[must_use]
    pub fn end(&self) -> Option<u64> {
        self.lba.checked_add(self.sectors)
    }

    /// Whether both have a sector in common. A run without sectors has none.
    #[must_use]
    pub fn overlaps(&self, other: Run) -> bool {
        // Sums of two u64 fit into u128.
        let end = |run: &Run| u128::from(run.lba) + u128::from(run.sectors);
        let first = u128::from(self.lba.max(other.lba));
        first < end(self).min(end(&other))
    }
}

/// The runs in their order, without empty ones, and each that goes on where
/// the one before it ends joined to that.
#[must_use]
pub fn join(runs: &[Run]) -> Vec<Run> {
    let mut joined: Vec<Run> = Vec::new();
    for run in runs.iter().filter(|run| run.sectors > 0) {
        if let Some(last) = joined.last_mut()
            && last.end() == Some(run.lba)
            && let Some(sectors) = last.sectors.checked_add(run.sectors)
        {
            last.sectors = sectors;
        } else {
            joined.push(*run);
        }
    }
    joined
}

/// `sectors` sectors of a file that lies in these runs, after the first
/// `skip` of them, joined.
///
/// # Errors
/// When the runs have fewer.
pub fn cut(runs: &[Run], skip: u64, sectors: u64) -> Result<Vec<Run>, TooShort> {
    let (mut skip_left, mut left) = (skip, sectors);
    let mut taken = Vec::new();
    for run in runs {
        let skipped = skip_left.min(run.sectors);
        skip_left -= skipped;
        let run = Run {
            lba: run.lba.saturating_add(skipped),
            sectors: (run.sectors - skipped).min(left),
        };
        left -= run.sectors;
        taken.push(run);
    }
    if skip_left > 0 || left > 0 {
        let has = runs
            .iter()
            .fold(0, |sum: u64, r| sum.saturating_add(r.sectors));
        let wanted = skip.saturating_add(sectors);
        return Err(TooShort { has, wanted });
    }
    Ok(join(&taken))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_run() {
        let run = |lba, sectors| Run { lba, sectors }.bytes();
        assert_eq!(run(3, 2), Some(1536..2560));
        assert_eq!(
            run(u64::MAX / 512, 0),
            Some(u64::MAX / 512 * 512..u64::MAX / 512 * 512)
        );
        assert_eq!(run(u64::MAX / 512, 1), None);
        assert_eq!(run(1, u64::MAX), None);
    }

    fn runs(of: &[(u64, u64)]) -> Vec<Run> {
        let run = |&(lba, sectors)| Run { lba, sectors };
        of.iter().map(run).collect()
    }

    #[test]
    fn ends_and_overlaps() {
        let run = |lba, sectors| Run { lba, sectors };
        assert_eq!(run(8, 4).end(), Some(12));
        assert_eq!(run(u64::MAX, 1).end(), None);
        for (other, answer) in [
            (run(0, 8), false),
            (run(0, 9), true),
            (run(9, 1), true),
            (run(0, 100), true),
            (run(11, 9), true),
            (run(12, 9), false),
            (run(9, 0), false),
            (run(0, u64::MAX), true),
        ] {
            assert_eq!(run(8, 4).overlaps(other), answer, "{other:?}");
            assert_eq!(other.overlaps(run(8, 4)), answer, "{other:?}");
        }
        assert!(run(u64::MAX, u64::MAX).overlaps(run(u64::MAX, 1)));
    }

    #[test]
    fn neighbours_are_joined_in_order_only() {
        let joined = join(&runs(&[(8, 4), (20, 0), (12, 2), (6, 2), (30, 1), (31, 1)]));
        assert_eq!(joined, runs(&[(8, 6), (6, 2), (30, 2)]));
        assert_eq!(join(&[]), []);
    }

    #[test]
    fn a_part_is_cut_out() {
        let file = runs(&[(100, 8), (50, 8), (58, 4)]);
        assert_eq!(cut(&file, 0, 20), Ok(runs(&[(100, 8), (50, 12)])));
        assert_eq!(cut(&file, 3, 6), Ok(runs(&[(103, 5), (50, 1)])));
        assert_eq!(cut(&file, 8, 10), Ok(runs(&[(50, 10)])));
        assert_eq!(cut(&file, 20, 0), Ok(vec![]));
        let short = |wanted| Err(TooShort { has: 20, wanted });
        assert_eq!(cut(&file, 3, 18), short(21));
        assert_eq!(cut(&file, 21, 0), short(21));
        assert_eq!(cut(&file, u64::MAX, 1), short(u64::MAX));
    }
}
