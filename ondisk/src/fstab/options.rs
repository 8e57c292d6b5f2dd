// SPDX-License-Identifier: MIT OR Apache-2.0
//! Mount options that are another file system's.

/// Options of xfs, btrfs and FAT that ext4 does not know: with one of them it
/// is not mounted at all. They stay behind where a file system of that type
/// becomes ext4.
const FOREIGN: [&str; 56] = [
    // xfs(5)
    "allocsize",
    "attr2",
    "noattr2",
    "filestreams",
    "gqnoenforce",
    "gquota",
    "ikeep",
    "noikeep",
    "inode32",
    "inode64",
    "largeio",
    "nolargeio",
    "logbsize",
    "logbufs",
    "logdev",
    "noalign",
    "nouuid",
    "pqnoenforce",
    "pquota",
    "qnoenforce",
    "rtdev",
    "swalloc",
    "sunit",
    "swidth",
    "uqnoenforce",
    "uquota",
    "wsync",
    // btrfs(5)
    "autodefrag",
    "noautodefrag",
    "clear_cache",
    "compress",
    "compress-force",
    "datacow",
    "nodatacow",
    "datasum",
    "nodatasum",
    "degraded",
    "flushoncommit",
    "metadata_ratio",
    "nospace_cache",
    "space_cache",
    "ssd",
    "nossd",
    "ssd_spread",
    "subvol",
    "subvolid",
    "thread_pool",
    "user_subvol_rm_allowed",
    // mount(8), vfat
    "codepage",
    "dmask",
    "fmask",
    "iocharset",
    "shortname",
    "umask",
    "utf8",
    "uid",
];

/// Whether ext4 refuses to be mounted with the option (`NAME` or
/// `NAME=VALUE`).
pub fn foreign_to_ext4(option: &str) -> bool {
    let name = option.split_once('=').map_or(option, |(name, _)| name);
    FOREIGN.contains(&name)
}
