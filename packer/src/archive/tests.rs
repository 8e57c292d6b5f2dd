// SPDX-License-Identifier: MIT OR Apache-2.0
//! Written archives, read back by our parser and unpacked by GNU tar.

use super::choice::{Choice, Fate};
use super::*;
use indicatif::ProgressBar;
use ondisk::pax::{Event, Extent, Kind, Parser, Time, Xattr};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use testkit::{output, run};

/// All members of an archive, and their bytes.
fn read(bytes: &[u8]) -> Vec<(Entry, Vec<u8>)> {
    let mut parser = Parser::new();
    let mut found: Vec<(Entry, Vec<u8>)> = Vec::new();
    let mut input = bytes;
    while let Some(event) = parser.next(&mut input).unwrap() {
        match event {
            Event::Entry(entry) => found.push((*entry, Vec::new())),
            Event::Data { bytes, .. } => found.last_mut().unwrap().1.extend(bytes),
            _ => {}
        }
    }
    parser.finish().unwrap();
    found
}

fn entry(path: &str, kind: Kind) -> Entry {
    Entry {
        path: path.into(),
        kind,
        mode: 0o4755,
        uid: 3_000_000_000,
        gid: 7,
        mtime: Time {
            seconds: -2,
            nanoseconds: 250_000_000,
        },
        atime: None,
        xattrs: vec![Xattr {
            name: b"user.a=b%c".to_vec(),
            value: vec![0, b'\n', 255],
        }],
        offset: 0,
    }
}

#[test]
fn every_kind_of_member_is_read_as_it_was_written() {
    let long = "d/".repeat(80) + "name";
    let kinds = [
        Kind::Directory,
        Kind::File {
            size: 3,
            sparse: None,
        },
        Kind::File {
            size: 1 << 40,
            sparse: Some(vec![Extent {
                offset: 1 << 39,
                length: 3,
            }]),
        },
        Kind::File {
            size: 1 << 20,
            sparse: Some(Vec::new()),
        },
        Kind::HardLink {
            target: long.clone().into(),
        },
        Kind::Symlink {
            target: "../".repeat(50).into(),
        },
        Kind::CharDevice { major: 5, minor: 1 },
        Kind::BlockDevice {
            major: 259,
            minor: 70_000,
        },
        Kind::Fifo,
    ];
    for name in ["short", long.as_str()] {
        for kind in &kinds {
            let mut entry = entry(name, kind.clone());
            let mut archive = Archive::new(Vec::new(), None);
            archive.begin(&mut entry).unwrap();
            let data = &b"abc"[..usize::try_from(entry.stored()).unwrap()];
            archive.data(data).unwrap();
            archive.end().unwrap();
            let bytes = archive.finish().unwrap();
            assert_eq!(bytes.len() % 512, 0);
            let mut found = read(&bytes);
            assert_eq!(found.len(), 1);
            let (mut back, content) = found.remove(0);
            back.offset = 0;
            assert_eq!((back, &content[..]), (entry, data));
        }
    }
}

#[test]
fn a_file_that_grew_or_shrank_is_an_error() {
    let kind = Kind::File {
        size: 3,
        sparse: None,
    };
    for data in ["ab", "abcd"] {
        let mut archive = Archive::new(Vec::new(), None);
        archive.begin(&mut entry("x", kind.clone())).unwrap();
        archive.data(data.as_bytes()).unwrap();
        let error = archive.end().unwrap_err().to_string();
        assert!(error.contains("was changed while it was read"), "{error}");
    }
}

/// A root with something of everything.
fn root(root: &Path) {
    fs::create_dir_all(root.join("etc/ssh")).unwrap();
    fs::create_dir_all(root.join("var/log/app")).unwrap();
    fs::create_dir_all(root.join("srv")).unwrap();
    for (path, text) in [
        ("etc/machine-id", "0123\n"),
        ("etc/ssh/ssh_host_rsa_key", "secret"),
        ("etc/ssh/sshd_config", "Port 22\n"),
        ("var/log/app/x.log", "line\n"),
        ("srv/one", "twice\n"),
    ] {
        fs::write(root.join(path), text).unwrap();
    }
    fs::hard_link(root.join("srv/one"), root.join("srv/two")).unwrap();
    symlink("one", root.join("srv/link")).unwrap();
    let hole = fs::File::create(root.join("srv/hole")).unwrap();
    hole.set_len(1 << 20).unwrap();
    run(Command::new("touch")
        .args(["-d", "@1000000000.5"])
        .arg(root.join("srv/one")));
}

