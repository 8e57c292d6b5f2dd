// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signatures of file systems and other users of a block device: what is
//! there, and where to wipe.
//!
//! The caller reads the regions of [`regions`] and hands them to [`find`]. All
//! that is recognised is reported, most devices having one signature, and some
//! the rest of an older one: what is to be new must not be taken for either.
//!
//! Recognition is generous where it can be: a superblock whose checksum is
//! wrong is still one that another program may take for its own. UUIDs are
//! written the way blkid and GRUB write them.
//!
//! On a whole disk with partitions, what lies at the end (md 0.90 and 1.0,
//! ZFS) may belong to the last partition rather than to the disk.

mod cache;
mod device;
mod fat;
mod filesystem;
mod member;
mod part;
mod swap;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod zfs;

use std::ops::Range;

pub use device::{Anchor, Device, REGIONS, Region, regions};
pub use part::Part;

/// Who uses a block device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// ext2.
    Ext2,
    /// ext3.
    Ext3,
    /// ext4.
    Ext4,
    /// An external journal of ext3 or ext4.
    ExtJournal,
    /// XFS.
    Xfs,
    /// An external log of XFS.
    XfsLog,
    /// btrfs.
    Btrfs,
    /// FAT12, FAT16 or FAT32.
    Vfat,
    /// ISO 9660.
    Iso9660,
    /// Swap space.
    Swap,
    /// Swap space that holds a hibernated system.
    SwapSuspend,
    /// A physical volume of LVM2.
    LvmPv,
    /// LUKS, version 1 or 2.
    Luks,
    /// A member of an md array with a superblock of version 0.90.
    Md090,
    /// The same of version 1.0: at the end.
    Md10,
    /// The same of version 1.1: at the start.
    Md11,
    /// The same of version 1.2: 4 KiB behind the start.
    Md12,
    /// A member of a ZFS pool.
    Zfs,
    /// A backing or a cache device of bcache.
    Bcache,
    /// A device of bcachefs.
    Bcachefs,
    /// A device of dm-integrity, without LUKS.
    Integrity,
    /// A device of a Ceph OSD.
    BlueStore,
    /// A device of a Stratis pool.
    Stratis,
    /// A GUID partition table, or what is left of one.
    Gpt,
    /// A DOS partition table.
    Dos,
}

impl Kind {
    /// The name that blkid has for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ext2 => "ext2",
            Self::Ext3 => "ext3",
            Self::Ext4 => "ext4",
            Self::ExtJournal => "jbd",
            Self::Xfs => "xfs",
            Self::XfsLog => "xfs_external_log",
            Self::Btrfs => "btrfs",
            Self::Vfat => "vfat",
            Self::Iso9660 => "iso9660",
            Self::Swap => "swap",
            Self::SwapSuspend => "swsuspend",
            Self::LvmPv => "LVM2_member",
            Self::Luks => "crypto_LUKS",
            Self::Md090 | Self::Md10 | Self::Md11 | Self::Md12 => "linux_raid_member",
            Self::Zfs => "zfs_member",
            Self::Bcache => "bcache",
            Self::Bcachefs => "bcachefs",
            Self::Integrity => "DM_integrity",
            Self::BlueStore => "ceph_bluestore",
            Self::Stratis => "stratis",
            Self::Gpt => "gpt",
            Self::Dos => "dos",
        }
    }

    /// Whether it is a partition table.
    #[must_use]
    pub fn is_table(self) -> bool {
        matches!(self, Self::Gpt | Self::Dos)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// What it is.
    pub kind: Kind,
    /// UUID as blkid and GRUB write it: `XXXX-XXXX` for FAT, 8 hexadecimal
    /// digits for a DOS table, a decimal number for a ZFS pool, a date for
    /// ISO 9660, dashes after 6, 4, 4, 4, 4, 4 characters for LVM.
    pub uuid: Option<String>,
    /// Label or name; of a pool or an array, too.
    pub label: Option<String>,
    /// What it is a member of, where it is nothing alone.
    pub part: Option<Part>,
    /// Ranges of bytes that must become zero for this to be gone. They lie
    /// within the device and in what was read.
    pub clear: Vec<Range<u64>>,
}

impl Signature {
    fn new(kind: Kind, clear: Range<u64>) -> Self {
        Self {
            kind,
            uuid: None,
            label: None,
            part: None,
            clear: vec![clear],
        }
    }

    fn uuid(mut self, uuid: Option<String>) -> Self {
        self.uuid = uuid;
        self
    }

    fn label(mut self, label: Option<String>) -> Self {
        self.label = label;
        self
    }

    fn part(mut self, part: Option<Part>) -> Self {
        self.part = part;
        self
    }
}

/// Everything on a device that is recognised in what was read of it.
#[must_use]
pub fn find(device: &Device<'_>) -> Vec<Signature> {
    let mut found = Vec::new();
    found.extend(table::gpt(device));
    found.extend(table::dos(device));
    found.extend(member::lvm(device));
    found.extend(member::luks(device));
    found.extend(member::md(device));
    found.extend(zfs::zfs(device));
    found.extend(cache::bcache(device));
    found.extend(cache::bcachefs(device));
    found.extend(cache::integrity(device));
    found.extend(cache::bluestore(device));
    found.extend(cache::stratis(device));
    found.extend(filesystem::ext(device));
    found.extend(filesystem::xfs(device));
    found.extend(filesystem::xfs_log(device));
    found.extend(filesystem::btrfs(device));
    found.extend(fat::vfat(device));
    found.extend(swap::swap(device));
    found.extend(filesystem::iso9660(device));
    for signature in &mut found {
        signature
            .clear
            .retain(|range| range.end <= device.size() && !range.is_empty());
    }
    found
}
