// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the caller decides about a new file system, and why it may be refused.

/// The smallest device that is formatted, in bytes: room for one block group
/// with a journal of the smallest size.
pub const MIN_BYTES: u64 = 8 << 20;

/// Why a file system cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The label does not fit into the superblock.
    #[error("the ext4 label {label:?} has {length} bytes and may have 16; choose a shorter one")]
    LabelTooLong {
        /// The label that was asked for.
        label: String,
        /// Its length in bytes.
        length: usize,
    },
    /// The label holds a NUL byte, which would cut it short on the disk.
    #[error("the ext4 label {label:?} holds a NUL byte; choose another one")]
    LabelWithNul {
        /// The label that was asked for.
        label: String,
    },
    /// The device is too small.
    #[error(
        "{size} bytes are too few for an ext4 file system; it needs {minimum} or more, \
         make the volume bigger"
    )]
    TooSmall {
        /// Size of the device in bytes.
        size: u64,
        /// The least size in bytes.
        minimum: u64,
    },
    /// More than 2^32 - 1 blocks: mke2fs leaves out `resize_inode` there, and
    /// the file system would not be the one that old GRUBs read.
    #[error(
        "{size} bytes are too many for this ext4 format; it ends at {maximum}, \
         make the volume smaller"
    )]
    TooLarge {
        /// Size of the device in bytes.
        size: u64,
        /// The greatest size in bytes.
        maximum: u64,
    },
    /// The device's logical sectors are of a size that no ext4 block can have here.
    #[error("logical sectors of {sector} bytes are not supported; only 512, 1024, 2048 and 4096")]
    SectorSize {
        /// The size that was given, in bytes.
        sector: u32,
    },
    /// The metadata does not fit; only on sizes next to the least one.
    #[error(
        "an ext4 file system of {size} bytes has no room for its {what}; make the volume bigger"
    )]
    NoRoom {
        /// Size of the device in bytes.
        size: u64,
        /// What found no place.
        what: &'static str,
    },
}

/// A volume label: up to 16 bytes, no NUL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Label([u8; 16]);

impl Label {
    /// Checks `text` and pads it with NUL bytes.
    ///
    /// # Errors
    /// [`Error::LabelTooLong`] over 16 bytes, [`Error::LabelWithNul`].
    pub fn new(text: &str) -> Result<Self, Error> {
        let bytes = text.as_bytes();
        if bytes.contains(&0) {
            return Err(Error::LabelWithNul {
                label: text.to_owned(),
            });
        }
        let mut label = [0; 16];
        label
            .get_mut(..bytes.len())
            .ok_or_else(|| Error::LabelTooLong {
                label: text.to_owned(),
                length: bytes.len(),
            })?
            .copy_from_slice(bytes);
        Ok(Self(label))
    }

    /// The 16 bytes as they stand in the superblock.
    pub(super) fn bytes(self) -> [u8; 16] {
        self.0
    }
}

/// What decides about a new file system. Everything else follows from it as
/// mke2fs does it.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Size of the device in bytes; what is left over at the end (less than
    /// 4 KiB, or a tail that is too short for a block group) is not used.
    pub size_bytes: u64,
    /// The device's logical sector size in bytes (512 or 4096). A file system
    /// under 512 MiB has blocks of 1 KiB where the sectors allow it.
    pub sector_bytes: u32,
    /// UUID in the order of its text form.
    pub uuid: [u8; 16],
    /// Volume label.
    pub label: Label,
    /// Seed of the directory hash; random, so that nobody can prepare names
    /// that collide.
    pub hash_seed: [u8; 16],
    /// Time of creation, seconds since 1970.
    pub time: u32,
    /// Whether the device is known to read as zeros wherever nothing is
    /// written. Then zeros are not written, and the inode tables are marked as
    /// initialised; otherwise the kernel zeroes them in the background after
    /// the first mount.
    pub zeroed: bool,
    /// First sequence number of the journal. mke2fs has 1 and writes zeros
    /// over the whole journal. Those hundreds of megabytes can be left out
    /// when this number is random: what an older file system's journal left in
    /// the same place then is not mistaken for this one's transactions at a
    /// recovery, even where both have the same UUID.
    pub journal_sequence: u32,
}

impl Options {
    /// Options as mke2fs has them for a device of `size_bytes` with sectors of
    /// 512 bytes: no label, contents unknown, journal sequence 1.
    #[must_use]
    pub fn new(size_bytes: u64, uuid: [u8; 16], hash_seed: [u8; 16], time: u32) -> Self {
        Self {
            size_bytes,
            sector_bytes: 512,
            uuid,
            label: Label::default(),
            hash_seed,
            time,
            zeroed: false,
            journal_sequence: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_16_bytes_fit_and_17_do_not() {
        assert_eq!(
            Label::new("0123456789abcdef").unwrap().bytes(),
            *b"0123456789abcdef"
        );
        let error = Label::new("0123456789abcdefg").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the ext4 label \"0123456789abcdefg\" has 17 bytes and may have 16; choose a shorter one"
        );
        assert!(matches!(
            Label::new("ü".repeat(9).as_str()),
            Err(Error::LabelTooLong { .. })
        ));
        assert!(matches!(
            Label::new("a\0b"),
            Err(Error::LabelWithNul { .. })
        ));
    }
}
