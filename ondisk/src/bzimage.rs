// SPDX-License-Identifier: MIT OR Apache-2.0
//! The header of an x86 kernel image (vmlinuz, bzImage): what a boot loader has
//! to know of it.
//!
//! Source: the kernel's Documentation/arch/x86/boot.rst.

use crate::run::SECTOR_LEN;
use std::ops::Range;

/// Bytes that are read of the header; with protocol 2.10 all are there.
const HEADER: usize = 0x264;
/// The version of the boot protocol since which `pref_address` and `init_size`
/// are there: Linux 2.6.31.
const PROTOCOL: u16 = 0x020a;
/// `loadflags`: the kernel is loaded to 1 MiB.
const LOADED_HIGH: u8 = 1;
/// Where a kernel is loaded to, whatever address it prefers: it moves itself.
pub const LOAD_ADDRESS: u32 = 0x10_0000;

/// The header of a kernel image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BzImage {
    /// Version of the boot protocol: 0x020f is 2.15.
    pub protocol: u16,
    /// Bytes of the boot sector and the setup, which run in real mode; the rest
    /// of the file is loaded to [`LOAD_ADDRESS`].
    pub setup_bytes: usize,
    /// The highest address of the initramfs's last byte.
    pub initrd_addr_max: u32,
    /// Longest command line in bytes, without the NUL.
    pub cmdline_size: u32,
    /// Alignment of the kernel in memory, in bytes.
    pub kernel_alignment: u32,
    /// Whether it runs at other addresses than the one that it prefers.
    pub relocatable: bool,
    /// Memory that the kernel takes before it knows what else is in use: from
    /// the address that it prefers, as many bytes as it needs for that.
    pub takes: Range<u32>,
}

/// Why a file is no kernel image that can be booted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BzImageError {
    /// No `HdrS`.
    #[error("it has no header of an x86 Linux kernel")]
    NoHeader,
    /// Fewer bytes than header and setup have.
    #[error("its header is cut off: {have} bytes of {wanted}")]
    CutOff {
        /// Bytes that there are.
        have: usize,
        /// Bytes that are needed.
        wanted: usize,
    },
    /// Too old a boot protocol.
    #[error("it has boot protocol {}.{}, 2.10 or later is needed (Linux 2.6.31)", .0 >> 8, .0 & 0xff)]
    Protocol(u16),
    /// A kernel for the first 640 KiB.
    #[error("it is a zImage, which is loaded below 1 MiB; a bzImage is needed")]
    LoadedLow,
    /// Numbers that contradict each other.
    #[error("it says that it needs {size} bytes of memory from {address:#x} on")]
    Memory {
        /// `pref_address`
        address: u64,
        /// `init_size`
        size: u32,
    },
    /// No version.
    #[error("its header has no version")]
    NoVersion,
    /// A version that is not a word.
    #[error("its version {0}")]
    Version(&'static str),
}

impl BzImage {
    /// Reads the first bytes of a kernel image, at least its whole setup
    /// ([`BzImage::HEAD`] bytes are enough for any).
    ///
    /// # Errors
    /// When it is none, or one that is not loaded to 1 MiB by boot protocol
    /// 2.10 or later.
    pub fn parse(image: &[u8]) -> Result<BzImage, BzImageError> {
        has_magic(image)?;
        let cut_off = |wanted| BzImageError::CutOff {
            have: image.len(),
            wanted,
        };
        let header: &[u8; HEADER] = image.first_chunk().ok_or(cut_off(HEADER))?;
        let protocol = u16_at(header, 0x206);
        if protocol < PROTOCOL {
            return Err(BzImageError::Protocol(protocol));
        }
        // 0 means 4, for old boot loaders' sake.
        let sectors = match header.get(0x1f1) {
            None | Some(0) => 4,
            Some(sectors) => usize::from(*sectors),
        };
        let setup_bytes = (sectors + 1) * SECTOR_LEN;
        if image.len() < setup_bytes.max(HEADER) {
            return Err(cut_off(setup_bytes.max(HEADER)));
        }
        let flag = |at: usize| header.get(at).copied().unwrap_or_default();
        if flag(0x211) & LOADED_HIGH == 0 {
            return Err(BzImageError::LoadedLow);
        }
        let (low, high) = (u32_at(header, 0x258), u32_at(header, 0x25c));
        let size = u32_at(header, 0x260);
        let end = low.checked_add(size).filter(|end| high == 0 && *end > low);
        let end = end.ok_or(BzImageError::Memory {
            address: u64::from(high) << 32 | u64::from(low),
            size,
        })?;
        Ok(BzImage {
            protocol,
            setup_bytes,
            initrd_addr_max: u32_at(header, 0x22c),
            cmdline_size: u32_at(header, 0x238),
            kernel_alignment: u32_at(header, 0x230),
            relocatable: flag(0x234) != 0,
            takes: low..end,
        })
    }

    /// Bytes at the start of an image in which any setup ends.
    pub const HEAD: usize = 256 * SECTOR_LEN;
}

