// SPDX-License-Identifier: MIT OR Apache-2.0
//! GRUB's boot.img in sector 0 and its core image: where they point.
//!
//! boot.img loads one sector, whose number is at byte 0x5c; that sector
//! (diskboot.img) loads the rest of the core image by a block list that grows
//! downward from byte 0x1f4 (GRUB 2.06, boot/i386/pc/boot.S and diskboot.S).
//! Sectors have 512 bytes and count from the start of the disk.

use crate::numbers::{u16_at, u64_at};
use crate::run::SECTOR_LEN;
use std::{fmt, ops::Range};

/// Where boot.img has the core image's first sector.
pub(super) const KERNEL_SECTOR_AT: usize = 0x5c;
/// Where the first entry of the block list is, and the size of an entry.
pub(super) const LIST_AT: usize = 0x1f4;
pub(super) const RUN_SIZE: usize = 12;
/// More runs than diskboot.img has room for above its code.
const MAX_RUNS: usize = 14;

/// Why a machine would not boot through GRUB from this disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// Fewer than 512 bytes.
    #[error("{what} is cut off after {have} bytes")]
    TooShort {
        /// Which sector.
        what: &'static str,
        /// Bytes that there are.
        have: usize,
    },
    /// Sector 0 is not GRUB's.
    #[error(
        "sector 0 is not GRUB's boot.img: GRUB is not installed on this disk; run grub-install"
    )]
    NoBootImage,
    /// boot.img does not lead to a core image.
    #[error(
        "boot.img points to sector {sector}, where no GRUB core image starts; run grub-install"
    )]
    NoCoreImage {
        /// Where boot.img points.
        sector: u64,
    },
    /// A block list without an end, or with a run of no sectors first.
    #[error(
        "the block list of the GRUB core image at sector {sector} is damaged; run grub-install"
    )]
    BlockList {
        /// Where the core image starts.
        sector: u64,
    },
    /// Part of the core image lies where it may be overwritten.
    #[error(
        "GRUB's core image uses sectors {start} to {last}, outside of its place, sectors \
         {allowed_start} to {allowed_last}; run grub-install", last = end.saturating_sub(1),
        allowed_last = allowed_end.saturating_sub(1)
    )]
    Outside {
        /// First sector of the run.
        start: u64,
        /// The sector after it.
        end: u64,
        /// First sector that it may use.
        allowed_start: u64,
        /// The sector after those that it may use.
        allowed_end: u64,
    },
    /// The disk could not be read.
    #[error("cannot read sector {sector}: {reason}")]
    Read {
        /// Which sector of 512 bytes.
        sector: u64,
        /// The reader's own words.
        reason: String,
    },
}

/// GRUB's boot.img, as in sector 0 of a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootImage {
    /// First sector of the core image.
    pub core_sector: u64,
    /// BIOS drive to load it from; 0xff is the one that the BIOS booted from.
    pub boot_drive: u8,
}

impl BootImage {
    /// Reads sector 0.
    ///
    /// # Errors
    /// [`ImageError::NoBootImage`] if another boot loader, or none, is there.
    pub fn parse(sector_0: &[u8]) -> Result<BootImage, ImageError> {
        let sector = sector(sector_0, "sector 0")?;
        let is_grub = sector.first() == Some(&0xeb)
            && sector.ends_with(&[0x55, 0xaa])
            && contains(sector, b"GRUB \0Geom\0Hard Disk\0Read\0 Error");
        let core_sector = u64_at(sector, KERNEL_SECTOR_AT).filter(|_| is_grub);
        Ok(BootImage {
            core_sector: core_sector.ok_or(ImageError::NoBootImage)?,
            boot_drive: sector.get(0x64).copied().ok_or(ImageError::NoBootImage)?,
        })
    }
}

/// Consecutive sectors that diskboot.img loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// First sector.
    pub start: u64,
    /// Number of sectors.
    pub count: u16,
    /// Real-mode segment that it is loaded to.
    pub segment: u16,
}

impl Run {
    /// Its sectors: first, and the one after the last.
    pub fn sectors(&self) -> Range<u64> {
        self.start..self.start.saturating_add(self.count.into())
    }
}

/// A core image on a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreImage {
    /// Its first sector, which has the block list.
    pub sector: u64,
    /// The rest of it.
    pub runs: Vec<Run>,
}

impl CoreImage {
    /// Reads the first sector of a core image, which is sector `number`.
    pub fn parse(bytes: &[u8], number: u64) -> Result<CoreImage, ImageError> {
        let sector = sector(bytes, "the first sector of GRUB's core image")?;
        if !contains(sector, b"loading\0") || !contains(sector, b"Geom\0Read\0 Error") {
            return Err(ImageError::NoCoreImage { sector: number });
        }
        let mut runs = Vec::new();
        for i in 0..=MAX_RUNS {
            let at = LIST_AT - i * RUN_SIZE;
            let run = (|| {
                Some(Run {
                    start: u64_at(sector, at)?,
                    count: u16_at(sector, at + 8)?,
                    segment: u16_at(sector, at + 10)?,
                })
            })();
            match run {
                Some(run) if run.count != 0 => runs.push(run),
                Some(_) if !runs.is_empty() => {
                    return Ok(CoreImage {
                        sector: number,
                        runs,
                    });
                }
                _ => break,
            }
        }
        Err(ImageError::BlockList { sector: number })
    }

