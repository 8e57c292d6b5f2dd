// SPDX-License-Identifier: MIT OR Apache-2.0
//! The parameters of the loader's stage 1, a boot sector of 512 bytes.
//!
//! At byte 0x160: `RPL1`; four letters, by which way it is started; four
//! entries of 20 bytes, each the packet of INT 13h AH=42h {u8 16, u8 0, u16
//! sectors, u16 offset, u16 segment, u64 lba} and a u32 CRC-32. They are blob
//! A, blob B, and the old boot sector at the end of each; the latter two are
//! zero when the way back to the old system is closed. Stage 1 goes through
//! them in this order (`loader/src/stage1.s`).

use crate::numbers::{u16_at, u32_at, u64_at};
use std::ops::Range;

/// Bytes of the sector.
pub const BYTES: usize = crate::run::SECTOR_LEN;
/// The most sectors that a blob may have: what every BIOS reads at once.
pub const MAX_SECTORS: u16 = 127;
/// What is not ours in the sector: where some BIOSes write as into a FAT's
/// parameters, and disk signature and partition table.
const KEPT: [Range<usize>; 2] = [0x03..0x5a, 0x1b8..0x1fe];
const PARAMETERS: usize = 0x160;
const MAGIC: &[u8; 4] = b"RPL1";
const ENTRY: usize = 20;
/// Offset and segment that a blob, and an old boot sector, is read to.
const BLOB: [u8; 4] = [0, 0, 0, 0x10];
const OLD: [u8; 4] = [0, 0x7c, 0, 0];

/// The parameters of stage 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootSector {
    /// What the kernel's command line gets as the way by which the machine was
    /// started: four letters of ASCII.
    pub start: [u8; 4],
    /// Where both blobs are.
    pub blobs: [BlobPlace; 2],
    /// CRC-32 of the old boot sector, which is the last sector of each blob: it
    /// is started when neither blob could start the kernel. `None` when the way
    /// back is closed.
    pub way_back: Option<u32>,
}

/// Where a blob is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobPlace {
    /// Its first sector, of 512 bytes.
    pub lba: u64,
    /// How many there are, 1 to [`MAX_SECTORS`].
    pub sectors: u16,
    /// CRC-32 (IEEE 802.3) of all of them.
    pub crc32: u32,
}

/// Why a sector is not the loader's, or cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BootSectorError {
    /// Not 512 bytes.
    #[error("a boot sector has {BYTES} bytes, these are {have}")]
    Length {
        /// Bytes that there are.
        have: usize,
    },
    /// Something else.
    #[error("this is not replant's boot sector")]
    NotOurs,
    /// The letters of the way are unknown.
    #[error("the way of the start has to be four letters of ASCII, not {0:?}")]
    Start([u8; 4]),
    /// A blob that stage 1 cannot read.
    #[error(
        "blob {number} has {sectors} sectors from {lba} on; it can have 1 to {MAX_SECTORS}, and \
         has to end before 2^64"
    )]
    BlobPlace {
        /// 1 or 2.
        number: usize,
        /// First sector.
        lba: u64,
        /// Number of sectors.
        sectors: u16,
    },
    /// An entry that is not as it would be written.
    #[error("entry {number} of replant's boot sector is damaged")]
    Entry {
        /// 1 to 4.
        number: usize,
    },
}

impl BlobPlace {
    /// The place of a blob with these bytes.
    ///
    /// # Errors
    /// When it is not a whole number of sectors that stage 1 can read.
    pub fn of(lba: u64, number: usize, blob: &[u8]) -> Result<BlobPlace, BootSectorError> {
        let sectors = u16::try_from(blob.len() / BYTES).unwrap_or(u16::MAX);
        let place = BlobPlace {
            lba,
            sectors,
            crc32: crate::checksum::crc32(blob),
        };
        if !blob.len().is_multiple_of(BYTES) {
            return Err(BootSectorError::Length { have: blob.len() });
        }
        place.check(number)?;
        Ok(place)
    }

    fn check(&self, number: usize) -> Result<(), BootSectorError> {
        let reads = (1..=MAX_SECTORS).contains(&self.sectors);
        let ends = self.lba.checked_add(u64::from(self.sectors)).is_some();
        (reads && ends)
            .then_some(())
            .ok_or(BootSectorError::BlobPlace {
                number,
                lba: self.lba,
                sectors: self.sectors,
            })
    }

    /// The old boot sector at its end.
    fn old_sector(&self, crc32: u32) -> BlobPlace {
        let before = u64::from(self.sectors.saturating_sub(1));
        BlobPlace {
            lba: self.lba.saturating_add(before),
            sectors: 1,
            crc32,
        }
    }