fn walked(root: &Path, choice: &mut Choice, epoch: Option<i64>) -> Vec<u8> {
    let mut archive = Archive::new(Vec::new(), epoch);
    walk(root, choice, &mut archive, &ProgressBar::hidden()).unwrap();
    archive.finish().unwrap()
}

#[test]
fn gnu_tar_unpacks_it_to_the_same_tree() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    root(&from);
    fs::create_dir(&to).unwrap();
    let archive = dir.path().join("archive");
    fs::write(&archive, walked(&from, &mut Choice::default(), None)).unwrap();
    let out = output(
        Command::new("tar")
            .arg("-xpf")
            .arg(&archive)
            .arg("-C")
            .arg(&to),
    );
    assert!(out.status.success() && out.stderr.is_empty(), "{out:?}");
    run(Command::new("diff").arg("-r").arg(&from).arg(&to));
    let out = output(
        Command::new("tar")
            .arg("-df")
            .arg(&archive)
            .arg("-C")
            .arg(&from),
    );
    assert!(out.status.success(), "{out:?}");
    // And what GNU tar makes of it is the same to our reader.
    let seed = run(Command::new("tar")
        .args(["-c", "--format=posix", "--sort=name", "--sparse", "-f"])
        .arg(dir.path().join("seed"))
        .arg("-C")
        .arg(&from)
        .arg("."));
    assert_eq!(seed, "");
    let plain = |bytes: &[u8]| {
        let mut members = read(bytes);
        for (entry, _) in &mut members {
            (entry.offset, entry.atime) = (0, None);
        }
        members
    };
    assert_eq!(
        plain(&fs::read(dir.path().join("seed")).unwrap()),
        plain(&fs::read(&archive).unwrap())
    );
}

#[test]
fn what_is_chosen_is_left_out_emptied_or_kept() {
    let dir = tempfile::tempdir().unwrap();
    root(dir.path());
    let mut choice = Choice::default();
    crate::leave_out::LeaveOut::usual()
        .choose(&mut choice)
        .unwrap();
    choice.add("/srv/one", Fate::LeaveOut).unwrap();
    let expected = |bytes: &[u8]| {
        let members = read(bytes);
        let at = |path: &str| members.iter().find(|(e, _)| e.path == path.as_bytes());
        assert!(at("etc/ssh/ssh_host_rsa_key").is_none() && at("srv/one").is_none());
        assert_eq!(at("etc/ssh/sshd_config").unwrap().1, b"Port 22\n");
        for empty in ["etc/machine-id", "var/log/app/x.log"] {
            assert_eq!(at(empty).unwrap().0.stored(), 0, "{empty}");
        }
    };
    let bytes = walked(dir.path(), &mut choice.clone(), None);
    expected(&bytes);
    // The name that stays of a file with two is the file.
    let members = read(&bytes);
    let two = members.iter().find(|(e, _)| e.path == b"srv/two").unwrap();
    assert_eq!(two.1, b"twice\n");

    // The same of an archive, as it comes; a name without its file is refused.
    let all = dir.path().join("all.tar");
    fs::write(&all, walked(dir.path(), &mut Choice::default(), None)).unwrap();
    let copy = |choice: &mut Choice| {
        let mut archive = Archive::new(Vec::new(), None);
        let done = Tarred::new(&all).copy(choice, &mut archive, &ProgressBar::hidden());
        done.map(|()| archive.finish().unwrap())
    };
    let error = copy(&mut choice.clone()).unwrap_err().to_string();
    assert!(
        error.contains("srv/two is a hard link to srv/one"),
        "{error}"
    );
    choice.exclude("/srv/two").unwrap();
    expected(&copy(&mut choice).unwrap());
}

#[test]
fn no_time_is_later_than_the_epoch() {
    let dir = tempfile::tempdir().unwrap();
    root(dir.path());
    let times = |epoch| {
        let bytes = walked(dir.path(), &mut Choice::default(), epoch);
        let one = |path: &str| {
            let found = read(&bytes)
                .into_iter()
                .find(|(e, _)| e.path == path.as_bytes());
            found.unwrap().0.mtime
        };
        (one("srv/one"), one("srv/two"), one("srv/hole"))
    };
    let old = Time {
        seconds: 1_000_000_000,
        nanoseconds: 500_000_000,
    };
    let epoch = Time {
        seconds: 1_100_000_000,
        nanoseconds: 0,
    };
    assert_eq!(times(Some(epoch.seconds)), (old, old, epoch));
    assert!(times(None).2 > epoch);
}
