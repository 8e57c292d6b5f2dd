// SPDX-License-Identifier: MIT OR Apache-2.0
//! Small files, read and written whole.

use core::ffi::CStr;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

/// Reads the first bytes of a file, as many as `buffer` takes, and returns them.
///
/// # Errors
///
/// What open(2) or read(2) says.
pub fn read<'a>(path: &CStr, buffer: &'a mut [u8]) -> Result<&'a [u8], Errno> {
    let file = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut length = 0;
    while let Some(room @ [_, ..]) = buffer.get_mut(length..) {
        match rustix::io::read(&file, room) {
            Ok(0) => break,
            Ok(got) => length += got,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(buffer.get(..length).unwrap_or_default())
}

/// Writes `text` to a file that exists, in one write(2), as /proc wants it.
///
/// # Errors
///
/// What open(2) or write(2) says.
pub fn write(path: &CStr, text: &[u8]) -> Result<(), Errno> {
    let file = openat(CWD, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(&file, text).map(|_| ())
}

/// Makes a file with this text, or replaces what is in it.
///
/// # Errors
///
/// What open(2) or write(2) says.
pub fn create(path: &CStr, text: &[u8]) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
    let file = openat(CWD, path, flags, Mode::from_raw_mode(0o644))?;
    rustix::io::write(&file, text).map(|_| ())
}

/// Whether a file exists. An error counts as yes, for after the point of no
/// return /init does what is harmless in both cases.
pub fn exists(path: &CStr) -> bool {
    !matches!(
        rustix::fs::accessat(
            CWD,
            path,
            rustix::fs::Access::EXISTS,
            rustix::fs::AtFlags::empty()
        ),
        Err(Errno::NOENT)
    )
}

/// The number behind `name` in a text of lines `name number` or `name: number kB`.
pub fn number(text: &[u8], name: &[u8]) -> Option<u64> {
    text.split(|b| *b == b'\n').find_map(|line| {
        let rest = line.strip_prefix(name)?;
        let rest = rest.strip_prefix(b":").unwrap_or(rest);
        let rest = rest.strip_prefix(b" ")?.trim_ascii_start();
        let digits = rest.split(|b| !b.is_ascii_digit()).next()?;
        core::str::from_utf8(digits).ok()?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_proc() {
        let vmstat = b"nr_dirty 12\noom_kill_x 9\noom_kill 3\n";
        assert_eq!(number(vmstat, b"oom_kill"), Some(3));
        assert_eq!(number(vmstat, b"nr"), None);
        let meminfo = b"Dirty:             48 kB\nWriteback:         0 kB\n";
        assert_eq!(number(meminfo, b"Dirty"), Some(48));
        assert_eq!(number(meminfo, b"Writeback"), Some(0));
        assert_eq!(number(b"Dirty: x", b"Dirty"), None);
        assert_eq!(number(b"Dirty: 99999999999999999999999", b"Dirty"), None);
    }

    #[test]
    fn reading() {
        let mut small = [0; 4];
        let start = read(c"/proc/self/status", &mut small).unwrap();
        assert_eq!(start, b"Name");
        assert_eq!(read(c"/nowhere", &mut small), Err(Errno::NOENT));
        assert!(exists(c"/proc") && !exists(c"/nowhere"));
    }
}
