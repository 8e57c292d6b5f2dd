// SPDX-License-Identifier: MIT OR Apache-2.0
//! Everything that a kernel, a module or an initramfs may be compressed with.

use std::fmt;
use std::io::{self, Read};

use liblzma::stream::Stream;

/// Most bytes that one stream may unpack to: no initramfs comes near it.
const LIMIT: u64 = 2 << 30;
/// Largest block of lz4's legacy format.
const LZ4_BLOCK: usize = 8 << 20;
const LZ4_MAGIC: [u8; 4] = [0x02, 0x21, 0x4c, 0x18];

/// A format, told by its first bytes as the kernel does it (lib/decompress.c).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// gzip.
    Gzip,
    /// xz.
    Xz,
    /// The format before xz, without a name.
    Lzma,
    /// zstd.
    Zstd,
    /// lz4 with the legacy frame, the only one that the kernel reads.
    Lz4,
    /// bzip2, which is recognised only.
    Bzip2,
    /// lzo, which is recognised only.
    Lzo,
}

/// What is wrong with compressed bytes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Damaged, truncated, or not of that format.
    #[error("damaged or truncated {format} data: {source}")]
    Damaged {
        /// The format.
        format: Format,
        /// What the decoder says.
        source: io::Error,
    },
    /// More than [`LIMIT`].
    #[error("{0} data that unpacks to more than 2 GiB")]
    TooLong(Format),
    /// A format that is only recognised.
    #[error("{0} is not supported; decompress it with the {0} program first")]
    Unsupported(Format),
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Lzma => "lzma",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
            Self::Bzip2 => "bzip2",
            Self::Lzo => "lzop",
        })
    }
}

impl Format {
    /// The format that `bytes` begin with.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x5d, 0, 0, ..] => Self::Lzma,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [0x02, 0x21, 0x4c, 0x18, ..] => Self::Lz4,
            [b'B', b'Z', b'h', ..] => Self::Bzip2,
            [0x89, b'L', b'Z', b'O', ..] => Self::Lzo,
            _ => return None,
        })
    }

    /// Unpacks the one stream that `bytes` begin with; gives what is in it and
    /// how many bytes it took.
    pub fn unpack(self, bytes: &[u8]) -> Result<(Vec<u8>, usize), Error> {
        let mut out = Vec::new();
        let consumed = match self {
            Self::Gzip => {
                let mut decoder = flate2::bufread::GzDecoder::new(bytes);
                self.read(&mut decoder, &mut out)?;
                bytes.len() - decoder.into_inner().len()
            }
            Self::Xz => {
                let stream = Stream::new_stream_decoder(u64::MAX, 0);
                self.lzma(stream, bytes, &mut out)?
            }
            Self::Lzma => self.lzma(Stream::new_lzma_decoder(u64::MAX), bytes, &mut out)?,
            Self::Zstd => {
                let damaged = |source| Error::Damaged {
                    format: self,
                    source,
                };
                let mut decoder = zstd::Decoder::with_buffer(bytes)
                    .map_err(damaged)?
                    .single_frame();
                decoder.window_log_max(31).map_err(damaged)?;
                self.read(&mut decoder, &mut out)?;
                bytes.len() - decoder.finish().len()
            }
            Self::Lz4 => self.lz4(bytes, &mut out)?,
            Self::Bzip2 | Self::Lzo => return Err(Error::Unsupported(self)),
        };
        Ok((out, consumed))
    }

    fn read(self, decoder: &mut impl Read, out: &mut Vec<u8>) -> Result<(), Error> {
        let damaged = |source| Error::Damaged {
            format: self,
            source,
        };
        let length = decoder.take(LIMIT + 1).read_to_end(out).map_err(damaged)?;
        if length as u64 > LIMIT {
            Err(Error::TooLong(self))
        } else {
            Ok(())
        }
    }

    fn lzma(
        self,
        stream: Result<Stream, liblzma::stream::Error>,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<usize, Error> {
        let stream = stream.map_err(|error| Error::Damaged {
            format: self,
            source: error.into(),
        })?;
        let mut decoder = liblzma::bufread::XzDecoder::new_stream(bytes, stream);
        self.read(&mut decoder, out)?;
        Ok(usize::try_from(decoder.total_in()).unwrap_or(bytes.len()))
    }

    /// lz4's legacy frames: a magic number, then blocks with their compressed
    /// length in front, to the end or to something that is no length.
    fn lz4(self, bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, Error> {
        let damaged = |what: &str| Error::Damaged {
            format: self,
            source: io::Error::new(io::ErrorKind::InvalidData, what.to_owned()),
        };
        let mut at = LZ4_MAGIC.len();
        loop {
            let length = match bytes.get(at..at + 4) {
                Some(magic) if *magic == LZ4_MAGIC => {
                    at += LZ4_MAGIC.len();
                    continue;
                }
                Some([a, b, c, d]) => u32::from_le_bytes([*a, *b, *c, *d]) as usize,
                _ => break,
            };
            // Padding, or the next segment.
            if length == 0 || length > lz4_flex::block::get_maximum_output_size(LZ4_BLOCK) {
                break;
            }
            at += 4;
            let block = bytes
                .get(at..at + length)
                .ok_or_else(|| damaged("a block is cut off"))?;
            let block = lz4_flex::block::decompress(block, LZ4_BLOCK)
                .map_err(|error| damaged(&error.to_string()))?;
            out.extend_from_slice(&block);
            at += length;
            if out.len() as u64 > LIMIT {
                return Err(Error::TooLong(self));
            }
        }
        Ok(at)
    }
}

/// The bytes of a file that may be compressed as a whole, told by its content.
pub fn file(bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    match Format::of(&bytes) {
        Some(format) => Ok(format.unpack(&bytes)?.0),
        None => Ok(bytes),
    }
}