    fn encode(&self, address: [u8; 4]) -> [u8; ENTRY] {
        let mut entry = [0; ENTRY];
        let fields = [16, 0].into_iter().chain(self.sectors.to_le_bytes());
        let fields = fields.chain(address).chain(self.lba.to_le_bytes());
        for (to, from) in entry.iter_mut().zip(fields.chain(self.crc32.to_le_bytes())) {
            *to = from;
        }
        entry
    }

    fn decode(entry: &[u8]) -> Option<BlobPlace> {
        Some(BlobPlace {
            lba: u64_at(entry, 8)?,
            sectors: u16_at(entry, 2)?,
            crc32: u32_at(entry, 16)?,
        })
    }
}

impl BootSector {
    /// The sector: the loader's stage 1, with what is not ours from `kept`, the
    /// sector that was there before.
    ///
    /// # Errors
    /// When the way has no letters, or a blob's place cannot be read.
    pub fn encode(
        &self,
        stage1: &[u8; BYTES],
        kept: &[u8; BYTES],
    ) -> Result<[u8; BYTES], BootSectorError> {
        if !self.start.iter().all(u8::is_ascii_alphanumeric) {
            return Err(BootSectorError::Start(self.start));
        }
        for (number, place) in (1..).zip(&self.blobs) {
            place.check(number)?;
        }
        let mut sector = *stage1;
        for (at, (to, from)) in sector.iter_mut().zip(kept).enumerate() {
            if KEPT.iter().any(|range| range.contains(&at)) {
                *to = *from;
            }
        }
        let parameters = MAGIC.iter().chain(&self.start).copied();
        let parameters = parameters.chain(self.entries().into_iter().flatten());
        for (to, from) in sector.iter_mut().skip(PARAMETERS).zip(parameters) {
            *to = from;
        }
        Ok(sector)
    }

    fn entries(&self) -> [[u8; ENTRY]; 4] {
        let [a, b] = &self.blobs;
        let old = |blob: &BlobPlace| {
            let closed = [0; ENTRY];
            let place = self.way_back.map(|crc32| blob.old_sector(crc32));
            place.map_or(closed, |place| place.encode(OLD))
        };
        [a.encode(BLOB), b.encode(BLOB), old(a), old(b)]
    }

