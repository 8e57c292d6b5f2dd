// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which blocks are in use, as ranges: a bitmap of 2 TiB would be 64 MiB.

use std::collections::BTreeMap;
use std::ops::Range;

/// The blocks of a file system, in use or free.
#[derive(Debug, Clone)]
pub(super) struct BlockMap {
    /// Ranges in use, start to end, disjoint and not adjacent.
    used: BTreeMap<u64, u64>,
    /// The file system's blocks.
    blocks: Range<u64>,
}

impl BlockMap {
    /// All of `blocks` is free.
    pub(super) fn new(blocks: Range<u64>) -> Self {
        Self {
            used: BTreeMap::new(),
            blocks,
        }
    }

    /// Takes `length` blocks from `start` on, cut at the file system's end.
    pub(super) fn mark(&mut self, start: u64, length: u64) {
        let mut start = start;
        let mut end = start.saturating_add(length).min(self.blocks.end);
        if start >= end {
            return;
        }
        if let Some((&before, &before_end)) = self.used.range(..=start).next_back()
            && before_end >= start
        {
            start = before;
            end = end.max(before_end);
        }
        while let Some((&after, &after_end)) = self.used.range(start..=end).next() {
            end = end.max(after_end);
            self.used.remove(&after);
        }
        self.used.insert(start, end);
    }

    /// The first free block from `from` on, before the end of the file system.
    pub(super) fn next_free(&self, from: u64) -> Option<u64> {
        let free = match self.used.range(..=from).next_back() {
            Some((_, &end)) if end > from => end,
            _ => from,
        };
        (free < self.blocks.end).then_some(free)
    }

    /// The first block in use from `from` on.
    pub(super) fn next_used(&self, from: u64) -> Option<u64> {
        if let Some((_, &end)) = self.used.range(..=from).next_back()
            && end > from
        {
            return Some(from);
        }
        self.used.range(from..).next().map(|(&start, _)| start)
    }

    /// The first free block from `goal` on, or else from the start.
    pub(super) fn near(&self, goal: u64) -> Option<u64> {
        let goal = if self.blocks.contains(&goal) {
            goal
        } else {
            self.blocks.start
        };
        self.next_free(goal)
            .or_else(|| self.next_free(self.blocks.start))
    }

    /// The first block from `from` on where `length` blocks are free.
    fn run(&self, from: u64, length: u64) -> Option<u64> {
        let mut start = self.next_free(from)?;
        loop {
            let end = start.checked_add(length)?;
            if end > self.blocks.end {
                return None;
            }
            match self.next_used(start) {
                Some(used) if used < end => start = self.next_free(used)?,
                _ => return Some(start),
            }
        }
    }

    /// The first start of `length` free blocks in `start..finish`; when
    /// `finish` is not after `start`, the search goes on from the file
    /// system's first block. A length of 0 counts as 1.
    pub(super) fn search(&self, start: u64, finish: u64, length: u64) -> Option<u64> {
        let length = length.max(1);
        let finish = if finish == 0 { start } else { finish };
        let found = self.run(start.max(self.blocks.start), length);
        if finish > start {
            return found.filter(|&block| block < finish);
        }
        found.or_else(|| {
            self.run(self.blocks.start, length)
                .filter(|&block| block < finish)
        })
    }

    /// How many blocks of `range` are in use.
    pub(super) fn count(&self, range: Range<u64>) -> u64 {
        self.pieces(range)
            .map(|piece| piece.end - piece.start)
            .sum()
    }

    /// The ranges in use inside of `range`.
    pub(super) fn pieces(&self, range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
        let first = match self.used.range(..=range.start).next_back() {
            Some((_, &end)) if end > range.start => Some(range.start..end.min(range.end)),
            _ => None,
        };
        let rest = self
            .used
            .range(range.start.saturating_add(1)..range.end.max(range.start.saturating_add(1)))
            .map(move |(&start, &end)| start..end.min(range.end));
        first.into_iter().chain(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::Random;

    /// The same questions asked of a plain vector of booleans.
    #[test]
    fn agrees_with_a_plain_bitmap() {
        let mut random = Random(1);
        let mut next = |below: u64| random.below(below);
        for _ in 0..300 {
            let (first, end) = (next(2), 40 + next(40));
            let mut map = BlockMap::new(first..end);
            let mut plain = vec![false; usize::try_from(end).unwrap()];
            for _ in 0..next(12) {
                let (start, length) = (first + next(end - first), next(9));
                map.mark(start, length);
                for block in start..(start + length).min(end) {
                    plain[usize::try_from(block).unwrap()] = true;
                }
            }
            let used = |block: u64| plain[usize::try_from(block).unwrap()];
            for from in first..end {
                assert_eq!(map.next_free(from), (from..end).find(|&b| !used(b)));
                assert_eq!(map.next_used(from), (from..end).find(|&b| used(b)));
                let length = 1 + next(6);
                let free = |b: u64| b + length <= end && (b..b + length).all(|c| !used(c));
                let finish = first + next(end - first);
                let expected = if finish > from {
                    (from..finish).find(|&b| free(b))
                } else {
                    let finish = if finish == 0 { from } else { finish };
                    (from..end)
                        .find(|&b| free(b))
                        .or_else(|| (first..finish).find(|&b| free(b)))
                };
                assert_eq!(map.search(from, finish, length), expected);
                let to = from + next(end - from + 1);
                let count = (from..to).filter(|&b| used(b)).count();
                assert_eq!(map.count(from..to), u64::try_from(count).unwrap());
            }
        }
    }
}