/// The kernel's version, as `uname -r` prints it.
///
/// # Errors
/// When the image is none, or has no version that can name a file.
pub fn version(image: &[u8]) -> Result<String, BzImageError> {
    has_magic(image)?;
    let at = image.get(0x20e..).and_then(<[u8]>::first_chunk);
    let at = at.map(|at| usize::from(u16::from_le_bytes(*at)));
    let at = at.ok_or(BzImageError::CutOff {
        have: image.len(),
        wanted: HEADER,
    })?;
    if at == 0 {
        return Err(BzImageError::NoVersion);
    }
    let cut_off = BzImageError::Version("is cut off");
    let text = image.get(at + 0x200..).ok_or(cut_off)?;
    // `6.1.0-13-amd64 (debian-kernel@lists.debian.org) #1 SMP ...`, ended by NUL.
    let end = text
        .iter()
        .take(256)
        .position(|byte| matches!(byte, 0 | b' '));
    let word = end.and_then(|end| text.get(..end));
    let word = word.ok_or(BzImageError::Version("has no end"))?;
    match std::str::from_utf8(word) {
        Ok(word) if !word.is_empty() && !word.contains('/') => Ok(word.to_owned()),
        _ => Err(BzImageError::Version("is not a text")),
    }
}

fn has_magic(image: &[u8]) -> Result<(), BzImageError> {
    let magic = image.get(0x202..0x206);
    (magic == Some(b"HdrS"))
        .then_some(())
        .ok_or(BzImageError::NoHeader)
}

fn u16_at(header: &[u8; HEADER], at: usize) -> u16 {
    let bytes = header.get(at..).and_then(<[u8]>::first_chunk);
    bytes.map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(header: &[u8; HEADER], at: usize) -> u32 {
    let bytes = header.get(at..).and_then(<[u8]>::first_chunk);
    bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first bytes of linux-image-6.1.0-56-amd64 of Debian 12.
    fn debian() -> Vec<u8> {
        let mut image = vec![0; 40 * 512];
        let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
        put(0x1f1, &[39]);
        put(0x202, b"HdrS\x0f\x02");
        put(0x20e, &0x200u16.to_le_bytes());
        put(0x211, &[1]);
        put(0x22c, &0x7fff_ffffu32.to_le_bytes());
        put(0x230, &0x20_0000u32.to_le_bytes());
        put(0x234, &[1]);
        put(0x238, &2047u32.to_le_bytes());
        put(0x258, &0x100_0000u64.to_le_bytes());
        put(0x260, &0x3f9_8000u32.to_le_bytes());
        put(
            0x400,
            b"6.1.0-56-amd64 (debian-kernel@lists.debian.org) #1\0",
        );
        image
    }

    #[test]
    fn a_header() {
        let expected = BzImage {
            protocol: 0x20f,
            setup_bytes: 20480,
            initrd_addr_max: 0x7fff_ffff,
            cmdline_size: 2047,
            kernel_alignment: 0x20_0000,
            relocatable: true,
            takes: 0x100_0000..0x4f9_8000,
        };
        assert_eq!(BzImage::parse(&debian()), Ok(expected));
        let mut old = debian();
        old[0x1f1] = 0;
        assert_eq!(BzImage::parse(&old).unwrap().setup_bytes, 5 * 512);
    }

    #[test]
    fn what_cannot_be_booted() {
        let parse = |change: fn(&mut Vec<u8>)| {
            let mut image = debian();
            change(&mut image);
            BzImage::parse(&image).unwrap_err()
        };
        assert_eq!(parse(|i| i[0x202] = b'h'), BzImageError::NoHeader);
        assert_eq!(parse(|i| i.truncate(0x203)), BzImageError::NoHeader);
        let cut_off = |have, wanted| BzImageError::CutOff { have, wanted };
        assert_eq!(parse(|i| i.truncate(0x263)), cut_off(0x263, 0x264));
        assert_eq!(parse(|i| i.truncate(20479)), cut_off(20479, 20480));
        let old = parse(|i| i[0x206] = 9);
        assert_eq!(old, BzImageError::Protocol(0x209));
        assert!(old.to_string().contains("protocol 2.9, 2.10"), "{old}");
        assert_eq!(parse(|i| i[0x211] = 0x80), BzImageError::LoadedLow);
        let memory = |address, size| BzImageError::Memory { address, size };
        assert_eq!(parse(|i| i[0x25c] = 1), memory(0x1_0100_0000, 0x3f9_8000));
        assert_eq!(parse(|i| i[0x260..0x264].fill(0)), memory(0x100_0000, 0));
        assert_eq!(
            parse(|i| i[0x260..0x264].fill(0xff)),
            memory(0x100_0000, u32::MAX)
        );
    }

    #[test]
    fn versions() {
        let image = |text: &[u8]| {
            let mut image = debian();
            image.truncate(0x400);
            image.extend_from_slice(text);
            image
        };
        assert_eq!(version(&debian()).unwrap(), "6.1.0-56-amd64");
        assert_eq!(version(&image(b"5.14\0")).unwrap(), "5.14");
        for bad in [&b"5.14"[..], b"../x\0", b"\0", b"\xff\0", b""] {
            assert!(version(&image(bad)).is_err(), "{bad:?}");
        }
        assert_eq!(version(b"MZ"), Err(BzImageError::NoHeader));
        assert!(version(&debian()[..0x20f]).is_err());
        assert!(version(&debian()[..0x300]).is_err());
        let mut none = debian();
        none[0x20e..0x210].fill(0);
        assert_eq!(version(&none), Err(BzImageError::NoVersion));
    }
}
