// SPDX-License-Identifier: MIT OR Apache-2.0
//! One header and its entries: checked here, decoded and encoded by gptman.

use crate::numbers::{array_at, u32_at};
use std::io::{self, Cursor, Seek, SeekFrom, Write};

use gptman::{GPTHeader, GPTPartitionEntry};

use super::{Copy, Error, Guid, Name, Partition, Table};

/// Bytes of a header that has no reserved tail; no other size is in use.
const HEADER_SIZE: usize = 92;
/// Bytes of an entry. The kernel and sgdisk accept no other size, too.
pub(super) const ENTRY_SIZE: u32 = 128;
/// More entries than any tool makes; the kernel's own limit is 4 MiB of them.
pub(super) const MAX_ENTRIES: u32 = 32768;

const SIGNATURE: &[u8; 8] = b"EFI PART";
/// Where the disk's GUID is.
const GUID_AT: usize = 56;

/// The GUID of the disk with this header, whatever else is wrong with it.
#[must_use]
pub fn disk_guid(block: &[u8]) -> Option<Guid> {
    block.starts_with(SIGNATURE).then_some(())?;
    array_at(block, GUID_AT).map(Guid)
}

/// Blocks that `count` entries take.
pub(super) fn entry_blocks(count: u32, block_size: u32) -> u64 {
    (u64::from(count) * u64::from(ENTRY_SIZE)).div_ceil(u64::from(block_size.max(1)))
}

/// Checks the block sizes that Linux has.
pub(super) fn check_block_size(block_size: u32) -> Result<(), Error> {
    if block_size.is_power_of_two() && (512..=65536).contains(&block_size) {
        Ok(())
    } else {
        Err(Error::BlockSize(block_size))
    }
}

/// `bytes` for the codec, which reads as many bytes as its structures have in
/// memory: more than on disk, up to 24 for an entry.
fn padded(bytes: &[u8]) -> Cursor<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    bytes.resize(
        bytes.len() + size_of::<GPTPartitionEntry>().max(size_of::<GPTHeader>()),
        0,
    );
    Cursor::new(bytes)
}

/// Decodes the header at the start of `block`: signature, revision, sizes and
/// checksum are right, and the number of entries is within bounds.
pub(super) fn parse(block: &[u8], copy: Copy) -> Result<GPTHeader, Error> {
    let bytes = block.get(..HEADER_SIZE).ok_or(Error::TooShort {
        what: "a GPT header",
        have: block.len() as u64,
        need: HEADER_SIZE as u64,
    })?;
    let number = |at| u32_at(bytes, at).unwrap_or(0);
    if !bytes.starts_with(SIGNATURE) {
        return Err(Error::NoSignature(copy));
    }
    let unsupported = |field, value: u32| Error::Unsupported {
        copy,
        field,
        value: value.into(),
    };
    if number(8) != 0x0001_0000 {
        return Err(unsupported("revision", number(8)));
    }
    if number(12) as usize != HEADER_SIZE {
        return Err(unsupported("header size", number(12)));
    }
    let header = GPTHeader::read_from(&mut padded(bytes)).map_err(|e| match e {
        gptman::Error::InvalidChecksum(stored, computed) => Error::HeaderChecksum {
            copy,
            stored,
            computed,
        },
        other => Error::Codec(other.to_string()),
    })?;
    if header.size_of_partition_entry != ENTRY_SIZE {
        return Err(unsupported(
            "size of partition entry",
            header.size_of_partition_entry,
        ));
    }
    if !(1..=MAX_ENTRIES).contains(&header.number_of_partition_entries) {
        return Err(unsupported(
            "number of partition entries",
            header.number_of_partition_entries,
        ));
    }
    Ok(header)
}

/// Decodes the entries of a header that [`parse`] accepted; `bytes` start with
/// the first entry. Unused entries are left out.
pub(super) fn parse_entries(
    header: &GPTHeader,
    bytes: &[u8],
    copy: Copy,
) -> Result<Vec<Partition>, Error> {
    let need = u64::from(header.number_of_partition_entries) * u64::from(ENTRY_SIZE);
    if (bytes.len() as u64) < need {
        return Err(Error::TooShort {
            what: "a GPT entry array",
            have: bytes.len() as u64,
            need,
        });
    }
    // The codec seeks to where the header says; here the array starts at 0.
    let here = GPTHeader {
        partition_entry_lba: 0,
        ..header.clone()
    };
    let entries = here
        .read_partitions(&mut padded(bytes), 1)
        .map_err(|e| match e {
            gptman::Error::InvalidPartitionEntryArrayChecksum(stored, computed) => {
                Error::EntriesChecksum {
                    copy,
                    stored,
                    computed,
                }
            }
            other => Error::Codec(other.to_string()),
        })?;
    let used = (1..)
        .zip(entries.iter())
        .filter(|(_, entry)| entry.is_used());
    used.map(|(number, entry)| {
        Ok(Partition {
            number,
            type_guid: Guid(entry.partition_type_guid),
            guid: Guid(entry.unique_partition_guid),
            first_lba: entry.starting_lba,
            last_lba: entry.ending_lba,
            attributes: entry.attribute_bits,
            // The codec shows a name only as text and without what follows
            // a NUL; the bytes themselves must survive.
            name: Name::at(bytes, number)?,
        })
    })
    .collect()
}

