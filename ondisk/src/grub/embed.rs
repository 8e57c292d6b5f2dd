// SPDX-License-Identifier: MIT OR Apache-2.0
//! GRUB's images on their way to the disk: what `grub-bios-setup --no-rs-codes`
//! writes, as two values, so that the boot sector can be written last and alone.
//!
//! Source: GRUB 2.06, `util/setup.c` (`SETUP`: BPB, drive check, partition table,
//! block list), `include/grub/i386/pc/boot.h` (the offsets in boot.img), and
//! `grub-core/boot/i386/pc/boot.S` (`boot_drive_check`). The offsets have been
//! the same since 2.00. Without Reed-Solomon codes the core image stays as
//! grub-mkimage made it but for its block list; they mend sectors that other
//! programs overwrite, which nobody does in a BIOS boot partition.

use super::image::{BootImage, CoreImage, ImageError, KERNEL_SECTOR_AT, LIST_AT, RUN_SIZE, Run};
use crate::run::SECTOR_LEN;
use std::ops::Range;

/// The BIOS parameter block, which boot.img leaves alone (`BPB_START`, `BPB_END`).
const BPB: Range<usize> = 0x3..0x5a;
/// A jump over the check that DL is a hard disk (`DRIVE_CHECK`). On hard disks
/// it becomes two NOPs, for some BIOSes pass 0 or 1.
const DRIVE_CHECK: Range<usize> = 0x66..0x68;
const NOPS: [u8; 2] = [0x90, 0x90];
/// The opcode of a short jump.
const JUMP: u8 = 0xeb;
/// Disk signature and partition entries (`WINDOWS_NT_MAGIC`, `PART_END`).
const TABLE: Range<usize> = 0x1b8..0x1fe;
/// Where the second sector of a core image is loaded to, as a segment:
/// `GRUB_BOOT_I386_PC_KERNEL_SEG` is that of the first one.
const SEGMENT: u16 = 0x820;
/// More sectors than a core image may have: from `GRUB_KERNEL_I386_PC_LINK_ADDR`
/// up to where the BIOS's own memory may begin.
const MAX_SECTORS: usize = (0x78000 - 0x9000) / SECTOR_LEN;

/// Why images cannot be put on a disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmbedError {
    /// What should be an image is none.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// boot.img has something else where its drive check should be.
    #[error(
        "boot.img has the bytes {0:02x?} in place of its drive check: it is not that of a GRUB \
         for BIOS from version 2.00 on"
    )]
    DriveCheck([u8; 2]),
    /// A core image of one sector only, or one that does not fit into memory.
    #[error("core.img has {sectors} sectors, 2 to {MAX_SECTORS} are possible")]
    Size {
        /// Sectors of 512 bytes that it needs.
        sectors: usize,
    },
    /// A place that is too small.
    #[error("core.img needs {sectors} sectors, its place has {room}")]
    Room {
        /// Sectors of 512 bytes that it needs.
        sectors: u64,
        /// Sectors that there are.
        room: u64,
    },
    /// A block list that reaches into the code before it.
    #[error("the block list of core.img is damaged; install GRUB again")]
    BlockList,
}

/// The bytes of a core image for the start of `place` (sectors of 512 bytes of
/// the disk: the BIOS boot partition): whole sectors, with the block list of
/// that place. `core_img` is a file as grub-mkimage makes it.
///
/// # Errors
/// What is no core image, or does not fit.
pub fn embed_core(core_img: &[u8], place: Range<u64>) -> Result<Vec<u8>, EmbedError> {
    CoreImage::parse(core_img, place.start)?;
    let mut bytes = core_img.to_vec();
    bytes.resize(bytes.len().next_multiple_of(SECTOR_LEN), 0);
    let sectors = bytes.len() / SECTOR_LEN;
    let size = EmbedError::Size { sectors };
    if !(2..=MAX_SECTORS).contains(&sectors) {
        return Err(size);
    }
    let count = u16::try_from(sectors - 1).map_err(|_| size)?;
    let (sectors, room) = (u64::from(count) + 1, place.end.saturating_sub(place.start));
    if sectors > room {
        return Err(EmbedError::Room { sectors, room });
    }
    // All runs of another place go, then there is one.
    let mut at = LIST_AT;
    loop {
        let entry = bytes.get_mut(at..).and_then(|b| b.get_mut(..RUN_SIZE));
        let entry = entry.ok_or(EmbedError::BlockList)?;
        let was_last = entry.get(8..10) == Some(&[0, 0]);
        if at == LIST_AT {
            let run = Run {
                // Within the place, so below its end.
                start: place.start.saturating_add(1),
                count,
                segment: SEGMENT,
            };
            put(entry, 0, &run.start.to_le_bytes());
            put(entry, 8, &run.count.to_le_bytes());
            put(entry, 10, &run.segment.to_le_bytes());
        } else {
            entry.fill(0);
        }
        if was_last {
            break;
        }
        at = at.checked_sub(RUN_SIZE).ok_or(EmbedError::BlockList)?;
    }
    // A list that reached into the code took a part of it along.
    match CoreImage::parse(&bytes, place.start) {
        Ok(_) => Ok(bytes),
        Err(_) => Err(EmbedError::BlockList),
    }
}

