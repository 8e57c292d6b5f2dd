// SPDX-License-Identifier: MIT OR Apache-2.0
//! A blob read back.

use super::encode::{ENTRY, HEADER, LINE, MAGIC, MAGIC_AT, letter};
use super::{Blob, BlobError, CommandLine, Id, Load, MAX_BYTES, Twin, sectors};
use crate::numbers::{array_at, u16_at, u32_at, u64_at};
use crate::run::{Run, SECTOR, SECTOR_LEN};

/// What the header says, but for the numbers of the two loads.
struct Header {
    id: Id,
    /// Offsets, numbers of entries and lengths, in the header's order.
    numbers: [usize; 10],
    ram: [std::ops::Range<u32>; 3],
    twin: Twin,
}

fn header(blob: &[u8]) -> Option<Header> {
    let mut numbers = [0; 10];
    for (number, at) in numbers.iter_mut().zip((0x18..).step_by(2)) {
        *number = usize::from(u16_at(blob, at)?);
    }
    let range = |at: usize| Some(u32_at(blob, at)?..u32_at(blob, at + 4)?);
    let twins = [Twin::A, Twin::B];
    let shown = blob.get(0x54)?;
    Some(Header {
        id: Id(array_at(blob, 0x08)?),
        numbers,
        ram: [range(0x3c)?, range(0x44)?, range(0x4c)?],
        twin: twins.into_iter().find(|twin| letter(*twin) == *shown)?,
    })
}

/// Stage 2, as far as it is code: what the load table follows.
pub(super) fn code_of(blob: &[u8]) -> Option<&[u8]> {
    let code = u16_at(blob, 0x18)?;
    blob.get(..usize::from(code))
}

/// One of the two loads, and the rest of the table. Its entries must go on from
/// each other and hold as many sectors as the header's bytes have.
fn load<'a>(table: &'a [u8], count: usize, header: &[u8], at: usize) -> Option<(Load, &'a [u8])> {
    let (entries, rest) = table.split_at_checked(count.checked_mul(ENTRY)?)?;
    let mut load = Load {
        address: u32_at(entries, 12)?,
        runs: Vec::new(),
        bytes: u32_at(header, at)?,
        crc32: u32_at(header, at + 4)?,
    };
    let mut next = load.address;
    let mut total: u64 = 0;
    for entry in entries.chunks_exact(ENTRY) {
        let count = u32_at(entry, 8)?;
        if u32_at(entry, 12)? != next || count == 0 {
            return None;
        }
        next = next.checked_add(count.checked_mul(SECTOR as u32)?)?;
        total = total.checked_add(u64::from(count))?;
        let run = Run {
            lba: u64_at(entry, 0)?,
            sectors: u64::from(count),
        };
        run.end()?;
        load.runs.push(run);
    }
    (total == sectors(u64::from(load.bytes))).then_some((load, rest))
}

impl Blob {
    /// Reads a blob. Its code is not looked at.
    ///
    /// # Errors
    /// When the bytes are not a blob, or not as [`Blob::encode`] writes one.
    pub fn decode(blob: &[u8]) -> Result<Blob, BlobError> {
        let damaged = BlobError::Damaged;
        let whole = blob.len().is_multiple_of(SECTOR_LEN) && blob.len() <= MAX_BYTES;
        let magic = array_at(blob, MAGIC_AT);
        if !whole || magic.as_ref() != Some(MAGIC) {
            return Err(BlobError::NotOurs);
        }
        let head = header(blob).ok_or(damaged("header"))?;
        let [
            code,
            kernels,
            initramfses,
            setup,
            setup_bytes,
            line,
            line_bytes,
            drive,
            start,
            old,
        ] = head.numbers;
        // One part follows the other, and zeros fill up the last sectors.
        let table_bytes = (kernels + initramfses) * ENTRY;
        let follows = code >= HEADER
            && code.is_multiple_of(ENTRY)
            && setup == code + table_bytes
            && line == setup + setup_bytes
            && old == (line + line_bytes).next_multiple_of(SECTOR_LEN)
            && blob.len() == old + SECTOR_LEN;
        let zeros = [0x55..HEADER.min(code), line + line_bytes..old];
        let is_zero = |range: std::ops::Range<usize>| {
            let bytes = blob.get(range);
            bytes.is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0))
        };
        if !follows || !zeros.into_iter().all(is_zero) {
            return Err(damaged("header"));
        }
        let part = |at: usize, length: usize| blob.get(at..at.checked_add(length)?);
        let table = part(code, table_bytes).ok_or(damaged("load table"))?;
        let (kernel, rest) = load(table, kernels, blob, 0x2c).ok_or(damaged("load table"))?;
        let loaded = load(rest, initramfses, blob, 0x34).filter(|(_, rest)| rest.is_empty());
        let (initramfs, _) = loaded.ok_or(damaged("load table"))?;

        let text = part(line, line_bytes).and_then(|text| text.strip_suffix(&[0]));
        let place = |at: usize| at.checked_sub(line);
        let line =
            text.and_then(|text| CommandLine::of(text.to_vec(), place(drive)?, place(start)?));
        let setup = part(setup, setup_bytes).ok_or(damaged("setup"))?;
        let told = [
            u32_at(setup, 0x218) == Some(initramfs.address),
            u32_at(setup, 0x21c) == Some(initramfs.bytes),
            u32_at(setup, 0x228) == Some(LINE),
        ];
        if told.contains(&false) {
            return Err(damaged("setup"));
        }
        Ok(Blob {
            id: head.id,
            twin: head.twin,
            kernel,
            initramfs,
            ram: head.ram,
            setup: setup.to_vec(),
            line: line.ok_or(damaged("command line"))?,
            old_sector: array_at(blob, old).ok_or(damaged("old boot sector"))?,
        })
    }
}
