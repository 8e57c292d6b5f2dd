// SPDX-License-Identifier: MIT OR Apache-2.0
//! Standard output.

use std::io::{self, ErrorKind, Write};

/// Prints text. A reader that has read enough (`| head`) is no failure.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
