// SPDX-License-Identifier: MIT OR Apache-2.0
//! Archives written, read again, and cut short.

use super::*;

fn sample() -> Builder {
    let mut builder = Builder::new();
    builder
        .file("init", 0o755, b"#!/bin/sh\n".to_vec())
        .unwrap();
    builder
        .file("lib/modules/6.1/kernel/a.ko", 0o644, vec![7; 1001])
        .unwrap();
    builder.symlink("sbin/modprobe", "../bin/replant").unwrap();
    builder.directory("tmp", 0o1777).unwrap();
    builder
        .character_device("dev/console", 0o600, 5, 1)
        .unwrap();
    builder
        .last_file("etc/marker", 0o644, b"end".to_vec())
        .unwrap();
    builder
}

/// An entry as the fixtures' generator writes it, with inode and links chosen.
fn raw(name: &str, mode: u32, data: &[u8], inode: u32, links: u32) -> Vec<u8> {
    let fields = [inode, mode, 0, 0, links, 0, data.len() as u32, 0, 0, 0, 0];
    let mut out = b"070701".to_vec();
    for field in fields.into_iter().chain([name.len() as u32 + 1, 0]) {
        out.extend(format!("{field:08X}").bytes());
    }
    out.extend(name.bytes());
    out.resize((out.len() + 1).next_multiple_of(4), 0);
    out.extend(data);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

#[test]
fn what_is_written_is_read() {
    let bytes = sample().build();
    assert_eq!(bytes.len() % 512, 0);
    let entries: Vec<_> = Reader::new(&bytes).collect::<Result<_, _>>().unwrap();
    let paths: Vec<_> = entries
        .iter()
        .map(|entry| entry.path().into_owned())
        .collect();
    assert_eq!(
        paths,
        [
            "dev",
            "dev/console",
            "etc",
            "init",
            "lib",
            "lib/modules",
            "lib/modules/6.1",
            "lib/modules/6.1/kernel",
            "lib/modules/6.1/kernel/a.ko",
            "sbin",
            "sbin/modprobe",
            "tmp",
            "etc/marker",
        ]
    );
    let inodes: Vec<_> = entries.iter().map(|entry| entry.inode).collect();
    assert_eq!(inodes, (1..=13).collect::<Vec<_>>());
    assert!(
        entries
            .iter()
            .all(|entry| entry.mtime == 0 && entry.uid == 0 && entry.gid == 0)
    );
    assert_eq!(entries[1].mode, CHARACTER_DEVICE | 0o600);
    assert_eq!(entries[1].node, (5, 1));
    assert_eq!(entries[8].data, [7; 1001]);
    assert_eq!(entries[10].data, b"../bin/replant");
    assert_eq!(entries[11].mode, DIRECTORY | 0o1777);
    assert_eq!(bytes, sample().build());
}

#[test]
fn order_of_adding_does_not_matter() {
    let mut one = Builder::new();
    one.file("b", 0o644, vec![1]).unwrap();
    one.file("a/x", 0o644, vec![2]).unwrap();
    let mut two = Builder::new();
    two.file("a/x", 0o644, vec![2]).unwrap();
    two.directory("a", 0o755).unwrap();
    two.file("b", 0o644, vec![1]).unwrap();
    assert_eq!(one.build(), two.build());
}

#[test]
fn paths_that_cannot_be() {
    let mut builder = Builder::new();
    for path in ["", "/init", "a//b", "../a", "a/./b", "a/", "a\0b", TRAILER] {
        let found = builder.file(path, 0o644, vec![]);
        assert!(
            matches!(found, Err(Error::Path { .. })),
            "{path:?}: {found:?}"
        );
    }
    builder.file("a", 0o644, vec![]).unwrap();
    assert_eq!(
        builder.file("a", 0o644, vec![]),
        Err(Error::Twice { path: "a".into() })
    );
    assert_eq!(
        builder.last_file("a", 0o644, vec![]),
        Err(Error::Twice { path: "a".into() })
    );
    assert!(matches!(
        builder.file("a/b", 0o644, vec![]),
        Err(Error::Path { .. })
    ));
    assert!(matches!(builder.symlink("l", ""), Err(Error::Path { .. })));
}

#[test]
fn segments_zeros_and_a_missing_trailer() {
    let trailer = raw(TRAILER, 0, b"", 0, 1);
    let mut bytes = raw("over", REGULAR | 0o644, b"first", 1, 1);
    bytes.extend(&trailer);
    bytes.extend([0; 1024]);
    bytes.extend(raw("over", REGULAR | 0o644, b"second", 1, 1));
    bytes.extend(&trailer);
    // No trailer, then something that is no cpio.
    bytes.extend(raw("./new", REGULAR | 0o644, b"n", 1, 1));
    let end = bytes.len();
    bytes.extend(b"\x1f\x8bgzip");
    let mut tree = Tree::new();
    assert_eq!(tree.add(&bytes), Ok(end));
    assert_eq!(tree.get("over").unwrap().data, b"second");
    assert_eq!(tree.get("new").unwrap().data, b"n");
    assert_eq!(tree.last_path(), Some("new"));
    assert_eq!(tree.len(), 2);
}

#[test]
fn an_archive_that_is_not_aligned_is_none() {
    let mut bytes = raw("a", REGULAR | 0o644, b"", 1, 1);
    bytes.extend([0; 3]);
    bytes.extend(raw("b", REGULAR | 0o644, b"", 1, 1));
    let mut reader = Reader::new(&bytes);
    assert!(reader.next().unwrap().is_ok());
    assert_eq!(reader.next(), None);
    assert_eq!(reader.position(), 115);
}

#[test]
fn hard_links_share_the_data_of_the_last() {
    let mut bytes = raw("h1", REGULAR | 0o644, b"", 777, 2);
    bytes.extend(raw("h2", REGULAR | 0o644, b"HARD", 777, 2));
    bytes.extend(raw(TRAILER, 0, b"", 0, 1));
    // The same inode number in the next archive is another file.
    bytes.extend(raw("h3", REGULAR | 0o644, b"", 777, 2));
    let mut tree = Tree::new();
    tree.add(&bytes).unwrap();
    assert_eq!(tree.get("h1").unwrap().data, b"HARD");
    assert_eq!(tree.get("h2").unwrap().data, b"HARD");
    assert_eq!(tree.get("h3").unwrap().data, b"");
}

#[test]
fn symbolic_links_are_followed() {
    let mut bytes = raw("lib", SYMLINK | 0o777, b"usr/lib", 1, 1);
    bytes.extend(raw("usr/lib", DIRECTORY | 0o755, b"", 2, 2));
    bytes.extend(raw("usr/lib/x", REGULAR | 0o644, b"x", 3, 1));
    bytes.extend(raw("usr/lib/y", SYMLINK | 0o777, b"/lib/../lib/./x", 4, 1));
    bytes.extend(raw("loop", SYMLINK | 0o777, b"loop", 5, 1));
    let mut tree = Tree::new();
    tree.add(&bytes).unwrap();
    assert_eq!(tree.resolve("lib/x").as_deref(), Some("usr/lib/x"));
    assert_eq!(tree.resolve("lib/y").as_deref(), Some("usr/lib/x"));
    assert_eq!(tree.resolve("loop"), None);
    assert_eq!(tree.resolve("lib/z"), None);
}

/// The kernel takes no longer ones, and each part of a path costs time.
#[test]
fn links_and_paths_that_are_too_long_lead_nowhere() {
    let mut bytes = raw("d", DIRECTORY | 0o755, b"", 1, 2);
    let target = "d/../".repeat(1000) + "d";
    bytes.extend(raw("long", SYMLINK | 0o777, target.as_bytes(), 2, 1));
    let target = "./".repeat(2000) + "d";
    bytes.extend(raw("good", SYMLINK | 0o777, target.as_bytes(), 3, 1));
    let mut tree = Tree::new();
    tree.add(&bytes).unwrap();
    assert_eq!(tree.resolve("good").as_deref(), Some("d"));
    assert_eq!(tree.resolve("long"), None);
    let deep = "x/".repeat(5000) + &"../".repeat(5000) + "d";
    assert_eq!(tree.resolve(&deep), None);
}

#[test]
fn damage_is_named() {
    let good = raw("name", REGULAR | 0o644, b"0123456789", 1, 1);
    let mut reader = Reader::new(&good[..50]);
    assert_eq!(
        reader.next(),
        Some(Err(Error::Truncated {
            what: "header",
            offset: 0
        }))
    );
    assert_eq!(reader.next(), None);
    let first = |bytes: &[u8]| Reader::new(bytes).next().unwrap().map(|_| ()).unwrap_err();
    assert_eq!(
        first(&good[..112]),
        Error::Truncated {
            what: "name",
            offset: 0
        }
    );
    assert_eq!(
        first(&good[..120]),
        Error::Truncated {
            what: "data",
            offset: 0
        }
    );
    let mut bad = good.clone();
    bad[5] = b'7';
    assert_eq!(
        first(&bad),
        Error::Magic {
            offset: 0,
            found: "070707".into()
        }
    );
    let mut bad = good.clone();
    bad[14] = b'x';
    assert_eq!(
        first(&bad),
        Error::Number {
            offset: 0,
            field: "mode"
        }
    );
    let mut bad = good.clone();
    bad[114] = b'x';
    assert_eq!(
        first(&bad),
        Error::Name {
            offset: 0,
            length: 5
        }
    );
    let mut bad = good.clone();
    bad[5] = b'2';
    let sum = b"0123456789".iter().map(|byte| u32::from(*byte)).sum();
    assert_eq!(
        first(&bad),
        Error::Checksum {
            name: "name".into(),
            offset: 0,
            expected: 0,
            found: sum
        }
    );
    bad[102..110].copy_from_slice(format!("{sum:08x}").as_bytes());
    assert_eq!(
        Reader::new(&bad).next().unwrap().unwrap().data,
        b"0123456789"
    );
}
