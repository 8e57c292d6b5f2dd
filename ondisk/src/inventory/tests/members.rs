// SPDX-License-Identifier: MIT OR Apache-2.0
//! What cannot be unpacked, or not where it must be.

use super::*;

#[test]
fn links_stay_on_their_file_system() {
    refuses(
        &[
            "data/x is a hard link to usr/bin/dash",
            "file system of /data, the other on that of /;",
        ],
        |s| {
            s.add("data/x", hard("usr/bin/dash"), 0o755, b"");
        },
    );
    refuses(&["initrd is a hard link to boot/vmlinuz-6.1.0-9"], |s| {
        s.add("initrd", hard("boot/vmlinuz-6.1.0-9"), 0o644, b"");
    });
    refuses(
        &["a is a hard link to b, which is not in the archive before it"],
        |s| {
            s.add("a", hard("b"), 0o644, b"");
            s.file("b", 0o644, b"");
        },
    );
    refuses(&["a is a hard link to etc, which is a directory"], |s| {
        s.add("a", hard("etc"), 0o644, b"");
    });
    let message = refused(|s| {
        s.file("data-too", 0o644, b"x");
        s.add("etc/data", hard("data-too"), 0o644, b"");
        for n in 0..65_000 {
            s.add(&format!("many/{n}"), hard("etc/fstab"), 0o644, b"");
        }
    });
    assert_eq!(message.len(), 1, "{message:?}");
    assert!(
        message[0]
            .starts_with("many/64999 is a hard link to etc/fstab, which has more than 65000 names"),
        "{message:?}"
    );
}

#[test]
fn mount_points_are_directories() {
    for kind in [
        link("usr"),
        link("/mnt/data"),
        Kind::Fifo,
        hard("etc/fstab"),
    ] {
        refuses(&["data is a ", "to be mounted at /data"], |s| {
            s.remove("data");
            s.add("data", kind.clone(), 0o644, b"");
        });
    }
    refuses(&["boot is a file"], |s| s.file("boot", 0o644, b""));
    // Above a mount point, too; and what is missing is made.
    let mut target = target();
    target.filesystems[2].mount = "/srv/data/deep".into();
    let mut sample = Sample::new();
    assert!(sample.found_for(target.clone()).refusals.is_empty());
    sample.add("srv", link("data"), 0o777, b"");
    let message = sample.found_for(target).refusals.to_string();
    assert!(
        message.starts_with(
            "srv is a symbolic link, and a file system is to be mounted at /srv/data/deep"
        ),
        "{message}"
    );
    for name in ["dev", "proc", "run", "sys"] {
        refuses(&[&format!("{name} is no directory")], |s| {
            s.remove(name);
            s.add(name, link("usr"), 0o777, b"");
        });
    }
}

#[test]
fn members_that_cannot_be_unpacked() {
    refuses(
        &["lib/x has a path that leads through a symbolic link or a file"],
        |s| {
            s.file("lib/x", 0o644, b"");
        },
    );
    refuses(&["etc/fstab/x has a path that leads through"], |s| {
        s.file("etc/fstab/x", 0o644, b"");
    });
    refuses(&["usr comes in the archive again"], |s| {
        s.add("usr", link("x"), 0o777, b"")
    });
    let long = "n".repeat(256);
    refuses(&["has a name of 256 bytes, and Linux takes 255"], |s| {
        s.file(&long, 0o644, b"")
    });
    refuses(&["has a path of 17407 bytes"], |s| {
        s.file(&["n".repeat(255).as_str(); 68].join("/"), 0o644, b"");
    });
    for (major, minor) in [(4096, 0), (0, 1 << 20)] {
        refuses(&[&format!("null is the device {major}:{minor}")], |s| {
            s.add("null", Kind::CharDevice { major, minor }, 0o644, b"");
        });
    }
    refuses(&["l is a symbolic link of 4096 bytes"], |s| {
        s.add("l", link(&"t".repeat(4096)), 0o777, b"");
    });
    refuses(&["huge has 17592186040321 bytes"], |s| {
        let size = 4096 * u64::from(u32::MAX) + 1;
        s.add(
            "huge",
            Kind::File {
                size,
                sparse: Some(Vec::new()),
            },
            0o644,
            b"",
        );
    });
    let message = refused(|s| {
        for n in 0..60 {
            s.file(&format!("lib/{n}"), 0o644, b"");
        }
    });
    assert_eq!(message.len(), 50);
    let mut sample = Sample::new();
    sample.file("old", 0o644, b"");
    sample.last().mtime.seconds = -(1 << 31) - 1;
    sample.file("ancient", 0o644, b"");
    sample.last().mtime.seconds = 15_032_385_536;
    let warnings = sample.found().warnings;
    assert_eq!(warnings.count(), 2);
    assert!(
        warnings
            .to_string()
            .ends_with("it gets the nearest time (1 more: ancient)"),
        "{warnings}"
    );
}

