// SPDX-License-Identifier: MIT OR Apache-2.0
//! ext2 to ext4, XFS, btrfs, ISO 9660.

use super::{Device, Kind, Part, Signature, text};

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
    let uuid = text::uuid(device.array(AT + 0x68)?);
    // The file system names its journal; the journal alone is known by itself.
    let outside = compat & 0x4 != 0 && device.u32(AT + 0xe0)? == 0;
    let part = match kind {
        Kind::ExtJournal => uuid.clone().map(|journal| Part::new(journal, "journal", 1)),
        _ if outside => text::uuid(device.array(AT + 0xd0)?).map(|journal| Part {
            slot: "file system".into(),
            ..Part::new(journal, uuid.clone().unwrap_or_default(), 2)
        }),
        _ => None,
    };
    let signature = Signature::new(kind, AT..AT + 1024)
        .uuid(uuid)
        .label(text::label(device.bytes(AT + 0x78, 16)?));
    Some(signature.part(part))
}

/// XFS: superblock in the first sector (kernel: `struct xfs_dsb`).
pub(super) fn xfs(device: &Device) -> Option<Signature> {
    if !device.has(0, b"XFSB") {
        return None;
    }
    let number = |at| device.array(at).map(u64::from_be_bytes);
    let uuid = text::uuid(device.array(32)?);
    // Without a place for the log it is on another device; with realtime
    // blocks there is one more.
    let others = u64::from(number(48)? == 0) + u64::from(number(16)? != 0);
    let part = uuid.clone().filter(|_| others > 0);
    let part = part.map(|uuid| Part::new(uuid, "data", 1 + others));
    let signature = Signature::new(Kind::Xfs, 0..512)
        .uuid(uuid)
        .label(text::label(device.bytes(108, 12)?));
    Some(signature.part(part))
}

/// A log of XFS on a device of its own: it begins with a record, which has the
/// UUID of the file system (kernel: `struct xlog_rec_header`).
pub(super) fn xfs_log(device: &Device) -> Option<Signature> {
    if !device.has(0, &[0xfe, 0xed, 0xba, 0xbe]) {
        return None;
    }
    let part = text::uuid(device.array(304)?).map(|uuid| Part::new(uuid, "log", 2));
    Some(Signature::new(Kind::XfsLog, 0..512).part(part))
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
    let uuid = text::uuid(device.array(first + 0x20)?);
    let (devices, own) = (device.u64(first + 0x88)?, device.u64(first + 0xc9)?);
    // A copy alone is what is left of something older.
    let part = uuid
        .clone()
        .filter(|_| first == PLACES[0])
        .map(|uuid| Part::new(uuid, own.to_string(), devices));
    let mut signature = Signature::new(Kind::Btrfs, first..first + 4096)
        .uuid(uuid)
        .label(text::label(device.bytes(first + 0x12b, 256)?))
        .part(part);
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
