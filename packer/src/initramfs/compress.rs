// SPDX-License-Identifier: MIT OR Apache-2.0
//! Compressing a segment so that the kernel can read it.

use std::io::{self, Write};

use liblzma::stream::{Check, Filters, LzmaOptions, Stream};

/// How the image is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Compression {
    /// Smallest; kernels with CONFIG_RD_XZ, which distributions set
    Xz,
    /// For kernels without xz
    Gzip,
    /// Fastest to unpack; kernels from 5.9 on
    Zstd,
    /// As it is
    None,
}

/// Largest dictionary: the kernel allocates it while it unpacks.
const DICTIONARY_MAX: u32 = 16 << 20;

impl Compression {
    /// Compresses one segment. `code` says that it is mostly programs: the
    /// filter for x86 makes them a tenth smaller, but kernel modules, whose
    /// calls are not yet relocated, a tenth bigger.
    pub fn pack(self, bytes: &[u8], code: bool) -> io::Result<Vec<u8>> {
        match self {
            Self::None => Ok(bytes.to_vec()),
            Self::Gzip => {
                let mut encoder = flate2::GzBuilder::new()
                    .mtime(0)
                    .write(Vec::new(), flate2::Compression::best());
                encoder.write_all(bytes)?;
                encoder.finish()
            }
            // Above 19 the window outgrows what the kernel likes to allocate.
            Self::Zstd => zstd::bulk::compress(bytes, 19),
            Self::Xz => xz(bytes, code),
        }
    }
}

/// CRC32 is the only check that the kernel's decoder knows; one thread and one
/// block, for it has one thread, too.
fn xz(bytes: &[u8], code: bool) -> io::Result<Vec<u8>> {
    // LZMA_PRESET_EXTREME
    let mut options = LzmaOptions::new_preset(9 | 1 << 31)?;
    let length = u32::try_from(bytes.len())
        .unwrap_or(DICTIONARY_MAX)
        .min(DICTIONARY_MAX);
    options.dict_size(length.next_power_of_two().max(1 << 16));
    let mut filters = Filters::new();
    if code {
        filters.x86();
    }
    filters.lzma2(&options);
    let stream = Stream::new_stream_encoder(&filters, Check::Crc32)?;
    let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(bytes)?;
    encoder.finish()
}
