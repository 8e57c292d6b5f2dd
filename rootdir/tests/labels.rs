// SPDX-License-Identifier: MIT OR Apache-2.0
//! SELinux labels, with libselinux's own programs as the judge: Debian 12 with
//! its policy (tests/images/roots.sh), setfiles and matchpathcon in a chroot.
//! Needs root.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use ondisk::selinux::Kind;
use rootdir::RootDir;
use rootdir::labels::{self, Labels};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use testkit::run;

/// Debian 12 with a policy and without labels, and its /proc.
struct System(tempfile::TempDir);

impl System {
    fn new() -> System {
        let dir = tempfile::tempdir().unwrap();
        let words = ["--numeric-owner", "--exclude=./usr/lib/modules/*/kernel"];
        let mut command = Command::new("tar");
        command.args(words).arg("-C").arg(dir.path()).arg("-xpf");
        run(command.arg(testkit::roots("new")));
        let proc = dir.path().join("proc");
        run(Command::new("mount").args(["-t", "proc", "proc"]).arg(proc));
        System(dir)
    }

    fn chroot(&self, words: &[&str]) -> String {
        testkit::chroot(self.0.path(), words)
    }
}

impl Drop for System {
    fn drop(&mut self) {
        let proc = self.0.path().join("proc");
        let unmounted = Command::new("umount").arg(proc).status();
        assert!(unmounted.is_ok_and(|s| s.success()) || std::thread::panicking());
    }
}

const CONTEXTS: &str = "/etc/selinux/default/contexts/files/file_contexts";

/// What a migration writes, and what makes the answer hard: links in the way,
/// trees that stand for others, home directories, names that no rule knows.
const OURS: &[(Kind, &[&str])] = &[
    (
        Kind::File,
        &[
            "/etc/NetworkManager/system-connections/x.nmconnection",
            "/etc/sysconfig/network-scripts/ifcfg-x",
            "/etc/shadow",
            "/etc/shadow-",
            "/etc/gshadow",
            "/etc/passwd",
            "/etc/subuid",
            "/etc/hostname",
            "/etc/hosts",
            "/etc/resolv.conf",
            "/etc/machine-id",
            "/etc/localtime",
            "/etc/adjtime",
            "/etc/chrony/chrony.conf",
            "/etc/locale.conf",
            "/etc/network/interfaces",
            "/etc/systemd/network/10-replant-52-54-00-12-34-56.link",
            "/etc/systemd/timesyncd.conf",
            "/etc/systemd/system/x.service",
            "/etc/ssh/ssh_host_ed25519_key",
            "/etc/ssh/ssh_host_ed25519_key.pub",
            "/etc/ssh/ssh_host_rsa_key",
            "/etc/lvm/backup/VA",
            "/etc/cloud/cloud.cfg.d/99-replant.cfg",
            "/etc/dracut.conf.d/90-replant-root.conf",
            "/home/anna/.ssh/authorized_keys",
            "/home/anna/.bashrc",
            "/home/anna/.config/x/y",
            "/root/.ssh/authorized_keys",
            "/srv/anna/.ssh/authorized_keys",
            "/var/log/replant/migration.log",
            "/boot/grub/grub.cfg",
            "/boot/grub2/grub.cfg",
            "/boot/grub/i386-pc/core.img",
            "/boot/initrd.img-6.1",
            "/boot/initramfs-6.1.img",
            "/boot/loader/entries/x-6.1.conf",
            "/usr/lib/x.so.1",
            "/usr/bin/bash",
            "/strange (name)[1]*",
            "/etc/a\nline",
            "/etc/shadow\n",
        ],
    ),
    (
        Kind::Directory,
        &[
            "/",
            "/boot",
            "/data",
            "/back",
            "/lost+found",
            "/boot/lost+found",
            "/home",
            "/home/anna",
            "/home/anna/.ssh",
            "/root",
            "/root/.ssh",
            "/var/log/replant",
            "/etc/lvm/archive",
            "/mnt/x",
            "/proc",
            "/tmp",
            "/tmp/x",
        ],
    ),
    (
        Kind::Link,
        &[
            "/etc/localtime",
            "/etc/resolv.conf",
            "/vmlinuz",
            "/home/anna/x",
            "/etc/mtab",
        ],
    ),
    (Kind::Fifo, &["/opt/fifo", "/dev/initctl"]),
    (Kind::Socket, &["/dev/log", "/run/x.sock"]),
    (
        Kind::CharDevice,
        &["/dev/null", "/dev/ttyS0", "/opt/device"],
    ),
    (Kind::BlockDevice, &["/dev/vda1", "/dev/dm-0", "/dev/md/x"]),
];

fn letter(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "file",
        Kind::Directory => "dir",
        Kind::Link => "link",
        Kind::CharDevice => "char",
        Kind::BlockDevice => "block",
        Kind::Fifo => "pipe",
        Kind::Socket => "sock",
    }
}

