// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's log, and its modules.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;

use rustix::io::Errno;

use super::{ConsoleError, Setup};
use crate::cmdline;
use crate::device::Devices;
use sys::FileError;

/// Prints the kernel's log up to now, errors marked.
pub(super) fn dmesg(setup: &Setup, output: &mut dyn Write) -> Result<(), ConsoleError> {
    let path = setup.path("/dev/kmsg");
    let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let mut log = match OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(&path)
    {
        Ok(log) => log,
        Err(e) => return Err(FileError::new("open", path, e).into()),
    };
    // One read(2) is one record, at most 8 KiB.
    let mut buffer = [0; 8192];
    loop {
        match log.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(got) => {
                let record = String::from_utf8_lossy(buffer.get(..got).unwrap_or_default());
                if let Some(line) = readable(&record) {
                    writeln!(output, "{line}")?;
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            // Overwritten while it was read: the next record is the oldest.
            Err(error) if error.raw_os_error() == Some(Errno::PIPE.raw_os_error()) => {}
            Err(e) => return Err(FileError::new("read", path, e).into()),
        }
    }
}

/// The machine's devices and modules.
pub(super) fn devices(setup: &Setup) -> Result<Devices, ConsoleError> {
    let path = setup.path("/proc/cmdline");
    Ok(Devices::open(&cmdline::read(&path)?)?)
}

/// Loads modules with all that they need.
pub(super) fn modprobe(setup: &Setup, names: &[String]) -> Result<(), ConsoleError> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Ok(devices(setup)?.ensure(&names)?)
}

/// One record of /dev/kmsg as a line: `[    1.234567] text`. The record is
/// `PRIORITY,SEQUENCE,MICROSECONDS,FLAGS;TEXT` and lines of properties
/// (Documentation/ABI/testing/dev-kmsg); `None` if it is not.
fn readable(record: &str) -> Option<String> {
    let (head, text) = record.split_once(';')?;
    let mut fields = head.split(',');
    let priority: u32 = fields.next()?.parse().ok()?;
    let microseconds: u64 = fields.nth(1)?.parse().ok()?;
    let text = text.lines().next().unwrap_or("");
    // The low three bits are the level; 0 to 3 are errors.
    let mark = if priority & 7 <= 3 { "! " } else { "" };
    let (seconds, rest) = (microseconds / 1_000_000, microseconds % 1_000_000);
    Some(format!("[{seconds:5}.{rest:06}] {mark}{text}"))
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn records() {
        assert_eq!(
            readable("6,3,5140900,-;hello\n A=b\n").as_deref(),
            Some("[    5.140900] hello")
        );
        assert_eq!(
            readable("11,3,1,-;bad").as_deref(),
            Some("[    0.000001] ! bad")
        );
        for rubbish in ["", "x", "6,3;x", "6,3,-1,-;x", "a,3,1,-;x"] {
            assert_eq!(readable(rubbish), None, "{rubbish}");
        }
    }
}
