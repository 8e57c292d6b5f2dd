// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the identity is written into the new system, and what is read there
//! for it. Paths have no slash at the beginning.
//!
//! The crate `identity` has a test that compares its sources with these tables.

use crate::os_release;

/// The longest file of the new system that the identity step reads, in bytes.
pub const LONGEST_FILE: u64 = 4 << 20;

/// Single files that are read or written.
pub const IDENTITY_FILES: [&str; 39] = [
    ".autorelabel",
    "boot/grub2/grubenv",
    "etc/adjtime",
    "etc/chrony.conf",
    "etc/chrony/chrony.conf",
    "etc/default/keyboard",
    "etc/default/locale",
    "etc/fstab",
    "etc/group",
    "etc/gshadow",
    "etc/hostname",
    "etc/hosts",
    "etc/localtime",
    "etc/locale.conf",
    "etc/login.defs",
    "etc/lvm/cache/.cache",
    "etc/lvm/devices/system.devices",
    "etc/machine-id",
    "etc/network/interfaces",
    "etc/ntp.conf",
    "etc/ntpsec/ntp.conf",
    os_release::PATHS[0],
    "etc/passwd",
    "etc/resolv.conf",
    "etc/selinux/config",
    "etc/shadow",
    "etc/ssh/sshd_config",
    "etc/subgid",
    "etc/subuid",
    "etc/sudoers",
    "etc/systemd/resolved.conf.d/replant.conf",
    "etc/systemd/system/dbus-org.freedesktop.network1.service",
    "etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
    "etc/systemd/timesyncd.conf",
    "etc/timezone",
    "etc/udev/rules.d/70-persistent-net.rules",
    "etc/vconsole.conf",
    os_release::PATHS[1],
    "var/lib/dbus/machine-id",
];

/// Directories of which files are read, written or removed.
pub const IDENTITY_DIRECTORIES: [&str; 18] = [
    "boot/loader/entries",
    "etc/NetworkManager/system-connections",
    "etc/chrony/sources.d",
    "etc/cloud/cloud.cfg.d",
    "etc/lvm/archive",
    "etc/lvm/backup",
    "etc/lvm/devices/backup",
    "etc/netplan",
    "etc/network/interfaces.d",
    "etc/ssh",
    "etc/sudoers.d",
    "etc/sysconfig/network-scripts",
    "etc/systemd/network",
    "etc/systemd/resolved.conf.d",
    "etc/systemd/system/multi-user.target.wants",
    "etc/systemd/system/sysinit.target.wants",
    "etc/systemd/timesyncd.conf.d",
    "var/lib/replant/payload",
];

/// Whether a path that the identity step uses is looked at beforehand: it is in
/// the tables, lies in a directory of theirs, or is above one of theirs.
pub fn is_identity_path(path: &str) -> bool {
    let inside = |path: &str, top: &str| is_inside(path.as_bytes(), top.as_bytes());
    let all = IDENTITY_FILES.iter().chain(&IDENTITY_DIRECTORIES);
    let mut above = all.clone().filter(|known| inside(known, path));
    above.next().is_some() || IDENTITY_DIRECTORIES.iter().any(|top| inside(path, top))
}

/// Whether `path` is `top` or lies below it.
pub(crate) fn is_inside(path: &[u8], top: &[u8]) -> bool {
    match path.strip_prefix(top) {
        Some(rest) => top.is_empty() || rest.is_empty() || rest.starts_with(b"/"),
        None => false,
    }
}