fn xattrs(list: &[(&str, usize)]) -> Vec<Xattr> {
    let one = |(name, size): &(&str, usize)| Xattr {
        name: name.as_bytes().into(),
        value: vec![b'v'; *size],
    };
    list.iter().map(one).collect()
}

#[test]
fn attributes_fit_or_are_refused() {
    let with = |list: &[(&str, usize)], kind: Kind| {
        let mut sample = Sample::new();
        sample.add("x", kind, 0o644, b"");
        sample.last().xattrs = xattrs(list);
        let found = sample.found();
        let block = found.facts.content[0].block;
        let said = |findings: &Findings| match findings.is_empty() {
            true => String::new(),
            false => findings.to_string(),
        };
        (said(&found.refusals), said(&found.warnings), block)
    };
    let file = || Kind::File {
        size: 0,
        sparse: None,
    };
    // 4096 - 36 - 20 bytes of value fit, and in smaller blocks less.
    for (list, block) in [
        (&[("user.a", 68)][..], 1024),
        (&[("user.a", 968)], 1024),
        (&[("user.a", 969)], 2048),
        (&[("user.a", 4040)], 4096),
        (&[("user.a", 4040), ("user.b", 68)], 4096),
        (&[("user.a", 68), ("user.b", 4040)], 4096),
        (&[("security.selinux", 40), ("trusted.x", 900)], 1024),
    ] {
        assert_eq!(
            with(list, file()),
            (String::new(), String::new(), block),
            "{list:?}"
        );
    }
    for list in [
        &[("user.a", 4041)][..],
        &[("user.a", 4040), ("user.b", 69)],
        &[("user.a", 65_536)],
    ] {
        let (refused, _, _) = with(list, file());
        assert!(
            refused.starts_with("x has more extended attributes than ext4 can hold"),
            "{refused}"
        );
    }
    let long = format!("user.{}", "n".repeat(251));
    for (name, size, kind, words) in [
        (&*long, 1, file(), "whose name Linux does not take"),
        ("user.", 1, file(), "which has no name"),
        (
            "user.a",
            1,
            link("y"),
            "which only a file or a directory may have",
        ),
        (
            "user.a",
            1,
            Kind::Fifo,
            "which only a file or a directory may have",
        ),
        (
            "security.capability",
            12,
            file(),
            "not in the form that Linux takes",
        ),
        ("system.posix_acl_access", 3, file(), "which is no ACL"),
        ("system.posix_acl_access", 3, link("t"), "which is no ACL"),
    ] {
        let (refused, _, _) = with(&[(name, size)], kind);
        assert!(
            refused.starts_with("x has the attribute ") && refused.contains(words),
            "{refused}"
        );
    }
    for name in ["btrfs.compression", "system.nfs4_acl"] {
        let (refused, warned, _) = with(&[(name, 9)], file());
        assert_eq!(refused, "");
        assert!(
            warned.contains("which ext4 does not have: it is lost"),
            "{warned}"
        );
    }
}

#[test]
fn the_block_that_a_file_system_needs_has_a_reason() {
    let mut sample = Sample::new();
    sample.add("boot/long", link(&"t".repeat(1024)), 0o777, b"");
    let content = sample.found().facts.content;
    assert_eq!(
        (content[1].block, content[1].because.as_str()),
        (2048, "boot/long")
    );
    assert_eq!((content[0].block, content[0].because.as_str()), (1024, ""));
}