#[test]
fn answers_and_labels_are_those_of_libselinux() {
    testkit::needs!("root", "image");
    let system = System::new();
    let root = system.0.path();
    let new = RootDir::open(root).unwrap();
    let labels = Labels::read(&new).unwrap().expect("a policy");
    assert_eq!(labels.warnings, [""; 0]);

    for (kind, paths) in OURS {
        for path in *paths {
            let words = ["matchpathcon", "-n", "-m", letter(*kind), path];
            let theirs = system.chroot(&words);
            let ours = labels.contexts.label(path.as_bytes(), *kind);
            assert_eq!(
                ours.unwrap_or("<<none>>"),
                theirs.trim(),
                "{path:?} {kind:?}"
            );
        }
    }
    // Debian's policy has no line for the request: it would be default_t.
    let marker = labels.contexts.label(b"/.autorelabel", Kind::File);
    assert_eq!(marker, Some("system_u:object_r:etc_runtime_t:s0"));

    // Every file of the system, and setfiles would change none.
    let tree = labels::tree(root).unwrap();
    let made = labels::complete(&labels, &tree, "/").unwrap();
    // The second name of a hard link is labelled with the first.
    assert!(made.unlabelled > 8000 && made.labelled < 20, "{made:?}");
    let again = labels::complete(&labels, &tree, "/").unwrap();
    let all = made.labelled + made.unlabelled;
    assert_eq!((again.labelled, again.unlabelled), (all, 0));
    assert_eq!(again.free, made.free);
    let judge = |options: &[&str]| {
        let rest = ["-n", "-v", "-F", "-m", "-e", "/proc", CONTEXTS, "/"];
        system.chroot(&[&["setfiles"], options, &rest].concat())
    };
    assert_eq!(judge(&[]), "");
    // It sees what is wrong.
    let words = ["-n", "security.selinux", "-v", "system_u:object_r:tmp_t:s0"];
    run(Command::new("setfattr")
        .args(words)
        .arg(root.join("etc/shadow")));
    run(Command::new("setfattr")
        .args(["-x", "security.selinux"])
        .arg(root.join("boot")));
    let said = judge(&[]);
    assert!(
        said.contains("/etc/shadow") && said.contains("/boot "),
        "{said}"
    );
    assert_eq!(said.lines().count(), 2, "{said}");
}

/// What another mount covers gets its label, and what is mounted does not.
#[test]
fn a_mount_point_that_is_covered_gets_its_label() {
    testkit::needs!("root", "image");
    let dir = tempfile::tempdir().unwrap();
    let (top, files) = (dir.path().join("top"), "etc/selinux/x/contexts/files");
    let mut mounted = Vec::new();
    let mut mount = |at: &Path| {
        std::fs::create_dir(at).unwrap();
        run(Command::new("mount").args(["-t", "tmpfs", "tmpfs"]).arg(at));
        mounted.push(at.to_path_buf());
    };
    mount(&top);
    std::fs::create_dir_all(top.join(files)).unwrap();
    std::fs::create_dir(top.join("etc/selinux/x/policy")).unwrap();
    for (name, text) in [
        ("etc/selinux/config", "SELINUXTYPE=x\n"),
        ("etc/selinux/x/policy/policy.33", ""),
        (
            "etc/selinux/x/contexts/files/file_contexts",
            "/.*\tu:r:any_t\n/boot\t-d\tu:r:boot_t\n",
        ),
    ] {
        std::fs::write(top.join(name), text).unwrap();
    }
    mount(&top.join("boot"));
    std::fs::write(top.join("boot/x"), "").unwrap();
    let labels = Labels::read(&RootDir::open(&top).unwrap())
        .unwrap()
        .unwrap();
    labels::complete(&labels, &labels::tree(&top).unwrap(), "/").unwrap();
    let mut found = BTreeMap::new();
    let mut look = |name: &str, path: &Path| {
        let words = [
            "--only-values",
            "-n",
            "security.selinux",
            "--absolute-names",
        ];
        let out = Command::new("getfattr")
            .args(words)
            .arg(path)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stdout)
            .trim_end_matches('\0')
            .to_owned();
        found.insert(name.to_owned(), text);
    };
    look("mounted", &top.join("boot"));
    look("in it", &top.join("boot/x"));
    look("other", &top.join("etc"));
    testkit::unmount(mounted.pop().unwrap().as_ref());
    look("covered", &top.join("boot"));
    testkit::unmount(mounted.pop().unwrap().as_ref());
    let wanted = [
        ("covered", "u:r:boot_t"),
        ("in it", ""),
        ("mounted", ""),
        ("other", "u:r:any_t"),
    ];
    let found: Vec<_> = found
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(found, wanted);
}
