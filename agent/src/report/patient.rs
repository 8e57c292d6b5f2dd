// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes lines to a device whose reader may have stopped reading.

use std::fs::File;
use std::io::{ErrorKind, Write};

/// The most bytes that wait for the reader; more are lost.
const MOST: usize = 64 << 10;

/// Takes whole lines and never waits: a serial port whose reader has stopped
/// would otherwise stop the migration, in the middle of a disk.
pub(super) struct Patient {
    file: File,
    waiting: Vec<u8>,
}

impl Patient {
    /// `file` must have been opened with O_NONBLOCK.
    pub(super) fn new(file: File) -> Patient {
        Patient {
            file,
            waiting: Vec::new(),
        }
    }
}

impl Write for Patient {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        if self.waiting.len().saturating_add(line.len()) <= MOST {
            self.waiting.extend_from_slice(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        while !self.waiting.is_empty() {
            match self.file.write(&self.waiting) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => drop(self.waiting.drain(..count.min(self.waiting.len()))),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::{PipeFlags, pipe_with};
    use std::io::Read;

    #[test]
    fn a_reader_that_sleeps_stops_nobody_and_gets_whole_lines() {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).unwrap();
        let mut sink = Patient::new(File::from(writer));
        let line = [b"x".repeat(998), b"\n".to_vec()].concat();
        for _ in 0..1000 {
            sink.write_all(&line).unwrap();
            sink.flush().unwrap();
        }
        assert!(sink.waiting.len() > MOST - 1000 && sink.waiting.len() <= MOST);
        let (mut reader, mut bytes) = (File::from(reader), Vec::new());
        while !sink.waiting.is_empty() {
            // It ends with EAGAIN when the pipe is empty.
            reader.read_to_end(&mut bytes).unwrap_err();
            sink.flush().unwrap();
        }
        reader.read_to_end(&mut bytes).unwrap_err();
        let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
        assert!(lines.len() > 100 && lines.len() < 1000);
        assert!(lines.iter().all(|l| *l == &line[..]));
    }
}
