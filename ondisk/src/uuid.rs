// SPDX-License-Identifier: MIT OR Apache-2.0
//! UUIDs as they are written, `8-4-4-4-12` hexadecimal digits.

use crate::hex::{self, Hex};

/// The bytes of a UUID, in the order of its digits, which may be capitals.
#[must_use]
pub fn parse(text: &str) -> Option<[u8; 16]> {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    if groups != [8, 4, 4, 4, 12] {
        return None;
    }
    let digits: Vec<u8> = text.bytes().filter(|b| *b != b'-').collect();
    hex::decode(&digits)
}

/// The written form, in small letters.
#[must_use]
pub fn text(uuid: &[u8; 16]) -> String {
    let mut text = Hex(uuid).to_string();
    for at in [20, 16, 12, 8] {
        text.insert(at, '-');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let written = "00010203-0405-0607-0809-0a0b0c0d0eff";
        let uuid = parse(written).unwrap();
        assert_eq!((uuid[0], uuid[1], uuid[15]), (0, 1, 0xff));
        assert_eq!(text(&uuid), written);
        assert_eq!(parse(&written.to_uppercase()), Some(uuid));
        for bad in [
            "",
            &written[1..],
            &written.replace("0a", "ag"),
            &written.replace("-04", "0-4"),
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
