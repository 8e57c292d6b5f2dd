// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds files below /etc that differ from those of the packages.

use super::packages::{Origin, Packages, Rpm};
use super::{Kind, Loss, texts};
use crate::error::Result;
use rootdir::{RootDir, Step};

/// The most files that are examined.
const MOST: usize = 20_000;

/// Files, and prefixes of paths, that are carried over or are generated.
const CARRIED: [&str; 38] = [
    "passwd",
    "group",
    "shadow",
    "gshadow",
    "subuid",
    "subgid",
    "hostname",
    "hosts",
    "machine-id",
    "adjtime",
    "localtime",
    "timezone",
    "resolv.conf",
    "fstab",
    "mtab",
    "ld.so.cache",
    ".pwd.lock",
    ".updated",
    "locale.conf",
    "vconsole.conf",
    "default/locale",
    "default/keyboard",
    "sysconfig/network",
    "sysconfig/clock",
    "network/interfaces",
    "aliases.db",
    "udev/hwdb.bin",
    "crypttab",
    "lvm/devices/system.devices",
    "os-release",
    "issue",
    "grub2.cfg",
    "blkid.tab",
    "ssl/openssl.cnf.dist",
    "mailcap",
    "papersize",
    "rc.d/rc.sysinit",
    "prelink.cache",
];
const PLACES: [&str; 23] = [
    "ssh/ssh_host_",
    "NetworkManager/system-connections/",
    "sysconfig/network-scripts/",
    "network/interfaces.d/",
    "netplan/",
    "systemd/network/",
    "systemd/system/",
    "ssl/certs/",
    "ca-certificates/extracted/",
    "pki/ca-trust/",
    "pki/trust/",
    "pki/nssdb/",
    "selinux/",
    "alternatives/",
    "lvm/archive/",
    "lvm/backup/",
    "lvm/cache/",
    "upd/",
    "apparmor.d/cache/",
    "console-setup/cached",
    "xml/",
    "udev/rules.d/70-persistent-",
    "ca-certificates/trust-source/",
];
/// Suffixes of backup files of programs and packages.
const LEFTOVERS: [&str; 11] = [
    "~",
    "-",
    ".rpmsave",
    ".rpmnew",
    ".rpmorig",
    ".dpkg-old",
    ".dpkg-dist",
    ".dpkg-new",
    ".ucf-dist",
    ".ucf-old",
    ".swp",
];

/// Where firewalls keep their rules: files, and directories.
const FIREWALLS: [&str; 17] = [
    "sysconfig/iptables",
    "sysconfig/ip6tables",
    "iptables/",
    "iptables.rules",
    "iptables.up.rules",
    "nftables.conf",
    "nftables/",
    "sysconfig/nftables.conf",
    "firewalld/zones/",
    "firewalld/policies/",
    "firewalld/services/",
    "firewalld/ipsets/",
    "firewalld/direct.xml",
    "ufw/",
    "shorewall/",
    "ferm/",
    "csf/",
];
const KERNEL: [&str; 7] = [
    "sysctl.conf",
    "sysctl.d/",
    "modprobe.conf",
    "modprobe.d/",
    "modules",
    "modules-load.d/",
    "rc.modules",
];

/// The kind of a file by its name; `None` if it is not worth a line.
pub(super) fn kind(name: &str) -> Option<Kind> {
    let at = |places: &[&str]| {
        let is = |place: &&str| match place.ends_with('/') {
            true => name.starts_with(*place),
            false => name == *place,
        };
        places.iter().any(is)
    };
    let leftover = LEFTOVERS.iter().any(|end| name.ends_with(end));
    let place = PLACES.iter().any(|place| name.starts_with(place));
    if leftover || place || at(&CARRIED) {
        return None;
    }
    let cron = name.starts_with("cron.") && !name.starts_with("cron.allow");
    Some(match name {
        // Empty, so that the directory stays.
        name if name.ends_with("/.placeholder") => return None,
        "crontab" | "anacrontab" => Kind::Cron,
        _ if cron => Kind::Cron,
        _ if at(&FIREWALLS) => Kind::Firewall,
        _ if at(&KERNEL) => Kind::Kernel,
        _ => Kind::Changed,
    })
}

/// Crontabs, firewalls, settings of the kernel, and whatever else was changed
/// or added.
pub(super) fn find(
    root: &RootDir,
    packages: &mut Packages,
    rpm: Option<&dyn Rpm>,
) -> Result<Vec<Loss>> {
    let mut files: Vec<String> = Vec::new();
    let whole = root.walk("etc", &mut |entry| {
        if files.len() >= MOST {
            return Step::End;
        }
        if entry.is_file {
            files.push(format!("/{}", entry.path));
        }
        Step::On
    })?;
    files.sort();
    let named = |path: &String| path.strip_prefix("/etc/").and_then(kind).is_some();
    let asked: Vec<String> = files.iter().filter(|f| named(f)).cloned().collect();
    packages.ask(rpm, &asked);
    let mut found = Vec::new();
    for path in files {
        let Some(kind) = path.strip_prefix("/etc/").and_then(kind) else {
            continue;
        };
        // Without lists of packages, changes cannot be recognised.
        if kind == Kind::Changed && !packages.known {
            continue;
        }
        let bytes = match root.read(&path) {
            Ok(bytes) => bytes.unwrap_or_default(),
            Err(error) => {
                found.push(Loss::new(Kind::Unread, path, error.to_string()));
                continue;
            }
        };
        let origin = packages.origin(&path, &bytes);
        if origin == Origin::Package {
            continue;
        }
        let text = String::from_utf8_lossy(&bytes);
        let (count, what) = match kind {
            Kind::Firewall => (texts::rules(&text), "lines of rules"),
            Kind::Kernel => (texts::lines(&text, &['#', ';']), "settings"),
            Kind::Cron if path.starts_with("/etc/cron.d/") || path.ends_with("tab") => {
                (texts::jobs(&text), "jobs")
            }
            _ => (usize::from(!bytes.is_empty()), ""),
        };
        if count == 0 {
            continue;
        }
        let note = match what {
            "" => String::new(),
            what => format!("{count} {what}"),
        };
        let kind = match (kind, origin) {
            (Kind::Changed, Origin::Own) => Kind::Added,
            (kind, _) => kind,
        };
        found.push(Loss::new(kind, path, note));
    }
    if !whole {
        found.push(Loss::new(
            Kind::Unread,
            "/etc",
            "not all of its files were looked at",
        ));
    }
    Ok(found)
}
