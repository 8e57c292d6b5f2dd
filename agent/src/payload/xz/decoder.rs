// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decodes a file of several xz streams, one after the other.

use super::blocks::Blocks;
use super::header::{self, Header};
use super::{Error, Limits};
use liblzma::stream::{Action, Error as Lzma, MtStreamBuilder, Status, Stream};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Compressed bytes that are read at once.
const INPUT: usize = 256 << 10;

/// Decodes an xz file of any number of streams.
pub struct Decoder<R> {
    input: Input<R>,
    file: PathBuf,
    limits: Limits,
    state: State,
}

enum State {
    /// Before the first stream.
    Start,
    /// After a stream; so many bytes of padding have been seen.
    Between(u64),
    Inside(Box<Inside>),
    Done,
}

/// A stream that is being decoded.
struct Inside {
    stream: Stream,
    /// Offset of the stream in the file.
    start: u64,
    blocks: Blocks,
}

impl<R: Read> Decoder<R> {
    /// Decodes what `reader` gives; `file` is its name for messages.
    pub fn new(reader: R, file: &Path, limits: Limits) -> Decoder<R> {
        Decoder {
            input: Input {
                reader,
                buffer: vec![0; INPUT],
                start: 0,
                end: 0,
                passed: 0,
                eof: false,
            },
            file: file.to_path_buf(),
            limits,
            state: State::Start,
        }
    }

    /// Compressed bytes taken so far.
    pub fn position(&self) -> u64 {
        self.input.passed
    }

    /// Fills the front of `out` and says how much; 0 only at the end of the
    /// file, when every check of every stream has been verified. After an
    /// error, what was decoded before must be thrown away.
    pub fn read(&mut self, out: &mut [u8]) -> Result<usize, Error> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            match &mut self.state {
                State::Done => return Ok(0),
                State::Start | State::Between(_) => self.next_stream()?,
                State::Inside(inside) => {
                    self.input.fill(1, &self.file)?;
                    let (written, ended) =
                        inside.decode(&mut self.input, out, &self.file, self.limits)?;
                    if ended {
                        self.state = State::Between(0);
                    }
                    if written > 0 {
                        return Ok(written);
                    }
                }
            }
        }
    }

    /// Skips padding, then begins the next stream or finds the end.
    fn next_stream(&mut self) -> Result<(), Error> {
        if let State::Between(padding) = &mut self.state {
            self.input.fill(1, &self.file)?;
            let zeros = self
                .input
                .bytes()
                .iter()
                .take_while(|byte| **byte == 0)
                .count();
            *padding = padding.saturating_add(zeros as u64);
            let odd = *padding % 4 != 0;
            self.input.consume(zeros);
            if zeros > 0 && self.input.bytes().is_empty() && !self.input.eof {
                return Ok(());
            }
            if odd {
                return Err(Error::Trailing {
                    file: self.file.clone(),
                    at: self.input.passed,
                });
            }
        }
        // Enough to tell a tar archive, too.
        self.input.fill(512, &self.file)?;
        let bytes = self.input.bytes();
        let (file, at) = (self.file.clone(), self.input.passed);
        if bytes.is_empty() && matches!(self.state, State::Between(_)) {
            self.state = State::Done;
            return Ok(());
        }
        let check = match header::read(bytes) {
            Header::Check(size) => size,
            Header::NoCheck => return Err(Error::NoCheck { file, at }),
            Header::UnknownCheck(check) => return Err(Error::UnknownCheck { file, at, check }),
            Header::Foreign if matches!(self.state, State::Between(_)) => {
                return Err(Error::Trailing { file, at });
            }
            Header::Foreign => {
                let found = header::guess(bytes);
                return Err(Error::NotXz { file, found });
            }
            Header::Short if bytes.is_empty() => {
                let found = header::guess(bytes);
                return Err(Error::NotXz { file, found });
            }
            Header::Short => {
                let at = at.saturating_add(bytes.len() as u64);
                return Err(Error::Truncated { file, at });
            }
            Header::Damaged => {
                let to = at.saturating_add(header::SIZE as u64);
                return Err(Error::Damaged { file, from: at, to });
            }
        };
        // The last stream's memory goes before the next one's comes.
        self.state = State::Done;
        let stream = MtStreamBuilder::new()
            .threads(self.limits.threads.clamp(1, 256))
            .memlimit_threading(self.limits.memory)
            .memlimit_stop(self.limits.memory)
            .decoder()
            .map_err(|error| Error::Failed { file, at, error })?;
        self.state = State::Inside(Box::new(Inside {
            stream,
            start: at,
            blocks: Blocks::new(check),
        }));
        Ok(())
    }
}

impl Inside {
    /// Decodes a little: bytes written to `out`, and whether the stream ended.
    fn decode<R: Read>(
        &mut self,
        input: &mut Input<R>,
        out: &mut [u8],
        file: &Path,
        limits: Limits,
    ) -> Result<(usize, bool), Error> {
        let (taken, written) = (self.stream.total_in(), self.stream.total_out());
        let action = match input.eof {
            true => Action::Finish,
            false => Action::Run,
        };
        let result = self.stream.process(input.bytes(), out, action);
        let taken = to_usize(self.stream.total_in().saturating_sub(taken));
        let written = to_usize(self.stream.total_out().saturating_sub(written));
        let bytes = input.bytes().get(..taken).unwrap_or_default();
        self.blocks.pass(bytes, self.stream.total_out());
        input.consume(taken);
        let (file, at) = (file.to_path_buf(), input.passed);
        match result {
            Ok(Status::StreamEnd) => Ok((written, true)),
            // No input is left, no output is to come: the file is cut.
            Ok(Status::MemNeeded) if input.eof && written == 0 => {
                Err(Error::Truncated { file, at })
            }
            Ok(_) => Ok((written, false)),
            Err(Lzma::Data | Lzma::Format) => {
                let (from, to) = self.blocks.damaged(self.stream.total_out());
                Err(Error::Damaged {
                    file,
                    from: self.start.saturating_add(from),
                    to: self.start.saturating_add(to),
                })
            }
            Err(Lzma::Options) => Err(Error::Unsupported { file, at }),
            Err(Lzma::MemLimit) => Err(Error::Memory {
                file,
                at,
                limit: limits.memory,
            }),
            Err(error) => Err(Error::Failed { file, at, error }),
        }
    }
}

/// Lengths within a buffer always fit.
fn to_usize(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// The compressed file, some bytes ahead.
struct Input<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes consumed in all.
    passed: u64,
    eof: bool,
}

impl<R: Read> Input<R> {
    fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    fn consume(&mut self, length: usize) {
        self.start = self.start.saturating_add(length).min(self.end);
        self.passed = self.passed.saturating_add(length as u64);
    }

    /// Reads until `least` bytes are there or the file ends.
    fn fill(&mut self, least: usize, file: &Path) -> Result<(), Error> {
        while !self.eof && self.end.saturating_sub(self.start) < least {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end = self.end.saturating_sub(self.start);
            self.start = 0;
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.reader.read(room) {
                Ok(0) => self.eof = true,
                Ok(read) => self.end = self.end.saturating_add(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(Error::Read {
                        file: file.to_path_buf(),
                        at: self.passed.saturating_add(self.end as u64),
                        error,
                    });
                }
            }
        }
        Ok(())
    }
}
