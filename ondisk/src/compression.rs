// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a kernel, a module or an initramfs is compressed with.

use std::fmt;

/// A format, told by its first bytes as the kernel does it (lib/decompress.c).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// gzip.
    Gzip,
    /// xz.
    Xz,
    /// The format before xz, without a name.
    Lzma,
    /// zstd.
    Zstd,
    /// lz4 with the legacy frame, the only one that the kernel reads.
    Lz4,
    /// bzip2, which is recognised only.
    Bzip2,
    /// lzo, which is recognised only.
    Lzo,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Lzma => "lzma",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
            Self::Bzip2 => "bzip2",
            Self::Lzo => "lzop",
        })
    }
}

impl Format {
    /// The format that `bytes` begin with.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x5d, 0, 0, ..] => Self::Lzma,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [0x02, 0x21, 0x4c, 0x18, ..] => Self::Lz4,
            [b'B', b'Z', b'h', ..] => Self::Bzip2,
            [0x89, b'L', b'Z', b'O', ..] => Self::Lzo,
            _ => return None,
        })
    }
}

/// Whether a file that begins with these bytes may be an initramfs: a cpio
/// archive of the kind that the kernel unpacks, or something compressed.
pub fn is_initramfs(head: &[u8]) -> bool {
    head.starts_with(b"070701") || Format::of(head).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_initramfs_begins_with_an_archive_or_a_compressor() {
        let known: [&[u8]; 4] = [b"070701", &[0x1f, 0x8b], b"BZh", b"\xfd7zXZ\0"];
        assert!(known.into_iter().all(is_initramfs));
        let other: [&[u8]; 4] = [b"", b"070707", b"#!/bin/sh", b"\xfd7zXY\0"];
        assert!(!other.into_iter().any(is_initramfs));
    }
}
