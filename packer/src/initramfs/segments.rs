// SPDX-License-Identifier: MIT OR Apache-2.0
//! Taking an initramfs apart as the kernel does (init/initramfs.c).

use std::fmt::Display;

use anyhow::{Result, anyhow, ensure};
use ondisk::compression::Format;
use ondisk::cpio::{Reader, Tree};

use super::decompress;

/// One part of an initramfs.
#[derive(Debug)]
pub struct Segment {
    /// Byte offset in the file.
    pub offset: usize,
    /// How it is compressed, if it is.
    pub format: Option<Format>,
    /// One or more archives, uncompressed.
    pub bytes: Vec<u8>,
}

/// The parts of an initramfs: uncompressed archives (early microcode) and
/// compressed ones, with zero bytes between them or none.
pub fn unpack(image: &[u8]) -> Result<Vec<Segment>> {
    let mut segments = Vec::new();
    let mut offset = 0;
    while let Some(rest) = image.get(offset..).filter(|rest| !rest.is_empty()) {
        let (format, bytes, length) = match Format::of(rest) {
            _ if rest.first() == Some(&0) => {
                offset += rest.iter().take_while(|byte| **byte == 0).count();
                continue;
            }
            Some(format) => {
                let (bytes, length) = within(offset, decompress::unpack(format, rest))?;
                (Some(format), bytes, length)
            }
            None if offset.is_multiple_of(4) => {
                let mut reader = Reader::new(rest);
                for entry in reader.by_ref() {
                    within(offset, entry)?;
                }
                let length = reader.position();
                (
                    None,
                    rest.get(..length).unwrap_or_default().to_vec(),
                    length,
                )
            }
            None => (None, Vec::new(), 0),
        };
        ensure!(
            length != 0,
            "at byte {offset} there is neither a cpio archive (aligned to 4) nor anything that is \
             known to be compressed; is it an initramfs?"
        );
        segments.push(Segment {
            offset,
            format,
            bytes,
        });
        offset += length;
    }
    Ok(segments)
}

/// What is there after the kernel has unpacked all segments over each other.
pub fn tree(segments: &[Segment]) -> Result<Tree<'_>> {
    let mut tree = Tree::new();
    for Segment { offset, bytes, .. } in segments {
        let inside = within(*offset, tree.add(bytes))?;
        ensure!(
            inside == bytes.len(),
            "segment at byte {offset}: no cpio archive at byte {inside} of what is unpacked"
        );
    }
    Ok(tree)
}

fn within<T>(offset: usize, result: Result<T, impl Display>) -> Result<T> {
    result.map_err(|e| anyhow!("segment at byte {offset}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::initramfs::Compression;
    use ondisk::cpio::Builder;

    const ALL: [Compression; 4] = [
        Compression::Gzip,
        Compression::Xz,
        Compression::Zstd,
        Compression::None,
    ];

    fn archive(name: &str, data: &[u8]) -> Vec<u8> {
        let mut builder = Builder::new();
        builder.file(name, 0o644, data.to_vec()).unwrap();
        builder.build()
    }

    fn pack(compression: Compression, bytes: &[u8]) -> Vec<u8> {
        compression.pack(bytes, false).unwrap()
    }

    fn files(image: &[u8]) -> Result<Vec<String>> {
        let segments = unpack(image)?;
        let tree = tree(&segments)?;
        Ok(tree
            .iter()
            .map(|(path, node)| format!("{path}={}", String::from_utf8_lossy(node.data)))
            .collect())
    }

    #[test]
    fn what_the_kernel_takes_is_taken() {
        let (one, two) = (archive("over", b"first"), archive("over", b"second"));
        for first in ALL {
            for second in ALL {
                for padding in [0, 1024] {
                    let mut image = pack(first, &one);
                    image.resize(image.len().next_multiple_of(4) + padding, 0);
                    image.extend(pack(second, &two));
                    assert_eq!(
                        files(&image).unwrap(),
                        ["over=second"],
                        "{first:?} {second:?}"
                    );
                }
            }
        }
        // Compressed ones may follow each other anywhere.
        let mut image = pack(Compression::Gzip, &one);
        image.extend([0; 3]);
        image.extend(pack(Compression::Gzip, &two));
        assert_eq!(files(&image).unwrap(), ["over=second"]);
        // Without a trailer: the entry of 110 + 5 (+ 1) bytes and 5 (+ 3) of data.
        let mut image = one[..124].to_vec();
        image.extend(pack(Compression::Gzip, &archive("b", b"2")));
        assert_eq!(files(&image).unwrap(), ["b=2", "over=first"]);
    }

    #[test]
    fn what_the_kernel_loses_is_an_error() {
        let (one, two) = (archive("a", b"1"), archive("b", b"2"));
        let mut image = pack(Compression::Gzip, &one);
        image.resize(image.len().next_multiple_of(4) + 1, 0);
        let end = image.len();
        image.extend(&two);
        let message = files(&image).unwrap_err().to_string();
        assert!(
            message.starts_with(&format!("at byte {end} there is neither")),
            "{message}"
        );
        let mut image = pack(Compression::Gzip, &one);
        image.extend(b"GARBAGE!");
        assert!(files(&image).is_err());
        let junk = pack(Compression::Zstd, &[&one[..], b"junk"].concat());
        let message = files(&junk).unwrap_err().to_string();
        assert!(
            message.starts_with("segment at byte 0: no cpio archive at byte "),
            "{message}"
        );
    }

    #[test]
    fn damage_is_an_error_or_other_bytes_and_never_a_panic() {
        let text = b"some words that come again, some words that come again, and again";
        let one = archive("a", text);
        let mut lz4 = vec![0x02, 0x21, 0x4c, 0x18];
        let block = lz4_flex::block::compress(&one);
        lz4.extend((block.len() as u32).to_le_bytes());
        lz4.extend(block);
        let mut images = vec![lz4];
        images.extend(ALL.map(|format| pack(format, &one)));
        for image in images {
            assert_eq!(files(&image).unwrap().len(), 1);
            // Most of what is behind is padding.
            let end = image.len().min(400);
            let mut failed = 0;
            for at in 0..end {
                for bit in 0..8 {
                    let mut bad = image.clone();
                    bad[at] ^= 1 << bit;
                    failed += usize::from(files(&bad).is_err());
                    bad.truncate(end - at / 2);
                    failed += usize::from(files(&bad).is_err());
                }
            }
            assert!(failed > end, "{failed} of {end}");
        }
    }
}
