// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fields of a record under construction: little-endian, at a byte offset.
//!
//! A field that does not lie inside of the record is a mistake of this
//! module's callers, all of which write to constant offsets; debug builds stop
//! there.

/// Copies `bytes` to `offset`.
pub(super) fn put(record: &mut [u8], offset: usize, bytes: &[u8]) {
    let field = offset
        .checked_add(bytes.len())
        .and_then(|end| record.get_mut(offset..end));
    debug_assert!(field.is_some(), "a field outside of its record");
    if let Some(field) = field {
        field.copy_from_slice(bytes);
    }
}

/// Writes the low 16 bits of `value`.
pub(super) fn put_u16(record: &mut [u8], offset: usize, value: u64) {
    put(record, offset, &low16(value).to_le_bytes());
}

/// Writes the low 32 bits of `value`.
pub(super) fn put_u32(record: &mut [u8], offset: usize, value: u64) {
    put(record, offset, &low32(value).to_le_bytes());
}

/// The low 16 bits.
pub(super) fn low16(value: u64) -> u16 {
    let [a, b, ..] = value.to_le_bytes();
    u16::from_le_bytes([a, b])
}

/// The low 32 bits.
pub(super) fn low32(value: u64) -> u32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}
