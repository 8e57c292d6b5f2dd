// SPDX-License-Identifier: MIT OR Apache-2.0
//! The boot loader that brings the tiny system back after a power cut, on
//! machines with a BIOS.
//!
//! Two stages of 16-bit code. [`STAGE1`] is a boot sector: it lies in LBA 0,
//! or in a file that GRUB's `chainloader` starts. It reads a *blob* of up to
//! 127 sectors, looks at its CRC-32, and calls [`STAGE2`], which is the blob's
//! beginning. That carries out the blob's load table and starts the kernel.
//! Both decide nothing: what lies where is computed, and put around these
//! bytes, by `ondisk::lifeboat`.
//!
//! The code is assembled into this crate's constants, so whoever uses it has
//! the bytes without a file, a linker of its own or a second build. For that
//! it has no relocations: each address in it is a difference of two labels of
//! the same stage.
#![cfg_attr(not(test), no_std)]

use core::arch::global_asm;

global_asm!(include_str!("stage1.s"), options(att_syntax, raw));
global_asm!(include_str!("stage2.s"), options(att_syntax, raw));

/// Bytes of stage 1: a sector.
pub const STAGE1_BYTES: usize = 512;
/// Bytes of stage 2, a whole number of sectors. The assembler fails when the
/// code does not fit.
pub const STAGE2_BYTES: usize = 2048;

// SAFETY: both symbols are made by the files above, in a section that is only
// read, and with these sizes: the `.org` at the end of each sees to that.
unsafe extern "C" {
    /// The boot sector, without the parameters that `ondisk::lifeboat` adds.
    #[link_name = "replant_loader_stage1"]
    pub safe static STAGE1: [u8; STAGE1_BYTES];
    /// The beginning of a blob, without the header's values.
    #[link_name = "replant_loader_stage2"]
    pub safe static STAGE2: [u8; STAGE2_BYTES];
}

#[cfg(test)]
mod tests {
    use super::*;
    use ondisk::lifeboat::boot_sector::BlobPlace;
    use ondisk::lifeboat::{BootSector, BootSectorError};

    #[test]
    fn stage1_leaves_others_their_bytes() {
        assert_eq!(STAGE1[..3], [0xeb, 0x58, 0x90]);
        assert!(STAGE1[3..0x5a].iter().all(|byte| *byte == 0));
        assert!(STAGE1[0x1b8..0x1fe].iter().all(|byte| *byte == 0));
        assert_eq!(STAGE1[0x1fe..], [0x55, 0xaa]);
    }

    /// The parameters of stage 1 are where ondisk looks for them.
    #[test]
    fn parameters() {
        let no_blob = BootSectorError::BlobPlace {
            number: 1,
            lba: 0,
            sectors: 0,
        };
        assert_eq!(BootSector::decode(&STAGE1), Err(no_blob));
        let place = BlobPlace {
            lba: 1,
            sectors: 2,
            crc32: 3,
        };
        let sector = BootSector {
            start: *b"file",
            blobs: [place; 2],
            way_back: Some(4),
        };
        let bytes = sector.encode(&STAGE1, &[0; 512]).unwrap();
        assert_eq!(bytes[..0x164], STAGE1[..0x164]);
        assert_eq!(BootSector::decode(&bytes), Ok(sector));
    }

    /// The code's jump leads over the header.
    #[test]
    fn stage2_has_room_for_its_header() {
        assert_eq!(STAGE2[..2], [0xeb, 0x5e]);
        assert_eq!(STAGE2[4..8], *b"RPL2");
        assert!(STAGE2[8..0x60].iter().all(|byte| *byte == 0));
        assert_ne!(STAGE2[0x60], 0);
    }
}
