// SPDX-License-Identifier: MIT OR Apache-2.0
//! Requirements for the place of a file, and choosing it.

use super::Allowed;
use super::extents::Piece;
use ondisk::run::{Run, SECTOR};

/// For content that must be in one piece, the file grows beyond its length in
/// steps of this many bytes until there is such a piece.
const STEP: u64 = 64 << 10;

/// How the content may be distributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// In any number of runs.
    Runs,
    /// In one run whose first byte on the disk is a multiple of `align`.
    OneRun { align: u64 },
}

/// A file that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Length of its content in bytes.
    pub bytes: u64,
    pub shape: Shape,
    /// Runs to keep away from, and the least distance in bytes.
    pub apart: Option<(Vec<Run>, u64)>,
}

impl Wish {
    /// Content that may lie in any number of runs.
    pub fn runs(bytes: u64) -> Wish {
        Wish {
            bytes,
            shape: Shape::Runs,
            apart: None,
        }
    }

    /// Content that must lie in one run; see [`Shape::OneRun`].
    pub fn one_run(bytes: u64, align: u64) -> Wish {
        Wish {
            shape: Shape::OneRun { align },
            ..Wish::runs(bytes)
        }
    }

    /// Adds runs to keep away from.
    #[must_use]
    pub fn apart_from(self, runs: Vec<Run>, distance: u64) -> Wish {
        Wish {
            apart: Some((runs, distance)),
            ..self
        }
    }

    /// Bytes that are allocated at first, which `check` must count.
    pub fn room(&self) -> u64 {
        match self.shape {
            Shape::Runs => self.bytes.next_multiple_of(SECTOR),
            Shape::OneRun { .. } => self.bytes.saturating_mul(4).next_multiple_of(STEP),
        }
    }

    /// Sectors of the content.
    fn sectors(&self) -> u64 {
        self.bytes.div_ceil(SECTOR)
    }

    /// Chooses the pieces of a file for the content: together they have its
    /// length, the last sector in part. `file` are its pieces on the disk.
    pub(super) fn choose(&self, file: &[Piece], allowed: &Allowed) -> Option<Vec<Piece>> {
        match self.shape {
            Shape::Runs => self.in_many(file, allowed),
            Shape::OneRun { align } => {
                let mut pieces = joined(file).into_iter();
                let content = pieces.find_map(|piece| self.in_one(piece, align, allowed))?;
                Some(vec![content])
            }
        }
    }

    /// The longest pieces that are permitted, in the order of the file.
    fn in_many(&self, file: &[Piece], allowed: &Allowed) -> Option<Vec<Piece>> {
        let parts = |piece: Piece| allowed.parts(piece.run).map(move |run| piece.part(run));
        let mut parts: Vec<Piece> = joined(file).into_iter().flat_map(parts).collect();
        parts.sort_by_key(|part| std::cmp::Reverse(part.run.sectors));
        let (mut left, mut content) = (self.sectors(), Vec::new());
        for mut part in parts {
            if left == 0 {
                break;
            }
            part.run.sectors = part.run.sectors.min(left);
            left -= part.run.sectors;
            content.push(part);
        }
        content.sort_by_key(|part| part.offset);
        (left == 0).then_some(content)
    }

    /// The first place in one piece of a file.
    fn in_one(&self, piece: Piece, align: u64, allowed: &Allowed) -> Option<Piece> {
        let align = align.div_ceil(SECTOR).max(1);
        let content = |part: Run| {
            let lba = part.lba.checked_next_multiple_of(align)?;
            let sectors = self.sectors();
            let run = Run { lba, sectors };
            (run.end()? <= part.end()?).then_some(piece.part(run))
        };
        allowed.parts(piece.run).find_map(content)
    }
}

/// Joins pieces that follow each other both in the file and on the disk.
fn joined(file: &[Piece]) -> Vec<Piece> {
    let mut joined: Vec<Piece> = Vec::new();
    for piece in file {
        match joined.last_mut() {
            Some(last) if last.end() == piece.offset && last.run.end() == Some(piece.run.lba) => {
                last.run.sectors = last.run.sectors.saturating_add(piece.run.sectors);
            }
            _ => joined.push(*piece),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of a file without holes.
    fn file(runs: &[(u64, u64)]) -> Vec<Piece> {
        let mut offset = 0;
        let piece = |&(lba, sectors): &(u64, u64)| {
            let run = Run { lba, sectors };
            let piece = Piece { offset, run };
            offset = piece.end();
            piece
        };
        runs.iter().map(piece).collect()
    }

    fn numbers(content: Option<Vec<Piece>>) -> Option<Vec<(u64, u64, u64)>> {
        let number = |p: &Piece| (p.offset / 512, p.run.lba, p.run.sectors);
        content.map(|pieces| pieces.iter().map(number).collect())
    }

    #[test]
    fn in_many_runs() {
        let allowed = Allowed::new([4096..40_960, 81_920..90_112]);
        let wish = Wish::runs(4096 + 1);
        assert_eq!(wish.room(), 4096 + 512);
        let choose = |runs: &[(u64, u64)]| numbers(wish.choose(&file(runs), &allowed));
        assert_eq!(
            choose(&[(8, 4), (12, 4), (70, 1)]),
            Some(vec![(0, 8, 8), (8, 70, 1)])
        );
        // What is elsewhere is left out, and so are short pieces.
        assert_eq!(
            choose(&[(0, 9), (78, 90), (30, 1)]),
            Some(vec![(9, 78, 1), (91, 160, 8)])
        );
        assert_eq!(
            choose(&[(20, 2), (78, 10), (40, 1), (50, 6), (0, 8)]),
            Some(vec![(0, 20, 2), (2, 78, 1), (13, 50, 6)])
        );
        assert_eq!(choose(&[(8, 8), (80, 1)]), None);
        assert_eq!(choose(&[(7, 9)]), None);
        assert_eq!(numbers(Wish::runs(0).choose(&[], &allowed)), Some(vec![]));
    }

    #[test]
    fn in_one_run_of_several() {
        let allowed = Allowed::new([4096..40_960, 81_920..163_840]);
        let wish = Wish::one_run(4000, 4096);
        assert_eq!(wish.room(), 64 << 10);
        let choose = |runs: &[(u64, u64)]| {
            let content = numbers(wish.choose(&file(runs), &allowed))?;
            assert_eq!((content.len(), content[0].2), (1, 8));
            Some((content[0].0, content[0].1))
        };
        // The first aligned place; then one that two pieces make.
        assert_eq!(choose(&[(9, 20)]), Some((7, 16)));
        assert_eq!(choose(&[(9, 14), (60, 4), (64, 8)]), Some((18, 64)));
        // Not across the end of what is permitted.
        assert_eq!(choose(&[(73, 8), (156, 20)]), Some((12, 160)));
        assert_eq!(choose(&[(73, 90)]), None);
        assert_eq!(choose(&[(73, 100)]), Some((87, 160)));
        assert_eq!(choose(&[(9, 14), (30, 7), (0, 8)]), None);
    }

    #[test]
    fn a_blob_fits_between_stripes() {
        // Chunks of 64 KiB: the file begins in the middle of one.
        let allowed = Allowed::from(0..1 << 30);
        let wish = Wish::one_run(127 * 512, 512);
        assert_eq!(wish.room(), 256 << 10);
        let runs = [
            (1000, 64),
            (9000, 128),
            (1064, 128),
            (9128, 128),
            (1192, 64),
        ];
        let chosen = numbers(wish.choose(&file(&runs), &allowed));
        assert_eq!(chosen, Some(vec![(64, 9000, 127)]));
    }
}