/// Sector 0 that starts the core image at `core_sector`: `boot_img` with the
/// BIOS parameter block of `bpb` and disk signature and entries of `table`,
/// with their active flags. Both are a sector 0 of this disk, and the same one
/// when GRUB's own program does it; where another loader lies in between, the
/// BPB is in the one from before. The drive is the one that the BIOS started
/// (0xff in boot.img).
///
/// # Errors
/// What is no boot.img, or fewer than 512 bytes.
pub fn embed_boot(
    boot_img: &[u8],
    bpb: &[u8],
    table: &[u8],
    core_sector: u64,
) -> Result<[u8; SECTOR_LEN], EmbedError> {
    BootImage::parse(boot_img)?;
    let short = |what, bytes: &[u8]| ImageError::TooShort {
        what,
        have: bytes.len(),
    };
    let first = |what, bytes: &[u8]| -> Result<[u8; SECTOR_LEN], ImageError> {
        let sector = bytes.first_chunk::<SECTOR_LEN>().copied();
        sector.ok_or_else(|| short(what, bytes))
    };
    let mut sector = first("boot.img", boot_img)?;
    let [bpb, table] = [
        (first("the sector 0 with the BPB", bpb)?, BPB),
        (first("the sector 0 with the table", table)?, TABLE),
    ];
    for (from, range) in [bpb, table] {
        let bytes = from.get(range.clone()).unwrap_or_default();
        put(&mut sector, range.start, bytes);
    }
    let check = sector.get(DRIVE_CHECK).and_then(<[u8]>::first_chunk);
    match check.copied().unwrap_or_default() {
        NOPS | [JUMP, _] => put(&mut sector, DRIVE_CHECK.start, &NOPS),
        other => return Err(EmbedError::DriveCheck(other)),
    }
    put(&mut sector, KERNEL_SECTOR_AT, &core_sector.to_le_bytes());
    BootImage::parse(&sector)?;
    Ok(sector)
}

fn put(bytes: &mut [u8], at: usize, what: &[u8]) {
    for (to, from) in bytes.iter_mut().skip(at).zip(what) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOT: &[u8; 512] = include_bytes!("../../tests/fixtures/grub/gpt-boot.img");
    const CORE: &[u8; 512] = include_bytes!("../../tests/fixtures/grub/gpt-core-2048.img");

    /// What an installed GRUB has in its first sectors comes out again, and
    /// is read back, wherever it goes.
    #[test]
    fn what_is_installed_stays_the_same() {
        assert_eq!(embed_boot(BOOT, BOOT, BOOT, 2048), Ok(*BOOT));
        let mut core = CORE.to_vec();
        core.resize(105 * 512 + 9, 7);
        let whole = embed_core(&core, 2048..2048 + 106).unwrap();
        assert_eq!(whole.len(), 106 * 512);
        assert!(whole[..512] == *CORE && whole[core.len()..].iter().all(|b| *b == 0));
        let elsewhere = embed_core(&core, 1 << 40..1 << 41).unwrap();
        assert!(elsewhere[512..] == whole[512..]);
        let image = CoreImage::parse(&elsewhere, 1 << 40).unwrap();
        let (start, count, segment) = ((1 << 40) + 1, 105, 0x820);
        assert_eq!(
            image.runs,
            [Run {
                start,
                count,
                segment
            }]
        );
        let boot = embed_boot(BOOT, &[3; 512], &[0x80; 512], 1 << 40).unwrap();
        let parsed = BootImage::parse(&boot).unwrap();
        assert_eq!((parsed.core_sector, parsed.boot_drive), (1 << 40, 0xff));
        assert!(boot[BPB].iter().all(|b| *b == 3) && boot[TABLE].iter().all(|b| *b == 0x80));
        assert!(boot[0x68..0x1b8] == BOOT[0x68..0x1b8]);
    }

    /// A list of many runs, as for a core image in a file system, becomes one.
    #[test]
    fn older_runs_go() {
        let mut core = CORE.to_vec();
        core.resize(1024, 0);
        for run in 1..5 {
            core[LIST_AT - run * RUN_SIZE..][..RUN_SIZE].fill(run as u8);
        }
        let bytes = embed_core(&core, 63..100).unwrap();
        assert_eq!(CoreImage::parse(&bytes, 63).unwrap().runs.len(), 1);
        assert!(
            bytes[LIST_AT - 4 * RUN_SIZE..LIST_AT]
                .iter()
                .all(|b| *b == 0)
        );
        assert!(bytes[..LIST_AT - 4 * RUN_SIZE] == CORE[..LIST_AT - 4 * RUN_SIZE]);
    }

    #[test]
    fn what_is_no_image_or_does_not_fit_is_refused() {
        let sized = |bytes| {
            let mut core = CORE.to_vec();
            core.resize(bytes, 0);
            core
        };
        let size = |sectors| Err(EmbedError::Size { sectors });
        assert_eq!(embed_core(&sized(512), 0..10), size(1));
        assert_eq!(embed_core(&sized(888 * 512 + 1), 0..1000), size(889));
        assert!(embed_core(&sized(888 * 512), 0..1000).is_ok());
        let (sectors, room) = (4, 3);
        assert_eq!(
            embed_core(&sized(1537), 7..10),
            Err(EmbedError::Room { sectors, room })
        );
        let none = EmbedError::Image(ImageError::NoCoreImage { sector: 7 });
        assert_eq!(embed_core(&[0; 2048], 7..99), Err(none));
        let none = EmbedError::Image(ImageError::NoBootImage);
        assert_eq!(embed_boot(&[0; 512], BOOT, BOOT, 1), Err(none));
        for [boot, bpb, table] in [
            [&BOOT[..511], BOOT, BOOT],
            [BOOT, &BOOT[..511], BOOT],
            [BOOT, BOOT, &BOOT[..511]],
        ] {
            let short = embed_boot(boot, bpb, table, 1);
            assert!(matches!(
                short,
                Err(EmbedError::Image(ImageError::TooShort { .. }))
            ));
        }
        let mut odd = *BOOT;
        odd[0x66] = 0xf6;
        assert_eq!(
            embed_boot(&odd, BOOT, BOOT, 1),
            Err(EmbedError::DriveCheck([0xf6, 0x90]))
        );
    }
}
