// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checks the extents that the file system reports for a file.

use super::{Error, Flaw};
use crate::block::Mapping;
use ondisk::run::{Run, SECTOR, join};
use std::ops::Range;
use sys::fiemap::Extent;

/// A contiguous piece of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Its first byte in the file.
    pub offset: u64,
    pub run: Run,
}

impl Piece {
    /// The offset in the file behind the piece.
    pub(super) fn end(&self) -> u64 {
        let bytes = self.run.sectors.saturating_mul(SECTOR);
        self.offset.saturating_add(bytes)
    }

    /// The part of the piece that lies in this part of its run.
    pub(super) fn part(&self, run: Run) -> Piece {
        let before = run.lba.saturating_sub(self.run.lba);
        Piece {
            offset: self.offset.saturating_add(before.saturating_mul(SECTOR)),
            run,
        }
    }
}

/// The pieces of a file on the device of its file system. The parts `written`
/// must have content, and not only be reserved.
///
/// # Errors
/// The first flaw.
pub fn pieces(extents: &[Extent], written: &[Range<u64>]) -> Result<Vec<Piece>, Flaw> {
    let mut found = Vec::with_capacity(extents.len());
    for extent in extents {
        let end = extent.logical.saturating_add(extent.length);
        let inside = |part: &Range<u64>| extent.logical < part.end && part.start < end;
        let flag = |(bit, flaw): &&(u32, Flaw)| {
            let set = extent.flags & bit != 0;
            set && (*flaw != Flaw::Unwritten || written.iter().any(inside))
        };
        if let Some((_, flaw)) = Flaw::FLAGS.iter().find(flag) {
            return Err(*flaw);
        }
        let places = [extent.logical, extent.physical, extent.length];
        if places.iter().any(|place| place % SECTOR != 0) {
            return Err(Flaw::Unaligned);
        }
        found.push(Piece {
            offset: extent.logical,
            run: Run {
                lba: extent.physical / SECTOR,
                sectors: extent.length / SECTOR,
            },
        });
    }
    Ok(found)
}

/// Pieces of a file on the file system's device as pieces on the disk.
///
/// # Errors
/// When a device ends before its map does.
pub fn on_disk(mapping: &Mapping, pieces: &[Piece]) -> Result<Vec<Piece>, Error> {
    let mut found = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let mut offset = piece.offset;
        for run in mapping.on_disk(piece.run)? {
            let piece = Piece { offset, run };
            offset = piece.end();
            found.push(piece);
        }
    }
    Ok(found)
}

