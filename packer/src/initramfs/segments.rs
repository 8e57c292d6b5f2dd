// SPDX-License-Identifier: MIT OR Apache-2.0
//! Taking an initramfs apart as the kernel does (init/initramfs.c).

use ondisk::cpio::{self, Reader, Tree};

use super::decompress::{self, Format};

/// What is wrong with an initramfs.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither an archive nor a compressed stream.
    #[error(
        "at byte {offset} there is neither a cpio archive (aligned to 4) nor anything that is \
         known to be compressed; is it an initramfs?"
    )]
    Unknown {
        /// Byte offset in the file.
        offset: usize,
    },
    /// A segment that cannot be decompressed.
    #[error("segment at byte {offset}: {source}")]
    Decompress {
        /// Byte offset in the file.
        offset: usize,
        /// What is wrong.
        source: decompress::Error,
    },
    /// A segment that is no archive.
    #[error("segment at byte {offset}: {source}")]
    Cpio {
        /// Byte offset in the file.
        offset: usize,
        /// What is wrong.
        source: cpio::Error,
    },
    /// Something behind the archive in a segment.
    #[error("segment at byte {offset}: no cpio archive at byte {inside} of what is unpacked")]
    Junk {
        /// Byte offset in the file.
        offset: usize,
        /// Byte offset in the unpacked segment.
        inside: usize,
    },
}

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
pub fn unpack(image: &[u8]) -> Result<Vec<Segment>, Error> {
    let mut segments = Vec::new();
    let mut offset = 0;
    while let Some(rest) = image.get(offset..).filter(|rest| !rest.is_empty()) {
        let (format, bytes, length) = match Format::of(rest) {
            _ if rest.first() == Some(&0) => {
                offset += rest.iter().take_while(|byte| **byte == 0).count();
                continue;
            }
            Some(format) => {
                let unpacked = format.unpack(rest);
                let (bytes, length) =
                    unpacked.map_err(|source| Error::Decompress { offset, source })?;
                (Some(format), bytes, length)
            }
            None if offset.is_multiple_of(4) => {
                let mut reader = Reader::new(rest);
                for entry in reader.by_ref() {
                    entry.map_err(|source| Error::Cpio { offset, source })?;
                }
                let length = reader.position();
                (
                    None,
                    rest.get(..length).unwrap_or_default().to_vec(),
                    length,
                )
            }
            None => return Err(Error::Unknown { offset }),
        };
        if length == 0 {
            return Err(Error::Unknown { offset });
        }
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
pub fn tree(segments: &[Segment]) -> Result<Tree<'_>, Error> {
    let mut tree = Tree::new();
    for Segment { offset, bytes, .. } in segments {
        let offset = *offset;
        let inside = tree
            .add(bytes)
            .map_err(|source| Error::Cpio { offset, source })?;
        if inside != bytes.len() {
            return Err(Error::Junk { offset, inside });
        }
    }
    Ok(tree)
}
