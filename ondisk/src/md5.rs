// SPDX-License-Identifier: MIT OR Apache-2.0
//! MD5 (RFC 1321), only to compare with the sums that dpkg keeps of its
//! configuration files. It proves nothing against somebody who wants to deceive.

use crate::hex::Hex;

/// How far each round turns.
const TURNS: [[u32; 4]; 4] = [
    [7, 12, 17, 22],
    [5, 9, 14, 20],
    [4, 11, 16, 23],
    [6, 10, 15, 21],
];

/// The sum of these bytes, as 32 lower-case hexadecimal digits.
pub fn of(bytes: &[u8]) -> String {
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    let mut blocks = bytes.chunks_exact(64);
    for block in blocks.by_ref() {
        state = round(state, block);
    }
    // A one, zeros, and the length in bits at the end of a block.
    let mut end = blocks.remainder().to_vec();
    end.push(0x80);
    while end.len() % 64 != 56 {
        end.push(0);
    }
    let bits = (bytes.len() as u64).wrapping_mul(8);
    end.extend(bits.to_le_bytes());
    for block in end.chunks_exact(64) {
        state = round(state, block);
    }
    let sum: Vec<u8> = state.iter().flat_map(|word| word.to_le_bytes()).collect();
    Hex(&sum).to_string()
}

fn round(before: [u32; 4], block: &[u8]) -> [u32; 4] {
    let mut words = [0; 16];
    for (word, four) in words.iter_mut().zip(block.chunks_exact(4)) {
        *word = u32::from_le_bytes(four.try_into().unwrap_or_default());
    }
    let [mut a, mut b, mut c, mut d] = before;
    for step in 0..64_usize {
        let (mixed, at) = match step / 16 {
            0 => ((b & c) | (!b & d), step),
            1 => ((d & b) | (!d & c), 5 * step + 1),
            2 => (b ^ c ^ d, 3 * step + 5),
            _ => (c ^ (b | !d), 7 * step),
        };
        let word = words.get(at % 16).copied().unwrap_or_default();
        let turns = TURNS.get(step / 16).and_then(|t| t.get(step % 4));
        let sum = a
            .wrapping_add(mixed)
            .wrapping_add(word)
            .wrapping_add(sine(step));
        (a, d, c) = (d, c, b);
        b = b.wrapping_add(sum.rotate_left(turns.copied().unwrap_or_default()));
    }
    let [e, f, g, h] = before;
    [
        a.wrapping_add(e),
        b.wrapping_add(f),
        c.wrapping_add(g),
        d.wrapping_add(h),
    ]
}

/// The whole part of 2^32 times the sine of the step's number.
fn sine(step: usize) -> u32 {
    SINES.get(step).copied().unwrap_or_default()
}

#[rustfmt::skip]
const SINES: [u32; 64] = [
    0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee,
    0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501,
    0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be,
    0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821,
    0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa,
    0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
    0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed,
    0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a,
    0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c,
    0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
    0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05,
    0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665,
    0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039,
    0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
    0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1,
    0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_of_the_rfc() {
        for (text, sum) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            (
                "abcdefghijklmnopqrstuvwxyz",
                "c3fcd3d76192e4007dfb496cca67e13b",
            ),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a",
            ),
        ] {
            assert_eq!(of(text.as_bytes()), sum, "{text}");
        }
    }

    #[test]
    fn all_lengths_around_a_block_are_as_md5sum_has_them() {
        testkit::needs!("md5sum");
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        for length in [54, 55, 56, 57, 63, 64, 65, 119, 120, 1000] {
            let bytes = vec![b'x'; length];
            std::fs::write(&file, &bytes).unwrap();
            let out = std::process::Command::new("md5sum").arg(&file).output();
            let out = String::from_utf8(out.unwrap().stdout).unwrap();
            assert!(out.starts_with(&of(&bytes)), "{length}: {out}");
        }
    }
}
