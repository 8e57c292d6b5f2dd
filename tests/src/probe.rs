// SPDX-License-Identifier: MIT OR Apache-2.0
//! A kernel for tests of boot loaders: it prints its parameters and switches the
//! machine off, so that a boot takes a second.
#![allow(unsafe_code, reason = "machine code of another processor mode")]

use crate::vm::Running;
use std::time::Duration;

core::arch::global_asm!(include_str!("probe.s"), options(att_syntax, raw));

// SAFETY: the symbols are made by the file above, in a section that is only
// read, with these sizes.
unsafe extern "C" {
    /// The kernel's image. More may follow it, which is loaded with it and not
    /// looked at.
    #[link_name = "replant_probe"]
    pub safe static KERNEL: [u8; 1536];
    /// A boot sector that prints `@old XX@`, XX the drive that it got, and
    /// switches the machine off.
    #[link_name = "replant_old_sector"]
    pub safe static OLD_SECTOR: [u8; 512];
    /// A boot sector that switches A20 off, makes the BIOS refuse to switch it
    /// on, and starts sector 2.
    #[link_name = "replant_a20_off"]
    pub safe static A20_OFF: [u8; 512];
}

/// What the kernel was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// Its command line.
    pub line: String,
    /// CRC-32 of its initramfs.
    pub crc32: u32,
    /// Bytes of its initramfs.
    pub bytes: u32,
}

/// Waits until the kernel has printed it on the first serial port.
///
/// # Panics
/// When it does not start within `limit`.
pub fn handover(machine: &Running, limit: Duration) -> Handover {
    let start = machine.expect_after("@probe ", 0, limit);
    let mut at = start;
    for _ in 0..3 {
        at = machine.expect_after("@", at, limit);
    }
    let bytes = machine.serials[0].bytes();
    let text = String::from_utf8_lossy(&bytes[start..at]).into_owned();
    let mut parts = text.rsplitn(4, '@').skip(1);
    let mut part = || parts.next().expect("as it is printed");
    let number = |digits: &str| u32::from_str_radix(digits, 16).expect("digits");
    let (bytes, crc32) = (number(part()), number(part()));
    Handover {
        line: part().to_string(),
        crc32,
        bytes,
    }
}
