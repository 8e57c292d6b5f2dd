// SPDX-License-Identifier: MIT OR Apache-2.0
//! The checksum of label, metadata area header and text.

/// CRC-32 (polynomial 0xEDB88320, reflected) with lvm2's own initial value
/// 0xf597a6cf and without the final inversion, over `parts` as one run of bytes.
pub fn crc(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(!0xf597_a6cf);
    for part in parts {
        hasher.update(part);
    }
    !hasher.finalize()
}
