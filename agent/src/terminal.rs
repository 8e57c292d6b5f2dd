// SPDX-License-Identifier: MIT OR Apache-2.0
//! Output for a person on the old system.
//!
//! The reader may go away: `replant stage | head` closes the pipe while files are
//! being moved to their places, and that must not end the program there, as
//! `println!` would. So errors of writing are ignored.

use std::fmt::Display;
use std::io::Write;

/// A line on standard output.
pub fn say(line: impl Display) {
    write(&mut std::io::stdout(), format_args!("{line}\n"));
}

/// A line on standard error.
pub fn complain(line: impl Display) {
    write(&mut std::io::stderr(), format_args!("{line}\n"));
}

/// Text on standard output without a line feed.
pub fn ask(text: impl Display) {
    write(&mut std::io::stdout(), format_args!("{text}"));
}

fn write(to: &mut dyn Write, text: std::fmt::Arguments<'_>) {
    let _ = to.write_all(text.to_string().as_bytes());
    let _ = to.flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe that nobody reads any more.
    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn a_reader_that_has_gone_stops_nothing() {
        write(&mut Closed, format_args!("a line\n"));
        let mut kept = Vec::new();
        write(&mut kept, format_args!("{} line\n", "one"));
        assert_eq!(kept, b"one line\n");
    }
}
