// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads what a program prints on either stream, line by line while it runs.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use std::fs::File;
use std::io::Read;
use std::time::Duration;

/// The output of a program, in lines.
pub(super) struct Output<'a> {
    /// `None` after the end of the pipe.
    input: Option<File>,
    pub(super) line: &'a mut dyn FnMut(&str),
    /// The beginning of a line that is not complete yet.
    bytes: Vec<u8>,
    /// Bytes printed so far.
    pub(super) printed: u64,
    /// The last line that is not blank.
    pub(super) last: String,
}

/// A line that is longer is passed on in pieces.
const LINE: usize = 64 << 10;

impl<'a> Output<'a> {
    pub(super) fn new(input: OwnedFd, line: &'a mut dyn FnMut(&str)) -> Output<'a> {
        Output {
            input: Some(File::from(input)),
            line,
            bytes: Vec::new(),
            printed: 0,
            last: String::new(),
        }
    }

    /// Waits a moment for output and passes it on; with `now` it does not wait.
    /// Returns whether there may be more at once.
    pub(super) fn pass(&mut self, now: bool) -> std::io::Result<bool> {
        let Some(input) = &mut self.input else {
            if !now {
                std::thread::sleep(MOMENT);
            }
            return Ok(false);
        };
        let mut buffer = [0; 4096];
        let count = match readable(input, now)? {
            false if now => 0,
            false => return Ok(false),
            true => match input.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(true),
                Err(error) => return Err(error),
            },
        };
        if count == 0 {
            self.input = None;
            let rest = std::mem::take(&mut self.bytes);
            self.emit(&rest);
            return Ok(false);
        }
        self.printed = self.printed.saturating_add(count as u64);
        self.bytes
            .extend_from_slice(buffer.get(..count).unwrap_or_default());
        while let Some(end) = self.bytes.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            self.emit(&line);
        }
        if self.bytes.len() > LINE {
            let piece = std::mem::take(&mut self.bytes);
            self.emit(&piece);
        }
        Ok(true)
    }

    fn emit(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_end();
        if !text.is_empty() {
            (self.line)(text);
            self.last = text.to_string();
        }
    }
}

/// How long one look for output takes.
const MOMENT: Duration = Duration::from_millis(100);

/// Waits a moment until there is something to read, or the end; with `now` it
/// does not wait.
fn readable(input: &std::fs::File, now: bool) -> std::io::Result<bool> {
    let moment = Timespec {
        tv_sec: 0,
        tv_nsec: if now { 0 } else { MOMENT.subsec_nanos().into() },
    };
    match poll(&mut [PollFd::new(input, PollFlags::IN)], Some(&moment)) {
        Ok(count) => Ok(count > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
