// SPDX-License-Identifier: MIT OR Apache-2.0
//! The payload's compression. By default it is done in this process, and the
//! bytes do not depend on the number of processors; the program `xz` is for other
//! options.

use crate::{program, stop};
use anyhow::{Error, Result, anyhow, bail};
use liblzma::stream::{Check, MtStreamBuilder};
use liblzma::write::XzEncoder;
use std::fs::File;
use std::io::{self, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

/// `xz -6`: a dictionary of 8 MiB, and blocks of 24 MiB that several
/// processors decode.
const PRESET: u32 = 6;
const BLOCK: u64 = 24 << 20;

/// Compresses an archive into a file.
pub enum Compressor {
    Library(Box<XzEncoder<File>>),
    Program(Child, Option<ChildStdin>),
}

impl Compressor {
    /// Uses the program `xz` if there are `options`.
    pub fn new(file: File, options: Option<&str>) -> Result<Compressor> {
        if let Some(options) = options {
            let mut child = Command::new("xz")
                .args(options.split_whitespace())
                .stdin(Stdio::piped())
                .stdout(Stdio::from(file))
                .spawn()
                .map_err(|e| program::not_started("xz", "xz-utils", &e))?;
            let input = child.stdin.take();
            return Ok(Compressor::Program(child, input));
        }
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        let stream = MtStreamBuilder::new()
            .threads(u32::try_from(threads).unwrap_or(1))
            .block_size(BLOCK)
            .preset(PRESET)
            .check(Check::Crc64)
            .encoder()
            .map_err(|e| anyhow!("xz cannot be started: {e}"))?;
        Ok(Compressor::Library(Box::new(XzEncoder::new_stream(
            file, stream,
        ))))
    }

    /// Writes the rest.
    pub fn finish(self) -> Result<()> {
        match self {
            Compressor::Library(encoder) => {
                encoder.finish()?.sync_all()?;
            }
            Compressor::Program(mut child, input) => {
                drop(input);
                let status = child.wait()?;
                if !status.success() {
                    bail!("xz failed ({status}); its messages are above");
                }
            }
        }
        Ok(())
    }

    /// Ends the program after another error. If the program failed first, its
    /// error is returned instead.
    pub fn failed(self, error: Error) -> Error {
        if let Compressor::Program(mut child, input) = self {
            drop(input);
            if stop::asked() {
                // It may have ended already.
                let _ = child.kill();
            }
            // It has ended by itself, or ends now that its input is closed.
            if let Ok(status) = child.wait()
                && !status.success()
                && !stop::asked()
            {
                return anyhow!("xz failed ({status}); its messages are above");
            }
        }
        error
    }
}

impl Write for Compressor {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Compressor::Library(encoder) => encoder.write(bytes),
            Compressor::Program(_, Some(input)) => input.write(bytes),
            Compressor::Program(_, None) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
