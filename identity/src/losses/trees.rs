// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds directories of data, and their sizes.

use super::{Kind, Loss, Machine, Mounted};
use crate::error::Result;
use rootdir::{RootDir, Step};
use std::collections::BTreeSet;

/// Places where people and programs keep data, with their owner in words.
const KNOWN: [(&str, &str); 46] = [
    ("home", ""),
    ("root", ""),
    ("srv", ""),
    ("opt", ""),
    ("usr/local", ""),
    ("var/www", "web pages"),
    ("usr/share/nginx/html", "web pages"),
    ("var/lib/mysql", "MySQL or MariaDB"),
    ("var/lib/mysql-cluster", "MySQL Cluster"),
    ("var/lib/pgsql", "PostgreSQL"),
    ("var/lib/postgresql", "PostgreSQL"),
    ("var/lib/mongodb", "MongoDB"),
    ("var/lib/mongo", "MongoDB"),
    ("var/lib/redis", "Redis"),
    ("var/lib/valkey", "Valkey"),
    ("var/lib/ldap", "OpenLDAP"),
    ("var/lib/dirsrv", "389 Directory Server"),
    ("var/lib/samba", "Samba"),
    ("var/lib/elasticsearch", "Elasticsearch"),
    ("var/lib/opensearch", "OpenSearch"),
    ("var/lib/influxdb", "InfluxDB"),
    ("var/lib/prometheus", "Prometheus"),
    ("var/lib/grafana", "Grafana"),
    ("var/lib/cassandra", "Cassandra"),
    ("var/lib/couchdb", "CouchDB"),
    ("var/lib/clickhouse", "ClickHouse"),
    ("var/lib/neo4j", "Neo4j"),
    ("var/lib/rabbitmq", "RabbitMQ"),
    ("var/lib/etcd", "etcd"),
    ("var/lib/docker", "Docker"),
    ("var/lib/containers", "Podman"),
    ("var/lib/containerd", "containerd"),
    ("var/lib/kubelet", "Kubernetes"),
    ("var/lib/rancher", "Rancher"),
    ("var/lib/lxc", "LXC"),
    ("var/lib/lxd", "LXD"),
    ("var/lib/incus", "Incus"),
    ("var/lib/libvirt", "libvirt"),
    ("var/lib/machines", "systemd-nspawn"),
    ("var/lib/jenkins", "Jenkins"),
    ("var/lib/gitea", "Gitea"),
    ("var/lib/firebird", "Firebird"),
    ("var/lib/tftpboot", "files for network boots"),
    ("var/opt", ""),
    ("var/mail", "mail"),
    ("var/spool/mail", "mail"),
];

/// Other directories in /var/lib that belong to the system, which the new one
/// has, too.
const OF_THE_SYSTEM: [&str; 47] = [
    "AccountsService",
    "NetworkManager",
    "PackageKit",
    "alternatives",
    "apt",
    "aptitude",
    "authselect",
    "chrony",
    "cloud",
    "color",
    "command-not-found",
    "dbus",
    "dhclient",
    "dhcp",
    "dkms",
    "dnf",
    "dpkg",
    "fwupd",
    "gdm",
    "gdm3",
    "ghostscript",
    "grub",
    "initramfs-tools",
    "initscripts",
    "insserv",
    "kdump",
    "logrotate",
    "man-db",
    "misc",
    "mlocate",
    "nfs",
    "ntp",
    "os-prober",
    "pam",
    "plymouth",
    "polkit-1",
    "private",
    "python",
    "rpm",
    "rpm-state",
    "selinux",
    "snapd",
    "sudo",
    "systemd",
    "ucf",
    "update-notifier",
    "yum",
];

/// Smaller trees are not listed, in bytes: empty directories, and small files of
/// packages.
const LITTLE: u64 = 64 << 10;
/// The same limit for unknown directories in /var/lib.
const UNKNOWN: u64 = 1 << 20;
/// All trees together take no longer than this, in seconds, and none looks at
/// more than so many files.
const SECONDS: u64 = 20;
const ENTRIES: u64 = 2_000_000;

/// Mount points of the new system itself.
const SYSTEM: [&str; 9] = [
    "/",
    "/boot",
    "/boot/efi",
    "/usr",
    "/var",
    "/tmp",
    "/var/tmp",
    "/var/log",
    "/etc",
];

/// The trees that are lost, with their sizes.
pub(super) fn find(root: &RootDir, machine: &Machine<'_>) -> Result<Vec<Loss>> {
    let mut wanted: Vec<(String, &str, u64)> = KNOWN
        .iter()
        .map(|(path, whose)| ((*path).to_owned(), *whose, LITTLE))
        .collect();
    for name in root.list("var/lib")? {
        let path = format!("var/lib/{name}");
        let known = wanted.iter().any(|(p, ..)| *p == path);
        if !known && !OF_THE_SYSTEM.contains(&name.as_str()) && root.is_dir(&path)? {
            wanted.push((path, "", UNKNOWN));
        }
    }
    for mount in &machine.mounts {
        let path = mount.target.trim_start_matches('/').to_owned();
        let known = wanted.iter().any(|(p, ..)| *p == path);
        if mount.lost && mount.whole && !known && !SYSTEM.contains(&mount.target.as_str()) {
            wanted.push((path, "a file system of its own", 0));
        }
    }
    let (start, mut seen) = ((machine.clock)(), BTreeSet::new());
    let mut found = Vec::new();
    for (path, whose, least) in wanted {
        // Two names of one directory are one tree.
        let real = root.real_path(&path);
        let Some(real) = real.ok().flatten().filter(|r| !r.is_empty()) else {
            continue;
        };
        if !is_lost(&machine.mounts, &real) || !seen.insert(real.clone()) {
            continue;
        }
        let late = || (machine.clock)().saturating_sub(start) >= SECONDS;
        let (bytes, whole) = size(root, &real, &late)?;
        if bytes < least && whole {
            continue;
        }
        found.push(Loss {
            bytes: Some(bytes),
            more: !whole,
            ..Loss::new(Kind::Tree, format!("/{path}"), whose)
        });
    }
    Ok(found)
}

/// Whether a path lies on the disk that is replaced.
pub(super) fn is_lost(mounts: &[Mounted], real: &str) -> bool {
    let path = format!("/{}", real.trim_matches('/'));
    let below = |m: &&Mounted| {
        let target = m.target.trim_end_matches('/');
        let rest = path.strip_prefix(target);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    // Of several at one place the last one is on top.
    let holder = mounts
        .iter()
        .enumerate()
        .filter(|(_, m)| below(m))
        .max_by_key(|(n, m)| (m.target.trim_end_matches('/').len(), *n));
    holder.is_none_or(|(_, m)| m.lost)
}

/// What a tree takes, and whether that is all of it.
fn size(root: &RootDir, path: &str, late: &dyn Fn() -> bool) -> Result<(u64, bool)> {
    let (mut bytes, mut entries, mut twice) = (0_u64, 0_u64, BTreeSet::new());
    let walked = root.walk(path, &mut |entry| {
        entries += 1;
        if entries > ENTRIES || (entries % 256 == 1 && late()) {
            return Step::End;
        }
        if entry.is_dir || entry.names < 2 || twice.insert(entry.inode) {
            bytes = bytes.saturating_add(entry.bytes);
        }
        Step::On
    });
    match walked {
        Ok(whole) => Ok((bytes, whole)),
        // A file in the place of a directory, or one that cannot be opened.
        Err(_) => Ok((bytes, root.is_dir(path).is_ok_and(|is| !is))),
    }
}
