// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is something only together with other devices.

use super::Kind;

/// A device as a member of something bigger, by its own signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What all members have in common, a UUID mostly; empty where the
    /// signature does not name it.
    pub whole: String,
    /// Which of the members this is. A copy of it has the same; empty where
    /// the signature does not say it.
    pub member: String,
    /// Which place in the whole it takes. Mirrors share one, where the whole
    /// is made of mirrors; otherwise it is the member's own.
    pub slot: String,
    /// How many places there are at least, this one included.
    pub slots: u64,
}

impl Part {
    /// One that has a place for itself.
    pub(super) fn new(whole: String, member: impl Into<String>, slots: u64) -> Self {
        let member = member.into();
        Self {
            whole,
            slot: member.clone(),
            member,
            slots,
        }
    }
}

impl Kind {
    /// What devices with this signature are members of.
    #[must_use]
    pub fn whole(self) -> &'static str {
        match self {
            Self::Md090 | Self::Md10 | Self::Md11 | Self::Md12 => "RAID array",
            Self::Btrfs => "btrfs file system",
            Self::Zfs => "ZFS pool",
            Self::Bcache => "bcache set",
            Self::Bcachefs => "bcachefs file system",
            Self::Ext2 | Self::Ext3 | Self::Ext4 | Self::ExtJournal => "external journal",
            Self::Xfs | Self::XfsLog => "XFS file system",
            Self::Luks => "LUKS header",
            Self::Integrity => "dm-integrity device",
            Self::BlueStore => "Ceph OSD",
            Self::Stratis => "Stratis pool",
            Self::LvmPv => "volume group",
            _ => "device",
        }
    }
}
