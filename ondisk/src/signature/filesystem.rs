// SPDX-License-Identifier: MIT OR Apache-2.0
//! ext2 to ext4, XFS, btrfs, ISO 9660.

use super::{Device, Kind, Signature, text};

/// ext2, ext3, ext4 and their external journals: superblock at 1 KiB
/// (kernel: `struct ext4_super_block`).
pub(super) fn ext(device: &Device) -> Option<Signature> {
    const AT: u64 = 1024;
    if !device.has(AT + 0x38, &[0x53, 0xef]) {
        return None;
    }
    let compat = device.u32(AT + 0x5c)?;
    let incompat = device.u32(AT + 0x60)?;
    let ro_compat = device.u32(AT + 0x64)?;
    // Features that ext3 does not know make it ext4.
    let kind = if incompat & 0x8 != 0 {
        Kind::ExtJournal
    } else if incompat & !0x16 != 0 || ro_compat & !0x7 != 0 {
        Kind::Ext4
    } else if compat & 0x4 != 0 {
        Kind::Ext3
    } else {
        Kind::Ext2
    };
    let signature = Signature::new(kind, AT..AT + 1024)
        .uuid(text::uuid(device.array(AT + 0x68)?))
        .label(text::label(device.bytes(AT + 0x78, 16)?));
    Some(signature)
}

/// XFS: superblock in the first sector (kernel: `struct xfs_dsb`).
pub(super) fn xfs(device: &Device) -> Option<Signature> {
    if !device.has(0, b"XFSB") {
        return None;
    }
    let signature = Signature::new(Kind::Xfs, 0..512)
        .uuid(text::uuid(device.array(32)?))
        .label(text::label(device.bytes(108, 12)?));
    Some(signature)
}

/// btrfs: superblock at 64 KiB, copies at 64 MiB and 256 GiB (kernel:
/// `struct btrfs_super_block`).
pub(super) fn btrfs(device: &Device) -> Option<Signature> {
    const PLACES: [u64; 3] = [64 << 10, 64 << 20, 256 << 30];
    // A superblock names its own place.
    let is_there =
        |at: u64| device.has(at + 0x40, b"_BHRfS_M") && device.u64(at + 0x30) == Some(at);
    let mut places = PLACES.into_iter().filter(|&at| is_there(at));
    let first = places.next()?;
    let mut signature = Signature::new(Kind::Btrfs, first..first + 4096)
        .uuid(text::uuid(device.array(first + 0x20)?))
        .label(text::label(device.bytes(first + 0x12b, 256)?));
    signature.clear.extend(places.map(|at| at..at + 4096));
    Some(signature)
}

/// ISO 9660: volume descriptors of 2 KiB from 32 KiB on (ECMA-119). The UUID
/// is the time of the last change, or else of creation.
pub(super) fn iso9660(device: &Device) -> Option<Signature> {
    const AT: u64 = 32768;
    if !device.has(AT + 1, b"CD001") {
        return None;
    }
    let date = |at| {
        let digits = std::str::from_utf8(device.bytes(at, 16)?).ok()?;
        let set = digits.bytes().all(|byte| byte.is_ascii_digit())
            && digits.bytes().any(|byte| byte != b'0');
        let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
        let fields = [
            (0, 4),
            (4, 6),
            (6, 8),
            (8, 10),
            (10, 12),
            (12, 14),
            (14, 16),
        ];
        set.then(|| fields.map(|(from, to)| part(from, to)).join("-"))
    };
    let primary = device.byte(AT) == Some(1);
    let mut signature = Signature::new(Kind::Iso9660, AT..AT + 2048);
    if primary {
        signature = signature
            .uuid(date(AT + 830).or_else(|| date(AT + 813)))
            .label(text::label(device.bytes(AT + 40, 32)?));
    }
    Some(signature)
}