/// The table that one copy describes; where the other copy's entries are is
/// not in its header, so they are taken to be where every tool puts them.
pub(super) fn table(
    header: &GPTHeader,
    copy: Copy,
    block_size: u32,
    partitions: Vec<Partition>,
) -> Table {
    let entry_count = header.number_of_partition_entries;
    let last = match copy {
        Copy::Primary => header.backup_lba,
        Copy::Backup => header.primary_lba,
    };
    let usual = last.saturating_sub(entry_blocks(entry_count, block_size));
    let (entries_lba, backup_entries_lba) = match copy {
        Copy::Primary => (header.partition_entry_lba, usual),
        Copy::Backup => (2, header.partition_entry_lba),
    };
    Table {
        block_size,
        disk_blocks: last.saturating_add(1),
        disk_guid: Guid(header.disk_guid),
        entry_count,
        first_usable_lba: header.first_usable_lba,
        last_usable_lba: header.last_usable_lba,
        entries_lba,
        backup_entries_lba,
        partitions,
    }
}

/// A header's block (zero-filled to `block_size`) and its entries' blocks.
pub(super) struct Encoded {
    pub header: Vec<u8>,
    pub entries: Vec<u8>,
}

/// Encodes one copy of a table that passed [`Table::check`].
pub(super) fn encode(table: &Table, copy: Copy) -> Result<Encoded, Error> {
    let last = table.disk_blocks.saturating_sub(1);
    let (my_lba, alternate_lba, entries_lba) = match copy {
        Copy::Primary => (1, last, table.entries_lba),
        Copy::Backup => (last, 1, table.backup_entries_lba),
    };
    let mut header = GPTHeader {
        signature: *SIGNATURE,
        revision: [0, 0, 1, 0],
        header_size: HEADER_SIZE as u32,
        crc32_checksum: 0,
        reserved: [0; 4],
        primary_lba: my_lba,
        backup_lba: alternate_lba,
        first_usable_lba: table.first_usable_lba,
        last_usable_lba: table.last_usable_lba,
        disk_guid: table.disk_guid.0,
        partition_entry_lba: entries_lba,
        number_of_partition_entries: table.entry_count,
        size_of_partition_entry: ENTRY_SIZE,
        partition_entry_array_crc32: 0,
    };
    let mut entries = vec![GPTPartitionEntry::empty(); table.entry_count as usize];
    for partition in &table.partitions {
        let number = partition.number;
        let slot = (number as usize)
            .checked_sub(1)
            .and_then(|i| entries.get_mut(i));
        let slot = slot.ok_or(Error::Number {
            number,
            count: table.entry_count,
        })?;
        *slot = GPTPartitionEntry::read_from(&mut padded(&partition.bytes()))
            .map_err(|e| Error::Codec(e.to_string()))?;
    }
    let block = u64::from(table.block_size);
    let mut sink = Windows {
        at: 0,
        windows: [
            (my_lba * block, vec![0; table.block_size as usize]),
            (
                entries_lba * block,
                vec![0; (entry_blocks(table.entry_count, table.block_size) * block) as usize],
            ),
        ],
    };
    header
        .write_into(&mut sink, block, &entries)
        .map_err(|e| Error::Codec(e.to_string()))?;
    let [(_, header), (_, entries)] = sink.windows;
    Ok(Encoded { header, entries })
}

/// The two parts of a disk that the codec may write to, held in memory.
struct Windows {
    at: u64,
    windows: [(u64, Vec<u8>); 2],
}

impl Write for Windows {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for (start, window) in &mut self.windows {
            let place = self
                .at
                .checked_sub(*start)
                .and_then(|from| usize::try_from(from).ok())
                .and_then(|from| window.get_mut(from..from.checked_add(bytes.len())?));
            if let Some(place) = place {
                place.copy_from_slice(bytes);
                self.at += bytes.len() as u64;
                return Ok(bytes.len());
            }
        }
        Err(io::Error::other(format!(
            "write outside of the table at byte {}",
            self.at
        )))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Windows {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match to {
            SeekFrom::Start(at) => self.at = at,
            other => return Err(io::Error::other(format!("unexpected seek {other:?}"))),
        }
        Ok(self.at)
    }
}
