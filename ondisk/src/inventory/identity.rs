// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the identity is written into the new system, and what is read there
//! for it. What stands in the way would fail the identity step for ever, when
//! the old system is gone; so it is refused before.
//!
//! The crate `identity` has a test that compares its sources with these tables.

use super::tree::{Dead, Node, Tree, parent};
use super::{Findings, is_inside};
use crate::os_release;
use std::collections::BTreeSet;

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

/// Refuses what stands in the way; `long` are the paths of files that are
/// longer than [`LONGEST_FILE`].
pub(super) fn check(tree: &Tree, long: &BTreeSet<Vec<u8>>, refusals: &mut Findings) {
    let mut blocked = BTreeSet::new();
    let mut say = |path: Vec<u8>, what: String| {
        if blocked.insert(path.clone()) {
            refusals.push(&path, what);
        }
    };
    for directory in IDENTITY_DIRECTORIES {
        if let Some((path, what)) = in_the_way(tree, directory.as_bytes()) {
            say(path, what);
            continue;
        }
        let Ok((real, Node::Directory)) = tree.follow(directory.as_bytes()) else {
            continue;
        };
        let names = tree.inside(&real).map(|(name, _)| name);
        for name in names.filter(|name| !name.contains(&b'/')) {
            let path = [directory.as_bytes(), name].join(&b'/');
            // Files are put in their place; any other directory is passed by.
            let is_own = name.starts_with(b"ssh_host_");
            if let Some(what) = file(tree, &path, long, is_own) {
                say(path, what);
            }
        }
    }
    for path in IDENTITY_FILES {
        let path = path.as_bytes();
        match in_the_way(tree, parent(path)) {
            Some((path, what)) => say(path, what),
            None => {
                if let Some(what) = file(tree, path, long, true) {
                    say(path.to_vec(), what);
                }
            }
        }
    }
}

/// The first part of a directory's path that is neither missing nor leads to a
/// directory.
fn in_the_way(tree: &Tree, directory: &[u8]) -> Option<(Vec<u8>, String)> {
    let ends = directory.iter().enumerate().filter(|(_, b)| **b == b'/');
    let ends = ends.map(|(at, _)| at).chain([directory.len()]);
    for end in ends {
        let part = directory.get(..end).unwrap_or(directory);
        let what = match tree.follow(part) {
            Ok((_, Node::Directory)) => continue,
            Ok(_) => "is no directory",
            Err(Dead::Loop) => "is a link that leads round in a circle",
            Err(Dead::End) if tree.stands_at(part) => "is a link that leads nowhere",
            // It is made, with all that is below it.
            Err(Dead::End) => return None,
        };
        return Some((
            part.to_vec(),
            format!(
                "{what}, and the machine's identity is to be written there; make it a directory in the new system, and capture it again"
            ),
        ));
    }
    None
}

/// Why a file could not be read, or, where `is_own`, be replaced.
fn file(tree: &Tree, path: &[u8], long: &BTreeSet<Vec<u8>>, is_own: bool) -> Option<String> {
    let remedy = "and the machine's identity is to be written there or looked up in it";
    match tree.follow(path) {
        Ok((real, Node::File(_))) if long.contains(&real) => Some(format!(
            "is longer than {LONGEST_FILE} bytes, {remedy}; shorten it in the new system, and capture it again"
        )),
        Ok((real, Node::Directory)) if is_own && real == path => Some(format!(
            "is a directory, {remedy}; make it a file in the new system or remove it, and capture it again"
        )),
        Err(Dead::Loop) => Some(format!(
            "is a link that leads round in a circle, {remedy}; make it a file in the new system or remove it, and capture it again"
        )),
        _ => None,
    }
}
