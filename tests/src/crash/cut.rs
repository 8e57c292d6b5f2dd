// SPDX-License-Identifier: MIT OR Apache-2.0
//! Disks as a power cut can leave them.
//!
//! Flushed writes are on the disk. Of the writes completed since the last flush
//! any part may be there: each as a whole, in part (in units of 512 or of 4096
//! bytes), or not at all. A write that was completed as durable (FUA) is there.

use super::log::{Request, WriteLog};
use super::{SECTOR, Sectors};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use testkit::Random;

/// An image with all that is on the medium for certain, and what may be there.
pub struct Medium<'a> {
    log: &'a WriteLog,
    /// A copy of the disk as it was before the log began; it is written to.
    image: File,
    /// Requests before this one have been looked at.
    next: usize,
    /// Writes since the last flush.
    pending: Vec<Piece>,
}

/// A write, or a part of one, that may have reached the medium.
#[derive(Debug, Clone, Copy)]
struct Piece {
    lba: u64,
    sectors: u64,
    /// Where its data are in the log; none for zeros.
    at: Option<u64>,
    /// Whether it was on the medium when it was answered.
    durable: bool,
}

/// One disk that a cut can leave: the image, and above it what was written.
pub struct Cut<'a> {
    image: &'a File,
    above: BTreeMap<u64, [u8; SECTOR as usize]>,
}

impl Sectors for Cut<'_> {
    fn count(&self) -> u64 {
        self.image.count()
    }

    fn read(&self, lba: u64, sectors: u64) -> Vec<u8> {
        let mut bytes = self.image.read(lba, sectors);
        for (at, sector) in self.above.range(lba..lba.saturating_add(sectors)) {
            let start = (at - lba) as usize * SECTOR as usize;
            bytes[start..start + SECTOR as usize].copy_from_slice(sector);
        }
        bytes
    }
}

impl Cut<'_> {
    /// Makes a disk that is as the medium was now as the cut leaves it.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write_to(&self, disk: &File) {
        for (lba, sector) in &self.above {
            let written = disk.write_all_at(sector, lba * SECTOR);
            written.expect("the disk");
        }
    }
}

impl<'a> Medium<'a> {
    /// `image` is the disk before the log began; it is changed.
    pub fn new(log: &'a WriteLog, image: File) -> Medium<'a> {
        Medium {
            log,
            image,
            next: 0,
            pending: Vec::new(),
        }
    }

    /// How many requests have been looked at.
    pub fn position(&self) -> usize {
        self.next
    }

    /// Goes on to the next flush: what is before it may be there or not.
    /// `false` behind the last request.
    ///
    /// # Panics
    /// When the image cannot be written.
    pub fn advance(&mut self) -> bool {
        for piece in std::mem::take(&mut self.pending) {
            let bytes = self.bytes(&piece);
            let written = self.image.write_all_at(&bytes, piece.lba * SECTOR);
            written.expect("the image");
        }
        let first = self.next;
        while let Some(request) = self.log.requests.get(self.next) {
            self.next += 1;
            match *request {
                Request::Flush => return true,
                Request::Write {
                    lba,
                    sectors,
                    at,
                    durable,
                } => self.pending.push(Piece {
                    lba,
                    sectors,
                    at: Some(at),
                    durable,
                }),
                // What QEMU's disks return afterwards.
                Request::Discard { lba, sectors } => self.pending.push(Piece {
                    lba,
                    sectors,
                    at: None,
                    durable: false,
                }),
            }
        }
        self.next > first
    }

    /// Whether one of the writes that may be there is to this sector.
    pub fn writes_to(&self, lba: u64) -> bool {
        let mut pieces = self.pending.iter();
        pieces.any(|piece| (piece.lba..piece.lba + piece.sectors).contains(&lba))
    }

    /// How many writes may be there or not.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// The disk with the first `count` of them.
    pub fn prefix(&self, count: usize) -> Cut<'_> {
        let pieces = self.pending.iter().take(count).copied();
        self.cut(pieces.collect())
    }

    /// The disk after a cut at a random moment, with a random part of what was
    /// answered by then, in units of `unit` sectors (1 or 8).
    pub fn part(&self, unit: u64, random: &mut Random) -> Cut<'_> {
        let all = self.pending.len();
        let answered = match random.below(2) {
            0 => all,
            _ => random.below(all + 1),
        };
        let mut pieces = Vec::new();
        for piece in self.pending.iter().take(answered) {
            // A cut in the middle of everything is more telling than one that
            // loses each write by half.
            match random.below(4) {
                _ if piece.durable => pieces.push(*piece),
                0 => {}
                1 => pieces.push(*piece),
                _ => pieces.extend(piece.units(unit).filter(|_| random.below(2) == 0)),
            }
        }
        self.cut(pieces)
    }

    fn bytes(&self, piece: &Piece) -> Vec<u8> {
        match piece.at {
            Some(at) => self.log.data(at, piece.sectors),
            None => vec![0; (piece.sectors * SECTOR) as usize],
        }
    }

    fn cut(&self, pieces: Vec<Piece>) -> Cut<'_> {
        let mut above = BTreeMap::new();
        for piece in pieces {
            let bytes = self.bytes(&piece);
            let sectors = bytes.chunks_exact(SECTOR as usize);
            for (lba, sector) in (piece.lba..).zip(sectors) {
                above.insert(lba, sector.try_into().expect("a sector"));
            }
        }
        Cut {
            image: &self.image,
            above,
        }
    }
}

impl Piece {
    /// Its parts, as the disk's blocks of so many sectors divide it. What is
    /// written to LBA 0 is one block of a disk, and comes in one piece.
    fn units(&self, unit: u64) -> impl Iterator<Item = Piece> {
        let (start, end) = (self.lba, self.lba + self.sectors);
        let whole = start == 0 && self.sectors <= 8;
        let mut at = start;
        let piece = *self;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let next = match whole {
                true => end,
                false => (at / unit * unit + unit).min(end),
            };
            let part = Piece {
                lba: at,
                sectors: next - at,
                at: piece.at.map(|from| from + (at - start) * SECTOR),
                durable: piece.durable,
            };
            at = next;
            Some(part)
        })
    }
}
