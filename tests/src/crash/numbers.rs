// SPDX-License-Identifier: MIT OR Apache-2.0
//! Little-endian numbers of a block, and checksums of it.

use sha2::{Digest, Sha256};

pub fn u16_at(bytes: &[u8], at: usize) -> u64 {
    number(bytes, at, 2)
}

pub fn u32_at(bytes: &[u8], at: usize) -> u64 {
    number(bytes, at, 4)
}

pub fn u64_at(bytes: &[u8], at: usize) -> u64 {
    number(bytes, at, 8)
}

/// What is not there is zero.
fn number(bytes: &[u8], at: usize, length: usize) -> u64 {
    let bytes = bytes.iter().skip(at).take(length).rev();
    bytes.fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// The CRC-32 of IEEE 802.3.
pub fn crc32(bytes: &[u8]) -> u64 {
    let crc = crc::Crc::<u32, crc::Table<16>>::new(&crc::CRC_32_ISO_HDLC);
    crc.checksum(bytes).into()
}

pub fn sha256<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.into_iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}
