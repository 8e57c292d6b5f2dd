// SPDX-License-Identifier: MIT OR Apache-2.0
//! CRC-32 with the polynomial 0x04C11DB7, reflected.

use crc::{Algorithm, CRC_32_ISO_HDLC, Crc, NoTable};

/// The usual one: of GPT, of an xz stream's header, of what `loader` reads.
pub fn crc32(bytes: &[u8]) -> u32 {
    const USUAL: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
    USUAL.checksum(bytes)
}

/// lvm2's, of label, metadata area header and text: with an initial value of its
/// own, and without the final inversion. What it sums is small: it needs no table.
pub fn lvm2(bytes: &[u8]) -> u32 {
    const LVM2: Algorithm<u32> = Algorithm {
        init: 0xf597_a6cf_u32.reverse_bits(),
        xorout: 0,
        ..CRC_32_ISO_HDLC
    };
    Crc::<u32, NoTable>::new(&LVM2).checksum(bytes)
}
