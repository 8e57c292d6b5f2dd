// SPDX-License-Identifier: MIT OR Apache-2.0
//! A blob: what the loader's stage 1 reads and calls.
//!
//! It is stage 2 with a filled-in header, the load table, the kernel's setup,
//! the command line, and in its last sector the old boot sector. ARCHITECTURE.md
//! has the layout; `loader/src/stage2.s` is the other side.

mod decode;
mod encode;
mod error;
mod line;
#[cfg(test)]
mod tests;
mod twin;

pub use error::BlobError;
pub use line::CommandLine;
pub use twin::twin;

use super::boot_sector::MAX_SECTORS;
use super::id::Id;
use super::role::Twin;
use crate::bzimage::{BzImage, LOAD_ADDRESS};
use crate::run::{Run, SECTOR, SECTOR_LEN, cut};
use std::ops::Range;

/// The most bytes that a blob may have.
pub const MAX_BYTES: usize = MAX_SECTORS as usize * SECTOR_LEN;
/// The most bytes of a kernel's setup: what the boot protocol leaves for it.
const MAX_SETUP: usize = 0x8000;
/// The most bytes of a command line, without its NUL: what is behind the
/// setup's stack.
const MAX_LINE: usize = 0xfff;
/// A page, which the initramfs begins with.
const PAGE: u64 = 4096;

/// The contents of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// The staging.
    pub id: Id,
    /// Which copies of kernel and initramfs it loads; the loader shows it.
    pub twin: Twin,
    /// The kernel, without its setup.
    pub kernel: Load,
    /// The initramfs.
    pub initramfs: Load,
    /// What must be RAM of the machine, physical addresses in bytes: where the
    /// kernel is loaded, what it takes, where the initramfs is loaded.
    pub ram: [Range<u32>; 3],
    /// The kernel's setup, as it is started: with what its boot loader has to
    /// fill in.
    pub setup: Vec<u8>,
    /// The kernel's command line.
    pub line: CommandLine,
    /// The old boot sector.
    pub old_sector: [u8; 512],
}

/// A file that is loaded: from which sectors, and to which address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// Physical address of the first byte.
    pub address: u32,
    /// Where it lies on the disk, in order.
    pub runs: Vec<Run>,
    /// Its bytes; the last sector may have more.
    pub bytes: u32,
    /// CRC-32 (IEEE 802.3) of these bytes.
    pub crc32: u32,
}

/// A file on the disk.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Where it lies, in order. There may be more than the file needs.
    pub runs: &'a [Run],
    /// Its bytes.
    pub bytes: u64,
    /// CRC-32 (IEEE 802.3) of what is loaded of it: of the initramfs all, of
    /// the kernel what follows its setup.
    pub crc32: u32,
}

/// What a blob is made of.
#[derive(Debug, Clone)]
pub struct Parts<'a> {
    /// The staging.
    pub id: Id,
    /// Which copies of kernel and initramfs these are.
    pub twin: Twin,
    /// The first bytes of the kernel's file, at least its whole setup.
    pub kernel_head: &'a [u8],
    /// The kernel's file.
    pub kernel: File<'a>,
    /// The initramfs's file.
    pub initramfs: File<'a>,
    /// The command line that the kernel gets.
    pub line: CommandLine,
    /// The old boot sector, LBA 0.
    pub old_sector: [u8; 512],
}

impl Load {
    /// The address after the last sector's last byte.
    fn end(&self) -> Option<u32> {
        let bytes = sectors(u64::from(self.bytes)).checked_mul(SECTOR)?;
        self.address.checked_add(u32::try_from(bytes).ok()?)
    }
}

/// Sectors of a file.
fn sectors(bytes: u64) -> u64 {
    bytes.div_ceil(SECTOR)
}

impl Blob {
    /// Decides where kernel and initramfs are loaded to. The initramfs comes as
    /// low as the kernel allows, so that a machine that has less RAM when it
    /// starts again can do so.
    ///
    /// # Errors
    /// When the kernel is none that can be started, when the files do not lie
    /// in the runs, or when they have no room below 4 GiB.
    pub fn new(parts: &Parts) -> Result<Blob, BlobError> {
        let kernel = BzImage::parse(parts.kernel_head)?;
        let too_long = |limit: usize| BlobError::LineTooLong {
            bytes: parts.line.text().len(),
            limit,
        };
        let limit = usize::try_from(kernel.cmdline_size).unwrap_or(MAX_LINE);
        if parts.line.text().len() > limit.min(MAX_LINE) {
            return Err(too_long(limit.min(MAX_LINE)));
        }
        let setup = parts.kernel_head.get(..kernel.setup_bytes);
        let setup = setup.filter(|setup| setup.len() <= MAX_SETUP);
        let setup = setup.ok_or(BlobError::SetupTooLarge {
            bytes: kernel.setup_bytes,
        })?;

        let setup_bytes = setup.len() as u64;
        let loaded = parts.kernel.bytes.checked_sub(setup_bytes);
        let loaded = loaded.filter(|bytes| *bytes > 0);
        let loaded = loaded.ok_or(BlobError::KernelTooShort {
            bytes: parts.kernel.bytes,
            setup: setup.len(),
        })?;
        let high = |what, bytes| BlobError::NoRoom { what, bytes };
        let load = |what, file: &File, skip, bytes, address: Option<u32>| {
            let runs = cut(file.runs, sectors(skip), sectors(bytes));
            let load = Load {
                address: address.ok_or(high(what, bytes))?,
                runs: runs.map_err(|short| BlobError::Runs { what, short })?,
                bytes: u32::try_from(bytes).map_err(|_| high(what, bytes))?,
                crc32: file.crc32,
            };
            let end = load.end().ok_or(high(what, bytes))?;
            Ok::<_, BlobError>((load.address..end, load))
        };
        let at = Some(LOAD_ADDRESS);
        let (kernel_ram, kernel_load) = load("kernel", &parts.kernel, setup_bytes, loaded, at)?;
        let lowest = u64::from(kernel_ram.end.max(kernel.takes.end));
        let at = u32::try_from(lowest.next_multiple_of(PAGE)).ok();
        let bytes = parts.initramfs.bytes;
        let (initramfs_ram, initramfs) = load("initramfs", &parts.initramfs, 0, bytes, at)?;
        let last = u64::from(initramfs.address) + bytes;
        if bytes == 0 || last > u64::from(kernel.initrd_addr_max) + 1 {
            return Err(high("initramfs", bytes));
        }
        Ok(Blob {
            id: parts.id,
            twin: parts.twin,
            setup: encode::filled_in(setup, &initramfs),
            kernel: kernel_load,
            initramfs,
            ram: [kernel_ram, kernel.takes, initramfs_ram],
            line: parts.line.clone(),
            old_sector: parts.old_sector,
        })
    }
}
