// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's log, and its modules.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;

use rustix::io::Errno;

use super::{ConsoleError, Setup};
use crate::cmdline;
use crate::device::Devices;
use contract::kmsg::Record;
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
                if let Some(record) = Record::parse(buffer.get(..got).unwrap_or_default()) {
                    let mark = if record.is_error() { "! " } else { "" };
                    let text = String::from_utf8_lossy(record.text);
                    writeln!(output, "{} {mark}{text}", record.stamp)?;
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
    let path = setup.path(cmdline::PATH);
    Ok(Devices::open(&cmdline::read(path)?)?)
}

/// Loads modules with all that they need.
pub(super) fn modprobe(setup: &Setup, names: &[String]) -> Result<(), ConsoleError> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Ok(devices(setup)?.ensure(&names)?)
}