    /// Reads a sector. Its code is not looked at.
    ///
    /// # Errors
    /// When it is not the loader's, or its parameters are not as
    /// [`BootSector::encode`] writes them.
    pub fn decode(sector: &[u8]) -> Result<BootSector, BootSectorError> {
        let length = BootSectorError::Length { have: sector.len() };
        let sector: &[u8; BYTES] = sector.try_into().map_err(|_| length)?;
        let parameters = sector.get(PARAMETERS..).unwrap_or_default();
        let ours = parameters.strip_prefix(MAGIC).and_then(|rest| {
            let signed = sector.ends_with(&[0x55, 0xaa]);
            rest.split_first_chunk::<4>().filter(|_| signed)
        });
        let (start, entries) = ours.ok_or(BootSectorError::NotOurs)?;
        if !start.iter().all(u8::is_ascii_alphanumeric) {
            return Err(BootSectorError::Start(*start));
        }
        let entry = |number: usize| {
            let bytes = entries.chunks_exact(ENTRY).nth(number - 1);
            let damaged = BootSectorError::Entry { number };
            let bytes = bytes.ok_or(damaged.clone())?;
            Ok((bytes, BlobPlace::decode(bytes).ok_or(damaged)?))
        };
        let ((_, a), (_, b), (old, way_back)) = (entry(1)?, entry(2)?, entry(3)?);
        let open = old.iter().any(|byte| *byte != 0);
        let found = BootSector {
            start: *start,
            blobs: [a, b],
            way_back: open.then_some(way_back.crc32),
        };
        for (number, place) in (1..).zip(&found.blobs) {
            place.check(number)?;
        }
        for (number, expected) in (1..).zip(found.entries()) {
            if entry(number)?.0 != expected {
                return Err(BootSectorError::Entry { number });
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stage 1 of other bytes than what is kept.
    const STAGE1: [u8; BYTES] = {
        let mut code = [0x11; BYTES];
        code[510] = 0x55;
        code[511] = 0xaa;
        code
    };
    const KEPT_BYTES: [u8; BYTES] = [0x22; BYTES];

    fn sample() -> BootSector {
        BootSector {
            start: *b"disk",
            blobs: [
                BlobPlace {
                    lba: 0x0102_0304_0506_0708,
                    sectors: 127,
                    crc32: 0xa1a2_a3a4,
                },
                BlobPlace {
                    lba: 77,
                    sectors: 1,
                    crc32: 0xb1b2_b3b4,
                },
            ],
            way_back: Some(0xc1c2_c3c4),
        }
    }

    #[test]
    fn golden_bytes() {
        let sector = sample().encode(&STAGE1, &KEPT_BYTES).unwrap();
        #[rustfmt::skip]
        let parameters = [
            b'R', b'P', b'L', b'1', b'd', b'i', b's', b'k',
            16, 0, 127, 0, 0, 0, 0, 0x10, 8, 7, 6, 5, 4, 3, 2, 1, 0xa4, 0xa3, 0xa2, 0xa1,
            16, 0, 1, 0, 0, 0, 0, 0x10, 77, 0, 0, 0, 0, 0, 0, 0, 0xb4, 0xb3, 0xb2, 0xb1,
            16, 0, 1, 0, 0, 0x7c, 0, 0, 0x86, 7, 6, 5, 4, 3, 2, 1, 0xc4, 0xc3, 0xc2, 0xc1,
            16, 0, 1, 0, 0, 0x7c, 0, 0, 77, 0, 0, 0, 0, 0, 0, 0, 0xc4, 0xc3, 0xc2, 0xc1,
        ];
        assert_eq!(sector[0x160..0x1b8], parameters);
        assert_eq!(sector[..3], [0x11; 3]);
        assert_eq!(sector[3..0x5a], [0x22; 0x57]);
        assert_eq!(sector[0x5a..0x160], [0x11; 0x106]);
        assert_eq!(sector[0x1b8..0x1fe], [0x22; 70]);
        assert_eq!(sector[0x1fe..], [0x55, 0xaa]);
        assert_eq!(BootSector::decode(&sector), Ok(sample()));
    }

    #[test]
    fn a_closed_way_back() {
        let mut closed = sample();
        closed.way_back = None;
        let sector = closed.encode(&STAGE1, &KEPT_BYTES).unwrap();
        assert_eq!(sector[0x190..0x1b8], [0; 40]);
        assert_eq!(BootSector::decode(&sector), Ok(closed));
    }

    #[test]
    fn what_is_not_as_written() {
        let sector = sample().encode(&STAGE1, &KEPT_BYTES).unwrap();
        let decode = |at: usize, byte: u8| {
            let mut bad = sector;
            bad[at] = byte;
            BootSector::decode(&bad).unwrap_err()
        };
        assert_eq!(decode(0x160, b'r'), BootSectorError::NotOurs);
        assert_eq!(decode(0x1fe, 0), BootSectorError::NotOurs);
        assert_eq!(decode(0x164, 0), BootSectorError::Start(*b"\0isk"));
        for (at, number) in [(0x168, 1), (0x183, 2), (0x196, 3), (0x1a4, 4), (0x1b7, 4)] {
            let damaged = BootSectorError::Entry { number };
            assert_eq!(decode(at, 0x99), damaged, "{at:#x}");
        }
        let place = BootSectorError::BlobPlace {
            number: 2,
            lba: 77,
            sectors: 128,
        };
        assert_eq!(decode(0x17e, 128), place);
        assert_eq!(
            BootSector::decode(&sector[1..]),
            Err(BootSectorError::Length { have: 511 })
        );
    }

    #[test]
    fn what_cannot_be_read() {
        let error = |change: fn(&mut BootSector)| {
            let mut sector = sample();
            change(&mut sector);
            sector.encode(&STAGE1, &KEPT_BYTES).unwrap_err()
        };
        let place = |number, lba, sectors| BootSectorError::BlobPlace {
            number,
            lba,
            sectors,
        };
        assert_eq!(error(|s| s.blobs[1].sectors = 0), place(2, 77, 0));
        assert_eq!(error(|s| s.blobs[1].sectors = 128), place(2, 77, 128));
        let last = u64::MAX - 126;
        assert_eq!(
            error(|s| s.blobs[0].lba = u64::MAX - 126),
            place(1, last, 127)
        );
        assert_eq!(
            error(|s| s.start = *b"a b "),
            BootSectorError::Start(*b"a b ")
        );
        assert_eq!(
            BlobPlace::of(5, 1, &[0; 513]),
            Err(BootSectorError::Length { have: 513 })
        );
        assert_eq!(BlobPlace::of(5, 1, &[0; 128 * 512]), Err(place(1, 5, 128)));
        assert_eq!(BlobPlace::of(5, 1, &[]), Err(place(1, 5, 0)));
        let expected = BlobPlace {
            lba: 5,
            sectors: 2,
            crc32: 0xefb5_af2e,
        };
        assert_eq!(BlobPlace::of(5, 1, &[0; 1024]), Ok(expected));
    }
}
