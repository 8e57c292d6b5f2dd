// SPDX-License-Identifier: MIT OR Apache-2.0
//! Everything that a kernel, a module or an initramfs may be compressed with.

use std::fmt::Display;
use std::io::Read;

use anyhow::{Error, Result, anyhow, bail, ensure};
use liblzma::stream::Stream;
use ondisk::compression::Format;

/// Most bytes that one stream may unpack to: no initramfs comes near it.
const LIMIT: u64 = 2 << 30;
/// Largest block of lz4's legacy format.
const LZ4_BLOCK: usize = 8 << 20;
const LZ4_MAGIC: [u8; 4] = [0x02, 0x21, 0x4c, 0x18];

/// Unpacks the one stream that `bytes` begin with; gives what is in it and
/// how many bytes it took.
pub fn unpack(format: Format, bytes: &[u8]) -> Result<(Vec<u8>, usize)> {
    let mut out = Vec::new();
    let consumed = match format {
        Format::Gzip => {
            let mut decoder = flate2::bufread::GzDecoder::new(bytes);
            read(format, &mut decoder, &mut out)?;
            bytes.len() - decoder.into_inner().len()
        }
        Format::Xz => {
            let stream = Stream::new_stream_decoder(u64::MAX, 0);
            lzma(format, stream, bytes, &mut out)?
        }
        Format::Lzma => lzma(format, Stream::new_lzma_decoder(u64::MAX), bytes, &mut out)?,
        Format::Zstd => {
            let damaged = |e| damaged(format, e);
            let mut decoder = zstd::Decoder::with_buffer(bytes)
                .map_err(damaged)?
                .single_frame();
            decoder.window_log_max(31).map_err(damaged)?;
            read(format, &mut decoder, &mut out)?;
            bytes.len() - decoder.finish().len()
        }
        Format::Lz4 => lz4(format, bytes, &mut out)?,
        Format::Bzip2 | Format::Lzo => {
            bail!("{format} is not supported; decompress it with the {format} program first")
        }
    };
    Ok((out, consumed))
}

fn read(format: Format, decoder: &mut impl Read, out: &mut Vec<u8>) -> Result<()> {
    let length = decoder.take(LIMIT + 1).read_to_end(out);
    within(format, length.map_err(|e| damaged(format, e))?)
}

fn lzma(
    format: Format,
    stream: Result<Stream, liblzma::stream::Error>,
    bytes: &[u8],
    out: &mut Vec<u8>,
) -> Result<usize> {
    let stream = stream.map_err(|e| damaged(format, e))?;
    let mut decoder = liblzma::bufread::XzDecoder::new_stream(bytes, stream);
    read(format, &mut decoder, out)?;
    Ok(usize::try_from(decoder.total_in()).unwrap_or(bytes.len()))
}

/// lz4's legacy frames: a magic number, then blocks with their compressed
/// length in front, to the end or to something that is no length.
fn lz4(format: Format, bytes: &[u8], out: &mut Vec<u8>) -> Result<usize> {
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
            .ok_or_else(|| damaged(format, "a block is cut off"))?;
        let block =
            lz4_flex::block::decompress(block, LZ4_BLOCK).map_err(|e| damaged(format, e))?;
        out.extend_from_slice(&block);
        at += length;
        within(format, out.len())?;
    }
    Ok(at)
}

fn damaged(format: Format, what: impl Display) -> Error {
    anyhow!("damaged or truncated {format} data: {what}")
}

fn within(format: Format, length: usize) -> Result<()> {
    ensure!(
        length as u64 <= LIMIT,
        "{format} data that unpacks to more than 2 GiB"
    );
    Ok(())
}

/// The bytes of a file that may be compressed as a whole, told by its content.
pub fn file(bytes: Vec<u8>) -> Result<Vec<u8>> {
    match Format::of(&bytes) {
        Some(format) => Ok(unpack(format, &bytes)?.0),
        None => Ok(bytes),
    }
}
