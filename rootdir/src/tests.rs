// SPDX-License-Identifier: MIT OR Apache-2.0
//! Links, mount points and owners that would lead out of a root.

use super::*;
use rustix::fs::FileType;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::Duration;

fn tree() -> (tempfile::TempDir, PathBuf, RootDir) {
    let top = tempfile::tempdir().unwrap();
    let root = top.path().join("root");
    std::fs::create_dir_all(root.join("etc/real")).unwrap();
    std::fs::write(top.path().join("outside"), "outside").unwrap();
    std::fs::create_dir(top.path().join("outdir")).unwrap();
    let dir = RootDir::open(&root).unwrap();
    (top, root, dir)
}

#[test]
fn no_link_leads_out() {
    let (top, root, dir) = tree();
    let outside = top.path().join("outside");
    symlink(&outside, root.join("etc/absolute")).unwrap();
    symlink("../../outside", root.join("etc/relative")).unwrap();
    symlink(top.path().join("outdir"), root.join("etc/dir")).unwrap();
    symlink("../../outdir", root.join("etc/reldir")).unwrap();
    for rel in [
        "etc/absolute",
        "etc/relative",
        "../outside",
        "etc/../../outside",
    ] {
        assert_eq!(dir.read(rel).unwrap(), None, "{rel}");
    }
    for rel in ["etc/absolute", "etc/relative"] {
        assert!(dir.write(rel, b"inside", Attributes::root(0o600)).unwrap());
        assert!(
            root.join(rel).symlink_metadata().unwrap().is_file(),
            "{rel}"
        );
    }
    // The directories that the links mean do not exist inside the root.
    dir.write("etc/dir/file", b"x", Attributes::root(0o644))
        .unwrap_err();
    dir.write("etc/reldir/file", b"x", Attributes::root(0o644))
        .unwrap_err();
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "outside");
    assert_eq!(
        std::fs::read_dir(top.path().join("outdir"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn links_inside_are_followed_for_directories() {
    let (_top, root, dir) = tree();
    symlink("/etc/real", root.join("merged")).unwrap();
    dir.write("merged/new/file", b"x", Attributes::root(0o640))
        .unwrap();
    let meta = root.join("etc/real/new/file").metadata().unwrap();
    assert_eq!(meta.permissions().mode() & 0o7777, 0o640);
    assert_eq!(dir.list("merged").unwrap(), ["new"]);
    assert_eq!(dir.read("/merged/new/file").unwrap().unwrap(), b"x");
}

#[test]
fn writing_the_same_changes_nothing() {
    let (_top, root, dir) = tree();
    assert!(dir.write("etc/f", b"one", Attributes::root(0o600)).unwrap());
    let inode = root.join("etc/f").metadata().unwrap().ino();
    assert!(!dir.write("etc/f", b"one", Attributes::root(0o600)).unwrap());
    assert_eq!(root.join("etc/f").metadata().unwrap().ino(), inode);
    assert!(dir.write("etc/f", b"two", Attributes::root(0o600)).unwrap());
    assert!(dir.write("etc/f", b"two", Attributes::root(0o644)).unwrap());
    assert_eq!(
        std::fs::read_dir(root.join("etc")).unwrap().count(),
        2,
        "no temporary file stays"
    );
}

#[test]
fn devices_and_pipes_are_not_read_and_directories_not_replaced() {
    let (_top, root, dir) = tree();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("etc/pipe"),
        FileType::Fifo,
        Mode::RUSR | Mode::WUSR,
        0,
    )
    .unwrap();
    assert_eq!(dir.read("etc/pipe").unwrap(), None);
    assert!(
        dir.write("etc/pipe", b"x", Attributes::root(0o600))
            .unwrap()
    );
    assert!(
        dir.write("etc/real", b"x", Attributes::root(0o600))
            .is_err()
    );
    assert!(dir.write("etc/..", b"x", Attributes::root(0o600)).is_err());
    assert!(dir.remove("etc/pipe").unwrap());
    assert!(!dir.remove("etc/pipe").unwrap());
}

#[test]
fn the_walk_by_hand_agrees_with_the_kernel() {
    let (top, root, _dir) = tree();
    std::fs::write(root.join("etc/real/file"), "f").unwrap();
    let links = [
        ("a", "/etc/real"),
        ("b", "etc/real/../real"),
        ("c", "../../../etc/real/file"),
        ("loop", "loop"),
        ("dangling", "/nowhere/at/all"),
        ("out", "../outside"),
        ("chain", "a/file"),
    ];
    for (name, target) in links {
        symlink(target, root.join(name)).unwrap();
    }
    let fd = rustix::fs::open(&root, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap();
    let id = |r: rustix::io::Result<OwnedFd>| r.map(|f| rustix::fs::fstat(&f).unwrap().st_ino);
    for rel in [
        "",
        ".",
        "..",
        "a",
        "a/",
        "b",
        "c",
        "loop",
        "dangling",
        "out",
        "chain",
        "a/file",
        "a/../x",
        "etc/real/file/",
        "etc/real/file/x",
        "b/..",
        "b/../../..",
        "../../outside",
        "etc//real",
    ] {
        for flags in [
            OFlags::PATH,
            OFlags::PATH | OFlags::NOFOLLOW,
            OFlags::RDONLY,
            OFlags::RDONLY | OFlags::NOFOLLOW,
            OFlags::PATH | OFlags::DIRECTORY,
            OFlags::RDONLY | OFlags::DIRECTORY,
        ] {
            let hand = id(resolve::by_hand(fd.as_fd(), rel, flags));
            let kernel = id(resolve::open(fd.as_fd(), rel, flags));
            assert_eq!(hand, kernel, "{rel:?} {flags:?}");
        }
    }
    drop(top);
}

/// Runs as root, or as anybody.
#[test]
fn a_person_has_no_rights_but_his_own_and_root_keeps_them() {
    let (_top, root, dir) = tree();
    std::fs::write(root.join("etc/secret"), "s").unwrap();
    std::fs::set_permissions(root.join("etc/secret"), PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::write(root.join("etc/open"), "o").unwrap();
    let before = rustix::process::geteuid();
    let person = Person {
        uid: 1234,
        gid: 1234,
        groups: vec![1235],
    };
    let limit = Duration::from_secs(600);
    let read = |rel: &'static str| {
        let job = move |r: &RootDir| {
            Ok((
                r.text(rel),
                r.write("etc/new", b"", Attributes::root(0o600)),
            ))
        };
        dir.as_person(&person, limit, job).unwrap()
    };
    let (open, written) = read("etc/open");
    assert_eq!(open.unwrap().as_deref(), Some("o"));
    if before.is_root() {
        read("etc/secret").0.unwrap_err();
        written.unwrap_err();
    }
    assert_eq!(rustix::process::geteuid(), before);
    assert_eq!(dir.text("etc/secret").unwrap().as_deref(), Some("s"));
}

#[test]
fn what_never_answers_is_left_alone() {
    let (_top, _root, dir) = tree();
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let person = Person {
        uid: 0,
        gid: 0,
        groups: Vec::new(),
    };
    let job = move |_: &RootDir| {
        let _ = held.recv();
        Ok(())
    };
    let error = dir
        .as_person(&person, Duration::from_millis(20), job)
        .unwrap_err();
    assert!(matches!(error, Error::Slow { uid: 0, .. }), "{error}");
    drop(hold);
}

#[test]
fn links_of_others_are_not_followed_where_it_is_guarded() {
    let (_top, root, dir) = tree();
    symlink("/etc/real", root.join("rooted")).unwrap();
    std::fs::create_dir(root.join("shared")).unwrap();
    symlink("/etc/real", root.join("shared/dir")).unwrap();
    std::fs::set_permissions(root.join("shared"), PermissionsExt::from_mode(0o1777)).unwrap();
    let guarded = dir.guarded().unwrap();
    let mode = Attributes::root(0o600);
    assert!(guarded.write("rooted/a", b"a", mode).unwrap());
    guarded.write("shared/dir/b", b"b", mode).unwrap_err();
    guarded.make_dir("shared/dir/c", mode).unwrap_err();
    assert!(guarded.write("shared/new/d", b"d", mode).unwrap());
    assert_eq!(dir.list("etc/real").unwrap(), ["a"]);
    // Without the guard it is a directory like any other.
    assert!(dir.write("shared/dir/b", b"b", mode).unwrap());
}

#[test]
fn a_file_has_one_real_path() {
    let (_top, root, dir) = tree();
    std::fs::write(root.join("etc/real/file"), "f").unwrap();
    symlink("etc/real", root.join("a")).unwrap();
    symlink("../../a/file", root.join("etc/real/link")).unwrap();
    for rel in ["etc/real/file", "/a/file", "a/link", "a/.././real/link"] {
        assert_eq!(
            dir.real_path(rel).unwrap().as_deref(),
            Some("etc/real/file"),
            "{rel}"
        );
    }
    assert_eq!(dir.real_path("a/").unwrap().as_deref(), Some("etc/real"));
    assert_eq!(dir.real_path("etc/none").unwrap(), None);
}
