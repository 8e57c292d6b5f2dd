// SPDX-License-Identifier: MIT OR Apache-2.0
//! A blob's bytes.

use super::{Blob, BlobError, Load, MAX_BYTES};
use crate::run::{SECTOR, SECTOR_LEN};

/// `RPL2`, at the start of what stage 2 leaves free.
pub(super) const MAGIC: &[u8; 4] = b"RPL2";
pub(super) const MAGIC_AT: usize = 4;
/// Bytes of stage 2 until the end of the header.
pub(super) const HEADER: usize = 0x60;
/// Bytes of an entry of the load table.
pub(super) const ENTRY: usize = 16;
/// Setup and command line in the memory of the kernel's setup: its segment, and
/// where its heap and stack end.
const SETUP: u32 = 0x3_0000;
pub(super) const LINE: u32 = SETUP + 0xf000;
const HEAP_END: u16 = 0xe000;

/// The setup with what a boot loader has to tell the kernel.
pub(super) fn filled_in(setup: &[u8], initramfs: &Load) -> Vec<u8> {
    // loadflags: what the kernel says, and that there is a heap.
    let flags = setup.get(0x211).copied().unwrap_or_default() | 0x80;
    let fields: [(usize, &[u8]); 7] = [
        (0x1fa, &0xffffu16.to_le_bytes()), // the usual video mode
        (0x210, &[0xff, flags]),           // a boot loader without a number
        (0x218, &initramfs.address.to_le_bytes()),
        (0x21c, &initramfs.bytes.to_le_bytes()),
        (0x224, &(HEAP_END - 0x200).to_le_bytes()),
        (0x226, &[0, 0]),
        (0x228, &LINE.to_le_bytes()),
    ];
    let mut setup = setup.to_vec();
    for (at, bytes) in fields {
        put(&mut setup, at, bytes);
    }
    setup
}

fn put(to: &mut [u8], at: usize, bytes: &[u8]) {
    for (to, from) in to.iter_mut().skip(at).zip(bytes) {
        *to = *from;
    }
}

fn table(load: &Load) -> Result<Vec<[u8; ENTRY]>, BlobError> {
    let damaged = BlobError::Damaged("load table");
    let mut address = load.address;
    let mut entries = Vec::new();
    for run in &load.runs {
        let sectors = u32::try_from(run.sectors).map_err(|_| damaged.clone())?;
        let mut entry = [0; ENTRY];
        put(&mut entry, 0, &run.lba.to_le_bytes());
        put(&mut entry, 8, &sectors.to_le_bytes());
        put(&mut entry, 12, &address.to_le_bytes());
        let bytes = sectors.checked_mul(SECTOR as u32);
        let next = bytes.and_then(|bytes| address.checked_add(bytes));
        address = next.ok_or(damaged.clone())?;
        entries.push(entry);
    }
    Ok(entries)
}

impl Blob {
    /// The blob's bytes, a whole number of sectors of 512, beginning with
    /// `stage2`, the loader's.
    ///
    /// # Errors
    /// When it is more than stage 1 can read, because the files lie in too many
    /// pieces.
    pub fn encode(&self, stage2: &[u8]) -> Result<Vec<u8>, BlobError> {
        let code = stage2.get(..HEADER).map(|_| stage2.len());
        let code = code.filter(|bytes| bytes.is_multiple_of(ENTRY));
        let code = code.ok_or(BlobError::Damaged("stage 2"))?;
        let (kernel, initramfs) = (table(&self.kernel)?, table(&self.initramfs)?);
        let pieces = kernel.len() + initramfs.len();

        let setup = pieces.saturating_mul(ENTRY).saturating_add(code);
        let line = setup.saturating_add(self.setup.len());
        let line_bytes = self.line.text().len() + 1;
        let sector = SECTOR_LEN;
        let old = line.saturating_add(line_bytes).div_ceil(sector) * sector;
        let bytes = old + sector;
        let too_large = || BlobError::TooLarge { bytes, pieces };
        if bytes > MAX_BYTES {
            return Err(too_large());
        }
        let numbers = [
            code,
            kernel.len(),
            initramfs.len(),
            setup,
            self.setup.len(),
            line,
            line_bytes,
            line + self.line.drive(),
            line + self.line.start(),
            old,
        ];
        let mut header = MAGIC.to_vec();
        header.extend(self.id.0);
        for number in numbers {
            let number = u16::try_from(number).map_err(|_| too_large())?;
            header.extend(number.to_le_bytes());
        }
        for load in [&self.kernel, &self.initramfs] {
            header.extend(load.bytes.to_le_bytes());
            header.extend(load.crc32.to_le_bytes());
        }
        for range in &self.ram {
            header.extend(range.start.to_le_bytes());
            header.extend(range.end.to_le_bytes());
        }
        header.push(letter(self.twin));
        header.resize(HEADER - MAGIC_AT, 0);

        let mut blob = stage2.to_vec();
        blob.resize(bytes, 0);
        put(&mut blob, MAGIC_AT, &header);
        put(&mut blob, code, &[kernel, initramfs].concat().concat());
        put(&mut blob, setup, &self.setup);
        put(&mut blob, line, self.line.text());
        put(&mut blob, old, &self.old_sector);
        Ok(blob)
    }
}

/// The letter that the loader shows.
pub(super) fn letter(twin: super::Twin) -> u8 {
    match twin {
        super::Twin::A => b'A',
        super::Twin::B => b'B',
    }
}
