// SPDX-License-Identifier: MIT OR Apache-2.0
//! Mounting a file system so that not a byte of its device changes.

/// The options, beside `ro`, with which a file system of this type is mounted
/// without replaying its journal and without any other write; none where `ro`
/// is enough.
pub fn untouched(kind: &str) -> Option<&'static str> {
    match kind {
        // Not ext2: it has no journal, and refuses the option.
        "ext3" | "ext4" => Some("noload"),
        // A copy of it may be mounted, whose UUID would keep it from being.
        "xfs" => Some("norecovery,nouuid"),
        "btrfs" => Some("rescue=nologreplay"),
        _ => None,
    }
}
