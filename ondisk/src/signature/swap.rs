// SPDX-License-Identifier: MIT OR Apache-2.0
//! Swap space: a magic word at the end of the first page (kernel: `union
//! swap_header`).

use super::{Device, Kind, Signature, text};

/// Sizes of a page on the machines that Linux runs on.
const PAGES: [u64; 5] = [4096, 8192, 16384, 32768, 65536];
/// Swap space.
const SWAP: [&[u8]; 2] = [b"SWAPSPACE2", b"SWAP-SPACE"];
/// Swap space that a hibernated system lies in.
const SUSPENDED: [&[u8]; 5] = [
    b"S1SUSPEND\0",
    b"S2SUSPEND\0",
    b"ULSUSPEND\0",
    b"LINHIB0001",
    b"\xed\xc3\x02\xe9\x98\x56\xe5\x0c",
];

/// Swap space of any page size.
pub(super) fn swap(device: &Device) -> Option<Signature> {
    let is_at = |words: &[&[u8]], page: u64| words.iter().any(|word| device.has(page - 10, word));
    let (page, kind) = PAGES.into_iter().find_map(|page| {
        if is_at(&SWAP, page) {
            Some((page, Kind::Swap))
        } else {
            is_at(&SUSPENDED, page).then_some((page, Kind::SwapSuspend))
        }
    })?;
    let mut signature = Signature::new(kind, page - 10..page);
    // Version 1 has a UUID and a label.
    if !device.has(page - 10, b"SWAP-SPACE") {
        signature = signature
            .uuid(text::uuid(device.array(1036)?))
            .label(text::label(device.bytes(1052, 16)?));
    }
    Some(signature)
}