    /// Follows boot.img to the core image and checks that all of it lies
    /// within the sectors `allowed` (the BIOS boot partition, or the gap
    /// before the first partition). `read` fills a buffer of 512 bytes from a
    /// byte offset.
    pub fn verify<E: fmt::Display>(
        allowed: Range<u64>,
        mut read: impl FnMut(u64, &mut [u8]) -> Result<(), E>,
    ) -> Result<CoreImage, ImageError> {
        let mut load = |number: u64| {
            let mut bytes = [0; SECTOR_LEN];
            read(number.saturating_mul(SECTOR_LEN as u64), &mut bytes).map_err(|e| {
                ImageError::Read {
                    sector: number,
                    reason: e.to_string(),
                }
            })?;
            Ok(bytes)
        };
        let boot = BootImage::parse(&load(0)?)?;
        let within = |sectors: Range<u64>| {
            if sectors.start >= allowed.start && sectors.end <= allowed.end {
                return Ok(());
            }
            Err(ImageError::Outside {
                start: sectors.start,
                end: sectors.end,
                allowed_start: allowed.start,
                allowed_end: allowed.end,
            })
        };
        within(boot.core_sector..boot.core_sector.saturating_add(1))?;
        let core = CoreImage::parse(&load(boot.core_sector)?, boot.core_sector)?;
        core.runs.iter().try_for_each(|run| within(run.sectors()))?;
        Ok(core)
    }
}

fn sector<'a>(bytes: &'a [u8], what: &'static str) -> Result<&'a [u8], ImageError> {
    bytes.get(..SECTOR_LEN).ok_or(ImageError::TooShort {
        what,
        have: bytes.len(),
    })
}

fn contains(sector: &[u8], text: &[u8]) -> bool {
    sector.windows(text.len()).any(|w| w == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOT: &[u8; 512] = include_bytes!("../../tests/fixtures/grub/gpt-boot.img");
    const CORE: &[u8; 512] = include_bytes!("../../tests/fixtures/grub/gpt-core-2048.img");

    fn verify(boot: &[u8], core: &[u8], allowed: Range<u64>) -> Result<CoreImage, ImageError> {
        CoreImage::verify(allowed, |offset, buffer: &mut [u8]| {
            buffer.copy_from_slice(match offset {
                0 => boot,
                0x10_0000 => core,
                _ => return Err("bad sector"),
            });
            Ok(())
        })
    }

    #[test]
    fn an_installed_grub() {
        assert_eq!(
            BootImage::parse(BOOT),
            Ok(BootImage {
                core_sector: 2048,
                boot_drive: 0xff
            })
        );
        let core = verify(BOOT, CORE, 2048..6144).unwrap();
        assert_eq!(core.sector, 2048);
        assert_eq!(
            core.runs,
            [Run {
                start: 2049,
                count: 105,
                segment: 0x0820
            }]
        );
        assert_eq!(verify(BOOT, CORE, 2048..2154), Ok(core));
    }

    #[test]
    fn images_out_of_their_place() {
        let outside = |start, end, allowed: Range<u64>| {
            let want = ImageError::Outside {
                start,
                end,
                allowed_start: allowed.start,
                allowed_end: allowed.end,
            };
            assert_eq!(verify(BOOT, CORE, allowed), Err(want));
        };
        outside(2049, 2154, 2048..2153);
        outside(2048, 2049, 2049..6144);
        outside(2048, 2049, 1..63);
    }

    #[test]
    fn no_grub_or_half_of_it() {
        assert_eq!(BootImage::parse(&[0; 512]), Err(ImageError::NoBootImage));
        assert!(matches!(
            BootImage::parse(&BOOT[..511]),
            Err(ImageError::TooShort { .. })
        ));
        let no_core = verify(BOOT, &[0; 512], 2048..6144);
        assert_eq!(no_core, Err(ImageError::NoCoreImage { sector: 2048 }));
        let mut core = *CORE;
        core[LIST_AT + 8] = 0;
        assert_eq!(
            verify(BOOT, &core, 2048..6144),
            Err(ImageError::BlockList { sector: 2048 })
        );
        for i in 0..=MAX_RUNS {
            core[LIST_AT + 8 - i * RUN_SIZE] = 1;
        }
        assert_eq!(
            verify(BOOT, &core, 2048..6144),
            Err(ImageError::BlockList { sector: 2048 })
        );
        let mut boot = *BOOT;
        boot[KERNEL_SECTOR_AT] = 1;
        assert!(matches!(
            verify(&boot, CORE, 2048..6144),
            Err(ImageError::Read { .. })
        ));
        boot[KERNEL_SECTOR_AT..KERNEL_SECTOR_AT + 8].fill(0xff);
        assert!(matches!(
            verify(&boot, CORE, 2048..6144),
            Err(ImageError::Outside { .. })
        ));
    }
}
