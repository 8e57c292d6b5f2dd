// SPDX-License-Identifier: MIT OR Apache-2.0
//! A mark in sector 0, by which a disk that is being rewritten is known again
//! while it has no table yet.
//!
//! It lies where boot code lies, which nothing but a boot loader's installation
//! writes: a new partition table keeps these bytes. A BIOS that starts it goes
//! on to the next medium (int 18h), and halts where there is none. Bytes 3 to
//! 0x59 stay zero, for GRUB takes them over into its own boot sector.

use std::ops::Range;

/// Bytes of sector 0 before disk signature and partition entries.
pub const BYTES: usize = 440;
/// jmp 0x5a; nop
const JUMP: [u8; 3] = [0xeb, 0x58, 0x90];
/// int 0x18; hlt; jmp to the hlt
const CODE: [u8; 5] = [0xcd, 0x18, 0xf4, 0xeb, 0xfd];
const CODE_AT: usize = 0x5a;
const MAGIC: &[u8; 16] = b"replant begun 1\0";
const MAGIC_AT: usize = 0x80;
const NUMBER: Range<usize> = 0x90..0xa0;

/// The mark with this number, for the first bytes of a disk.
#[must_use]
pub fn encode(number: &[u8; 16]) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    let parts: [(usize, &[u8]); 4] = [
        (0, &JUMP),
        (CODE_AT, &CODE),
        (MAGIC_AT, MAGIC),
        (NUMBER.start, number),
    ];
    for (at, part) in parts {
        for (to, from) in bytes.iter_mut().skip(at).zip(part) {
            *to = *from;
        }
    }
    bytes
}

/// The number of the mark in a disk's first bytes, if there is one.
#[must_use]
pub fn decode(head: &[u8]) -> Option<[u8; 16]> {
    let magic = head.get(MAGIC_AT..MAGIC_AT + MAGIC.len())?;
    (magic == MAGIC).then_some(())?;
    head.get(NUMBER)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_back_and_leaves_grubs_bytes_alone() {
        let number = *b"0123456789abcdef";
        let bytes = encode(&number);
        assert_eq!(decode(&bytes), Some(number));
        assert_eq!(decode(&bytes[..0x9f]), None);
        assert_eq!(decode(&[0; 512]), None);
        assert!(bytes[3..0x5a].iter().all(|b| *b == 0));
        // The jump leads to the code.
        assert_eq!(2 + usize::from(bytes[1]), CODE_AT);
    }
}
