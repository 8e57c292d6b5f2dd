// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a pinned file is for.

use std::fmt;

/// One of the two copies of a file, which lie at distant places of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Twin {
    /// The first copy.
    A,
    /// The second copy.
    B,
}

/// What a pinned file is for. The order is that of the record, in which the
/// record's own places come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The record.
    Record(Twin),
    /// The state.
    State(Twin),
    /// What the boot sector loads: second stage, load table, and more.
    Blob(Twin),
    /// The tiny system's kernel.
    Kernel(Twin),
    /// Its initramfs.
    Initramfs(Twin),
    /// The new system.
    Payload,
    /// What makes the machine itself.
    Identity,
}

impl Role {
    /// All of them, in order.
    pub const ALL: [Role; 12] = [
        Role::Record(Twin::A),
        Role::Record(Twin::B),
        Role::State(Twin::A),
        Role::State(Twin::B),
        Role::Blob(Twin::A),
        Role::Blob(Twin::B),
        Role::Kernel(Twin::A),
        Role::Kernel(Twin::B),
        Role::Initramfs(Twin::A),
        Role::Initramfs(Twin::B),
        Role::Payload,
        Role::Identity,
    ];

    /// Its number on the disk, from 1.
    pub(super) fn number(self) -> u32 {
        match self {
            Role::Record(Twin::A) => 1,
            Role::Record(Twin::B) => 2,
            Role::State(Twin::A) => 3,
            Role::State(Twin::B) => 4,
            Role::Blob(Twin::A) => 5,
            Role::Blob(Twin::B) => 6,
            Role::Kernel(Twin::A) => 7,
            Role::Kernel(Twin::B) => 8,
            Role::Initramfs(Twin::A) => 9,
            Role::Initramfs(Twin::B) => 10,
            Role::Payload => 11,
            Role::Identity => 12,
        }
    }

    /// The role of a number.
    pub(super) fn of(number: u32) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.number() == number)
    }

    /// Whether the file changes after its record was made, so that the record
    /// cannot have its checksum: the record itself and the state.
    #[must_use]
    pub fn changes(self) -> bool {
        matches!(self, Role::Record(_) | Role::State(_))
    }
}

impl fmt::Display for Twin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Twin::A => "A",
            Twin::B => "B",
        })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Role::Record(twin) => write!(f, "record {twin}"),
            Role::State(twin) => write!(f, "state {twin}"),
            Role::Blob(twin) => write!(f, "blob {twin}"),
            Role::Kernel(twin) => write!(f, "kernel {twin}"),
            Role::Initramfs(twin) => write!(f, "initramfs {twin}"),
            Role::Payload => f.write_str("payload"),
            Role::Identity => f.write_str("identity"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_order_agree() {
        for (number, role) in (1..).zip(Role::ALL) {
            assert_eq!(role.number(), number);
            assert_eq!(Role::of(number), Some(role));
        }
        assert!(Role::ALL.is_sorted());
        assert_eq!((Role::of(0), Role::of(13)), (None, None));
    }

    #[test]
    fn names_tell_all_of_them_apart() {
        let mut names = Vec::new();
        for name in ["record", "state", "blob", "kernel", "initramfs"] {
            names.extend([format!("{name} A"), format!("{name} B")]);
        }
        names.extend(["payload".into(), "identity".into()]);
        assert_eq!(Role::ALL.map(|role| role.to_string()).to_vec(), names);
    }

    #[test]
    fn records_and_states_change() {
        let changes: Vec<Role> = Role::ALL.into_iter().filter(|r| r.changes()).collect();
        assert_eq!(changes, Role::ALL[..4]);
    }
}