/// The places of a part of a file, in whole sectors.
///
/// # Errors
/// The first byte that is in none of the pieces, which are in order.
pub fn places(pieces: &[Piece], part: &Range<u64>) -> Result<Vec<Run>, Flaw> {
    let (mut at, mut found) = (part.start, Vec::new());
    for piece in pieces {
        if at < piece.offset || at >= piece.end() || at >= part.end {
            continue;
        }
        let inside = (at - piece.offset) / SECTOR;
        let end = part.end.min(piece.end());
        found.push(Run {
            lba: piece.run.lba.saturating_add(inside),
            sectors: (end - at).div_ceil(SECTOR),
        });
        at = end;
    }
    match at < part.end {
        true => Err(Flaw::Hole(at)),
        false => Ok(join(&found)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Range<u64> = 0..u64::MAX;

    fn extent(logical: u64, physical: u64, length: u64, flags: u32) -> Extent {
        Extent::new(logical, physical, length, flags)
    }

    #[test]
    fn flaws_have_names() {
        let judge = |flags| {
            pieces(&[extent(0, 4096, 4096, flags)], std::slice::from_ref(&ALL)).unwrap_err()
        };
        for (flags, flaw, name) in [
            (Extent::UNKNOWN, Flaw::Unknown, "UNKNOWN"),
            // ext4 reports this before the file is written out.
            (Extent::UNKNOWN | Extent::DELALLOC, Flaw::Unknown, "UNKNOWN"),
            (Extent::DELALLOC, Flaw::Delayed, "DELALLOC"),
            (Extent::ENCODED, Flaw::Encoded, "ENCODED"),
            (
                Extent::ENCODED | Extent::ENCRYPTED,
                Flaw::Encrypted,
                "ENCRYPTED",
            ),
            (Extent::INLINE | Extent::NOT_ALIGNED, Flaw::Inline, "INLINE"),
            (Extent::TAIL | Extent::NOT_ALIGNED, Flaw::Tail, "TAIL"),
            (Extent::NOT_ALIGNED, Flaw::Unaligned, "whole sectors"),
            (Extent::UNWRITTEN, Flaw::Unwritten, "UNWRITTEN"),
            (Extent::SHARED | Extent::LAST, Flaw::Shared, "SHARED"),
        ] {
            assert_eq!(judge(flags), flaw);
            assert!(flaw.to_string().contains(name), "{flaw}");
        }
        for odd in [
            extent(1, 4096, 4096, 0),
            extent(0, 4097, 4096, 0),
            extent(0, 4096, 100, Extent::LAST),
        ] {
            assert_eq!(
                pieces(&[odd], std::slice::from_ref(&ALL)),
                Err(Flaw::Unaligned)
            );
        }
    }

    #[test]
    fn what_is_not_content_may_be_unwritten() {
        let file = [
            extent(0, 8192, 1024, Extent::UNWRITTEN),
            extent(1024, 9216, 2048, Extent::MERGED),
            extent(3072, 512, 1024, Extent::UNWRITTEN | Extent::LAST),
        ];
        let found = pieces(&file, &[1024..2048, 2048..3072]).unwrap();
        let as_numbers = found.iter().map(|p| (p.offset, p.run.lba, p.run.sectors));
        assert_eq!(
            as_numbers.collect::<Vec<_>>(),
            [(0, 16, 2), (1024, 18, 4), (3072, 1, 2)]
        );
        for written in [1023..3072, 1024..3073] {
            assert_eq!(pieces(&file, &[1024..1025, written]), Err(Flaw::Unwritten));
        }
        assert!(pieces(&file, &[]).is_ok());
    }

    #[test]
    fn a_piece_that_is_several_on_the_disk_keeps_its_order() {
        let root = ["0 64 linear 8:1 384", "64 128 striped 2 16 8:5 1 8:1 1000"];
        let mapping = crate::block::mapping::tests::down("253:0", &root).unwrap();
        let piece = |offset, lba, sectors| Piece {
            offset,
            run: Run { lba, sectors },
        };
        assert_eq!(
            on_disk(&mapping, &[piece(4096, 50, 36), piece(0, 0, 8)]).unwrap(),
            [
                piece(4096, 2048 + 384 + 50, 14),
                piece(4096 + 14 * 512, 20_064, 16),
                piece(4096 + 30 * 512, 3048, 6),
                piece(0, 2048 + 384, 8),
            ]
        );
        let error = on_disk(&mapping, &[piece(0, 191, 2)])
            .unwrap_err()
            .to_string();
        let words = "vg-root has places that the device below it does not have";
        assert!(error.starts_with(words), "{error}");
        let lines = ["0 8 crypt x"];
        let error: Error = crate::block::mapping::tests::down("253:0", &lines)
            .unwrap_err()
            .into();
        let words = "below the file system lies vg-root, which is a device-mapper target of type \
                     crypt, neither linear nor striped: where its blocks lie";
        assert!(error.to_string().starts_with(words), "{error}");
    }

    #[test]
    fn a_part_has_places_or_a_hole() {
        let piece = |offset, lba, sectors| Piece {
            offset,
            run: Run { lba, sectors },
        };
        let file = [piece(0, 8, 2), piece(1024, 50, 2), piece(4096, 80, 8)];
        let at = |part: Range<u64>| {
            let runs = places(&file, &part)?;
            Ok(runs
                .iter()
                .map(|run| (run.lba, run.sectors))
                .collect::<Vec<_>>())
        };
        assert_eq!(at(0..2048), Ok(vec![(8, 2), (50, 2)]));
        assert_eq!(at(512..1025), Ok(vec![(9, 1), (50, 1)]));
        assert_eq!(at(4608..4609), Ok(vec![(81, 1)]));
        assert_eq!(at(0..0), Ok(vec![]));
        assert_eq!(at(1024..2049), Err(Flaw::Hole(2048)));
        assert_eq!(at(3000..5000), Err(Flaw::Hole(3000)));
        assert_eq!(at(4096..8193), Err(Flaw::Hole(8192)));
    }
}
