// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs of a new system that look further than they should. Needs root,
//! GRUB's grub-mkconfig (package grub-common) and busybox-static.

use crate::disk::Disk;
use crate::mount;
use crate::program::Supervision;
use crate::tiny::boot::{Area, Job};
use ondisk::gpt::{Guid, Table};
use rootdir::RootDir;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

fn run(root: &Path, jobs: &[Job]) -> Result<Vec<String>, crate::tiny::boot::Error> {
    let supervision = Supervision {
        silence: Supervision::SILENCE,
        grace: Supervision::GRACE,
        disk: None,
    };
    let image = tempfile::NamedTempFile::new().unwrap();
    image.as_file().set_len(1 << 20).unwrap();
    let disk = Disk::open(image.path()).unwrap();
    let table = Table::new(1 << 20, 512, Guid([1; 16])).unwrap();
    let area = Area::of(&disk, &table);
    crate::tiny::boot::run(root, jobs, &area, &supervision, &mut |_| {})
}

/// Runs the calling test in a mount namespace of its own; whether this is it.
fn alone(test: &str) -> bool {
    const MARK: &str = "REPLANT_TEST_ALONE";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let out = Command::new("unshare")
        .args(["--mount", "--propagation", "private"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", test])
        .env(MARK, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout) + String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && text.contains("1 passed"), "{text}");
    false
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

const PROBER: &str = "#!/bin/sh\necho \"$0\" >>/trace\n";

/// The real grub-mkconfig and its 30_os-prober, a shell, and stand-ins for what
/// would look at disks.
fn tree(root: &Path) {
    for dir in ["bin", "tmp", "boot/grub", "dev", "proc", "sys", "run"] {
        std::fs::create_dir_all(root.join(dir)).unwrap();
    }
    testkit::copy_program("/bin/busybox", &root.join("bin/busybox"));
    let applets = Command::new("/bin/busybox").arg("--list").output().unwrap();
    for applet in String::from_utf8(applets.stdout).unwrap().lines() {
        if applet != "busybox" {
            symlink("busybox", root.join("bin").join(applet)).unwrap();
        }
    }
    for file in [
        "usr/sbin/grub-mkconfig",
        "usr/share/grub/grub-mkconfig_lib",
        "etc/grub.d/30_os-prober",
    ] {
        let text = std::fs::read_to_string(Path::new("/").join(file)).expect("grub-common");
        write(&root.join(file), &text);
    }
    write(
        &root.join("etc/default/grub"),
        "GRUB_DISABLE_OS_PROBER=false\n",
    );
    write(&root.join("usr/sbin/grub-probe"), "#!/bin/sh\necho ext2\n");
    for name in ["grub-script-check", "grub-editenv"] {
        write(&root.join("usr/bin").join(name), "#!/bin/sh\n");
    }
    // One by an absolute link, one by two paths.
    write(&root.join("opt/prober"), PROBER);
    symlink("/opt/prober", root.join("usr/bin/os-prober")).unwrap();
    write(&root.join("usr/bin/linux-boot-prober"), PROBER);
    symlink(
        "../usr/bin/linux-boot-prober",
        root.join("bin/linux-boot-prober"),
    )
    .unwrap();
}

#[test]
fn grub_mkconfig_cannot_look_at_other_disks() {
    testkit::needs!("root", "/bin/busybox", "grub-mkconfig");
    if !alone("tiny::boot::probers::tests::grub_mkconfig_cannot_look_at_other_disks") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    tree(&root);
    let trace = root.join("trace");
    let words = ["/usr/sbin/grub-mkconfig", "-o", "/boot/grub/grub.cfg"];
    let plain = Command::new("chroot").arg(&root).args(words).status();
    assert!(plain.unwrap().success());
    assert!(trace.exists(), "by itself, grub-mkconfig calls os-prober");
    std::fs::remove_file(&trace).unwrap();
    std::fs::remove_file(root.join("boot/grub/grub.cfg")).unwrap();

    let job = |words: &[&str]| Job {
        words: words.iter().map(|w| w.to_string()).collect(),
        optional: false,
        guarded: true,
    };
    let jobs = [
        job(&words),
        // Whoever calls them by their paths finds no more.
        job(&["/usr/bin/os-prober"]),
        job(&["/bin/linux-boot-prober", "/dev/sda1"]),
        job(&[
            "sh",
            "-c",
            "test -x /usr/bin/os-prober && ! echo x >>/opt/prober",
        ]),
    ];
    run(&root, &jobs).unwrap();
    assert!(root.join("boot/grub/grub.cfg").exists());
    assert!(!trace.exists());
    for file in ["opt/prober", "usr/bin/linux-boot-prober"] {
        assert_eq!(std::fs::read_to_string(root.join(file)).unwrap(), PROBER);
    }
    let left = crate::machine::mounts().unwrap();
    assert!(!left.iter().any(|m| Path::new(&m.target).starts_with(&root)));

    // The same after a run that failed.
    run(&root, &[job(&["false"])]).unwrap_err();
    let left = crate::machine::mounts().unwrap();
    assert!(!left.iter().any(|m| Path::new(&m.target).starts_with(&root)));
}

#[test]
fn nothing_is_mounted_where_a_link_leads() {
    testkit::needs!("root", "/bin/busybox", "grub-mkconfig");
    if !alone("tiny::boot::probers::tests::nothing_is_mounted_where_a_link_leads") {
        return;
    }
    let top = tempfile::tempdir().unwrap();
    let (root, outside) = (top.path().join("root"), top.path().join("outside"));
    for dir in [&root, &outside] {
        std::fs::create_dir(dir).unwrap();
    }
    for name in ["dev", "run"] {
        symlink(&outside, root.join(name)).unwrap();
        let error = run(&root, &[]).unwrap_err().to_string();
        assert!(
            error.contains(name) && error.contains("is a link"),
            "{error}"
        );
        std::fs::remove_file(root.join(name)).unwrap();
    }
    let below = RootDir::open(&root).unwrap();
    symlink(&outside, root.join("boot")).unwrap();
    mount::below(&below, "/boot/x", Path::new("/dev/null")).unwrap_err();
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
    let left = crate::machine::mounts().unwrap();
    let inside = |m: &crate::machine::Mount| Path::new(&m.target).starts_with(top.path());
    assert!(!left.iter().any(inside));
}
