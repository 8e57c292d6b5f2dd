// SPDX-License-Identifier: MIT OR Apache-2.0
//! Storage in layers: bcache, bcachefs, dm-integrity, Ceph's BlueStore,
//! Stratis.

use super::{Device, Kind, Part, Signature, text};

/// Where bcache and bcachefs have their superblock.
const AT: u64 = 4096;

/// A backing or a cache device of bcache (kernel:
/// `drivers/md/bcache/bcache_ondisk.h`).
pub(super) fn bcache(device: &Device) -> Option<Signature> {
    const MAGIC: &[u8; 16] = b"\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81";
    if !device.has(AT + 24, MAGIC) || device.u64(AT + 8) != Some(AT / 512) {
        return None;
    }
    let is_backing = matches!(device.u64(AT + 16)?, 1 | 4 | 6);
    let members = if is_backing {
        // Attached, clean or dirty: there is a cache.
        let state = device.u64(AT + 104)? >> 61 & 3;
        if state == 0 { 1 } else { 2 }
    } else {
        device.u16(AT + 196)?.max(1).into()
    };
    let uuid = text::uuid(device.array(AT + 40)?);
    let set = text::uuid(device.array(AT + 56)?);
    let part = set.map(|set| Part::new(set, uuid.clone().unwrap_or_default(), members));
    let signature = Signature::new(Kind::Bcache, AT..AT + 4096)
        .uuid(uuid)
        .label(text::label(device.bytes(AT + 72, 32)?));
    Some(signature.part(part))
}

/// A device of bcachefs (kernel: `struct bch_sb`).
pub(super) fn bcachefs(device: &Device) -> Option<Signature> {
    const MAGIC: &[u8; 16] = b"\xc6\x85\x73\xf6\x66\xce\x90\xa9\xd9\x6a\x60\xcf\x80\x3d\xf7\xef";
    if !device.has(AT + 24, MAGIC) {
        return None;
    }
    let whole = text::uuid(device.array(AT + 40)?);
    let (index, members) = (device.byte(AT + 122)?, device.byte(AT + 123)?);
    let part = whole.map(|whole| Part::new(whole, index.to_string(), members.into()));
    let signature = Signature::new(Kind::Bcachefs, AT..AT + 4096)
        .uuid(text::uuid(device.array(AT + 56)?))
        .label(text::label(device.bytes(AT + 72, 32)?));
    Some(signature.part(part))
}

/// A device of dm-integrity (kernel: `struct superblock` in
/// `dm-integrity.c`). Without interleaving, the data are on another device.
pub(super) fn integrity(device: &Device) -> Option<Signature> {
    if !device.has(0, b"integrt\0") {
        return None;
    }
    let part = (device.byte(9)? == 0).then(|| Part::new(String::new(), "metadata", 2));
    Some(Signature::new(Kind::Integrity, 0..512).part(part))
}

/// A device of a Ceph OSD: its data, its database or its log
/// (`bluestore_bdev_label_t`).
pub(super) fn bluestore(device: &Device) -> Option<Signature> {
    const MAGIC: &[u8] = b"bluestore block device\n";
    if !device.has(0, MAGIC) {
        return None;
    }
    let osd = text::label(device.bytes(MAGIC.len() as u64, 36)?);
    // The members do not say which they are in a fixed place.
    let part = osd.map(|osd| Part::new(osd, String::new(), 1));
    Some(Signature::new(Kind::BlueStore, 0..4096).part(part))
}

/// A device of a Stratis pool: a superblock in sector 1, and a copy in 9.
pub(super) fn stratis(device: &Device) -> Option<Signature> {
    const MAGIC: &[u8; 16] = b"!Stra0tis\x86\xff\x02^\x41rh";
    let mut places = [512, 9 * 512]
        .into_iter()
        .filter(|at| device.has(at + 4, MAGIC));
    let first = places.next()?;
    let pool = text::label(device.bytes(first + 32, 32)?);
    let own = text::label(device.bytes(first + 64, 32)?);
    let part = pool.map(|pool| Part::new(pool, own.clone().unwrap_or_default(), 1));
    let mut signature = Signature::new(Kind::Stratis, first..first + 512)
        .uuid(own)
        .part(part);
    signature.clear.extend(places.map(|at| at..at + 512));
    Some(signature)
}
