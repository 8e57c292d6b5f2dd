// SPDX-License-Identifier: MIT OR Apache-2.0
//! The first twelve bytes of a stream.

/// Bytes of a stream's header.
pub(super) const SIZE: usize = 12;

const MAGIC: [u8; 6] = [0xfd, b'7', b'z', b'X', b'Z', 0];

/// What a stream's header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// A check that liblzma verifies, of so many bytes.
    Check(u64),
    /// No check at all.
    NoCheck,
    /// A check of a type that is reserved.
    UnknownCheck(u8),
    /// The magic is right, but not the header's own CRC.
    Damaged,
    /// The magic is not there.
    Foreign,
    /// The magic is right as far as it goes, but bytes are missing.
    Short,
}

/// Reads the header of a stream from what is there of it.
pub(super) fn read(bytes: &[u8]) -> Header {
    if !bytes.iter().zip(MAGIC).all(|(byte, magic)| *byte == magic) {
        return Header::Foreign;
    }
    let &[_, _, _, _, _, _, reserved, check, c0, c1, c2, c3, ..] = bytes else {
        return Header::Short;
    };
    if ondisk::checksum::crc32(&[reserved, check]) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Header::Damaged;
    }
    match check & 0x0f {
        0 => Header::NoCheck,
        1 => Header::Check(4),
        4 => Header::Check(8),
        10 => Header::Check(32),
        check => Header::UnknownCheck(check),
    }
}

/// What a file that does not begin like an xz file looks like.
pub(super) fn guess(bytes: &[u8]) -> &'static str {
    let is = |magic: &[u8]| bytes.starts_with(magic);
    if bytes.is_empty() {
        "empty"
    } else if is(&[0x1f, 0x8b]) {
        "a gzip file"
    } else if is(b"BZh") {
        "a bzip2 file"
    } else if is(&[0x28, 0xb5, 0x2f, 0xfd]) {
        "a zstd file"
    } else if is(&[0x5d, 0, 0]) {
        "an lzma file of the old format"
    } else if is(b"LZIP") {
        "an lzip file"
    } else if is(&[0x04, 0x22, 0x4d, 0x18]) {
        "an lz4 file"
    } else if is(b"PK\x03\x04") {
        "a zip file"
    } else if bytes.get(257..262) == Some(b"ustar") {
        "an uncompressed tar archive"
    } else {
        "something unknown"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(flags: [u8; 2]) -> Vec<u8> {
        [
            &MAGIC[..],
            &flags,
            &ondisk::checksum::crc32(&flags).to_le_bytes(),
        ]
        .concat()
    }

    #[test]
    fn checks_by_their_numbers() {
        assert_eq!(read(&header([0, 0])), Header::NoCheck);
        assert_eq!(read(&header([0, 1])), Header::Check(4));
        assert_eq!(read(&header([0, 4])), Header::Check(8));
        assert_eq!(read(&header([0, 10])), Header::Check(32));
        assert_eq!(read(&header([0, 2])), Header::UnknownCheck(2));
        assert_eq!(read(&header([0, 15])), Header::UnknownCheck(15));
    }

    #[test]
    fn what_is_not_a_header() {
        let good = header([0, 4]);
        for length in 0..SIZE {
            assert_eq!(read(&good[..length]), Header::Short);
        }
        let mut bad = good.clone();
        bad[7] = 1;
        assert_eq!(read(&bad), Header::Damaged);
        bad[3] = b'x';
        assert_eq!(read(&bad), Header::Foreign);
        assert_eq!(guess(b"\x1f\x8b\x08"), "a gzip file");
        assert_eq!(guess(b""), "empty");
        assert_eq!(guess(b"hello"), "something unknown");
    }
}
