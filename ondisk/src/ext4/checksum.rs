// SPDX-License-Identifier: MIT OR Apache-2.0
//! crc32c as ext4 uses it: a register that is handed on, without inversion.

/// Polynomial 0x1EDC6F41, reflected.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut register = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            register = if register & 1 == 1 {
                0x82f6_3b78 ^ (register >> 1)
            } else {
                register >> 1
            };
            bit += 1;
        }
        table[byte] = register;
        byte += 1;
    }
    table
};

/// Hands `bytes` through the register `seed`.
pub(super) fn crc32c(seed: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(seed, |register, byte| {
        let [low, ..] = register.to_le_bytes();
        TABLE[usize::from(low ^ byte)] ^ (register >> 8)
    })
}

/// The seed of every checksum but the superblock's own.
pub(super) fn uuid_seed(uuid: &[u8; 16]) -> u32 {
    crc32c(!0, uuid)
}

/// The seed of an inode's checksum and of the blocks that belong to it; the
/// generation is 0 in a fresh file system.
pub(super) fn inode_seed(uuid_seed: u32, number: u32) -> u32 {
    crc32c(
        crc32c(uuid_seed, &number.to_le_bytes()),
        &0u32.to_le_bytes(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_value_of_the_catalogue() {
        assert_eq!(!crc32c(!0, b"123456789"), 0xe306_9283);
    }

    #[test]
    fn seeds_of_two_uuids() {
        let first = [
            0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33, 0x44, 0x44, 0x55, 0x55, 0x55, 0x55,
            0x55, 0x55,
        ];
        assert_eq!(uuid_seed(&first), 0x643d_bf5b);
        let second = [
            0xaa, 0xaa, 0xaa, 0xaa, 0xbb, 0xbb, 0xcc, 0xcc, 0xdd, 0xdd, 0xee, 0xee, 0xee, 0xee,
            0xee, 0xee,
        ];
        assert_eq!(uuid_seed(&second), 0x8bf2_4446);
    }
}
