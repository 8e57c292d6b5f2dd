// SPDX-License-Identifier: MIT OR Apache-2.0
//! Archives that try to write outside of the new root.
use super::equal::LIMITS;
use super::scratch::{file, xz};
use super::snapshot;
use replant::payload::Payload;
use replant::payload::unpack::{Options, unpack};
use std::path::Path;
use tempfile::TempDir;

/// A member: type, name, what it links to or contains.
type Member<'a> = (u8, &'a str, &'a str);

const FILE: u8 = b'0';
const HARD: u8 = b'1';
const SOFT: u8 = b'2';
const DIR: u8 = b'5';
/// A pax header for the next member; it contains records.
const PAX: u8 = b'x';

/// A record of a pax header.
fn record(keyword: &str, value: &str) -> String {
    let body = format!(" {keyword}={value}\n");
    let mut length = body.len();
    while length != body.len() + length.to_string().len() {
        length = body.len() + length.to_string().len();
    }
    format!("{length}{body}")
}

fn archive(members: &[Member<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (kind, name, other) in members {
        let mut header = tar::Header::new_gnu();
        let content: &[u8] = match *kind {
            FILE | PAX => other.as_bytes(),
            _ => b"",
        };
        {
            let old = header.as_old_mut();
            old.linkflag = [*kind];
            old.name[..name.len()].copy_from_slice(name.as_bytes());
            if !matches!(*kind, FILE | PAX) {
                old.linkname[..other.len()].copy_from_slice(other.as_bytes());
            }
        }
        header.set_mode(0o6777);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1);
        header.set_size(content.len() as u64);
        header.set_cksum();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    xz(&["-0"], &bytes)
}

/// A root, and beside it what must not change.
struct Scene {
    dir: TempDir,
}

impl Scene {
    fn new() -> Scene {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("root")).unwrap();
        std::fs::create_dir_all(dir.path().join("outside/sub")).unwrap();
        std::fs::write(dir.path().join("outside/secret"), "untouched").unwrap();
        Scene { dir }
    }

    fn root(&self) -> std::path::PathBuf {
        self.dir.path().join("root")
    }

    /// Unpacks; the error's text. `OUT` in a member stands for the directory
    /// outside. Panics if anything outside has changed.
    fn unpack(&self, members: &[Member<'_>]) -> Result<(), String> {
        let outside = self.dir.path().join("outside");
        let out = outside.to_str().unwrap();
        let members: Vec<_> = members
            .iter()
            .map(|(kind, name, other)| (*kind, name.replace("OUT", out), other.replace("OUT", out)))
            .collect();
        let borrowed: Vec<Member<'_>> = members
            .iter()
            .map(|(kind, name, other)| (*kind, name.as_str(), other.as_str()))
            .collect();
        let (_dir, path) = file("va.tar.xz", &archive(&borrowed));
        let before = snapshot::take(&outside);
        let payload = Payload::file(&path).unwrap();
        let options = Options {
            decoder: LIMITS,
            at_most: None,
        };
        let result = unpack(&payload, &self.root(), &options, &mut |_| {});
        assert!(
            snapshot::take(&outside) == before,
            "something outside has changed"
        );
        for name in ["evil", "outside/evil"] {
            assert!(!self.dir.path().join(name).exists());
        }
        result.map(|_| ()).map_err(|error| error.to_string())
    }
}

#[test]
fn names_that_lead_out_are_refused() {
    for name in ["../evil", "a/../../evil", "..", "./..", "a/.."] {
        let error = Scene::new().unpack(&[(FILE, name, "x")]).unwrap_err();
        assert!(error.contains("contains '..'"), "{error}");
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn absolute_names_stay_inside() {
    testkit::needs!("root");
    let scene = Scene::new();
    scene
        .unpack(&[(FILE, "/evil", "x"), (FILE, "OUT/secret", "changed")])
        .unwrap();
    assert!(scene.root().join("evil").exists());
    let inside = scene.dir.path().join("outside/secret");
    let inside = scene.root().join(inside.strip_prefix("/").unwrap());
    assert_eq!(std::fs::read(inside).unwrap(), b"changed");
}

#[test]
fn nothing_goes_through_a_symbolic_link() {
    testkit::needs!("root");
    for (link, target, through) in [
        ("d", "OUT", "d/evil"),
        ("d", "OUT", "d/sub/evil"),
        ("d", "../outside", "d/secret"),
        ("d", "..", "d/evil"),
        ("d", "/", "d/evil"),
        ("d", "/proc/self/root", "d/evil"),
        // Not even one that stays inside: GNU tar never packs this.
        ("d", "usr", "d/evil"),
    ] {
        for kind in [FILE, DIR, SOFT, b'6'] {
            let scene = Scene::new();
            let members = [(DIR, "usr", ""), (SOFT, link, target), (kind, through, "x")];
            let error = scene.unpack(&members).unwrap_err();
            let message = format!("{through}: its path leads through a symbolic link");
            assert!(error.starts_with(&message), "{error}");
        }
    }
}

#[test]
fn a_link_that_was_there_before_is_no_way_out() {
    for (link, target) in [("d", "../outside"), ("d", "..")] {
        let scene = Scene::new();
        std::os::unix::fs::symlink(target, scene.root().join(link)).unwrap();
        let error = scene.unpack(&[(FILE, "d/secret", "changed")]).unwrap_err();
        assert!(
            error.starts_with("d/secret: its path leads through"),
            "{error}"
        );
    }
}

#[test]
fn a_link_is_replaced_and_not_followed() {
    testkit::needs!("root");
    for kind in [FILE, SOFT, b'6', HARD] {
        let scene = Scene::new();
        let members = [
            (FILE, "other", "o"),
            (SOFT, "l", "OUT/secret"),
            (kind, "l", "other"),
        ];
        scene.unpack(&members).unwrap();
        let link = scene.root().join("l").symlink_metadata().unwrap();
        assert_eq!(link.is_symlink(), kind == SOFT);
    }
    // A directory in its place is a real one, and what is below it inside.
    let scene = Scene::new();
    scene
        .unpack(&[(SOFT, "d", "OUT"), (DIR, "d", ""), (FILE, "d/evil", "x")])
        .unwrap();
    assert!(scene.root().join("d").symlink_metadata().unwrap().is_dir());
    assert!(scene.root().join("d/evil").exists());
}

#[test]
fn a_directory_that_became_a_link_gets_no_mode_by_it() {
    testkit::needs!("root");
    let scene = Scene::new();
    scene
        .unpack(&[(DIR, "d", ""), (SOFT, "d", "OUT"), (FILE, "f", "x")])
        .unwrap();
    assert!(scene.root().join("d").is_symlink());
}

#[test]
fn hard_links_stay_inside() {
    testkit::needs!("root");
    for (target, message) in [
        (
            "../outside/secret",
            "h at byte 1024: it is a hard link to something outside",
        ),
        ("OUT/secret", ", which is not there; make the archive again"),
        ("nothing", "h is a hard link to nothing, which is not there"),
        (
            "no/thing",
            "h is a hard link to no/thing, which is not there",
        ),
        (
            "s/secret",
            "s/secret: its path leads through a symbolic link",
        ),
    ] {
        let scene = Scene::new();
        let members = [(SOFT, "s", "OUT"), (DIR, "x", ""), (HARD, "h", target)];
        let error = scene.unpack(&members).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
    // A hard link to a symbolic link is another symbolic link; what comes
    // under its name replaces it.
    let scene = Scene::new();
    let members = [
        (SOFT, "s", "OUT/secret"),
        (HARD, "h", "s"),
        (FILE, "h", "changed"),
    ];
    scene.unpack(&members).unwrap();
    assert!(scene.root().join("s").is_symlink());
    assert_eq!(std::fs::read(scene.root().join("h")).unwrap(), b"changed");
    // To itself: nothing to do, nothing to lose.
    let scene = Scene::new();
    scene
        .unpack(&[(FILE, "f", "kept"), (HARD, "f", "f"), (HARD, "./f", "f")])
        .unwrap();
    assert_eq!(std::fs::read(scene.root().join("f")).unwrap(), b"kept");
}

#[test]
fn endless_paths_are_refused_and_long_ones_are_not() {
    testkit::needs!("root");
    // A recursion as deep as this path would not return.
    let endless = "a/".repeat(500_000);
    for (keyword, kind) in [("path", FILE), ("path", DIR), ("linkpath", HARD)] {
        let scene = Scene::new();
        let records = record(keyword, &format!("{endless}b"));
        let error = scene
            .unpack(&[(PAX, "x", &records), (kind, "f", "")])
            .unwrap_err();
        assert!(
            error.contains("its path has 1000001 bytes, more than the allowed 16384"),
            "{error}"
        );
        assert!(error.len() < 300 && !scene.root().join("a").exists());
    }
    // Longer than a system call takes, and well below it.
    let part = format!("{}/", "d".repeat(200));
    for parts in [3, 20, 21, 50, 80] {
        let scene = Scene::new();
        let path = format!("{}f", part.repeat(parts));
        let (file, link) = (record("path", &path), record("linkpath", &path));
        let members = [
            (PAX, "x", file.as_str()),
            (FILE, "f", "deep"),
            (PAX, "x", &link),
            (HARD, "near", ""),
        ];
        scene.unpack(&members).unwrap();
        assert_eq!(std::fs::read(scene.root().join("near")).unwrap(), b"deep");
        super::scratch::sh("rm -r \"$1\"", &[&scene.root()]);
    }
    // No name of a directory is so long.
    let scene = Scene::new();
    let records = record("path", &format!("{}/f", "d".repeat(5000)));
    let error = scene
        .unpack(&[(PAX, "x", &records), (FILE, "f", "")])
        .unwrap_err();
    assert!(error.contains("File name too long"), "{error}");
}

#[test]
fn absurd_numbers_are_refused_by_name_or_do_no_harm() {
    testkit::needs!("root");
    let unpack = |records: &[(&str, &str)]| {
        let scene = Scene::new();
        let records: String = records
            .iter()
            .map(|(key, text)| record(key, text))
            .collect();
        let result = scene.unpack(&[(PAX, "x", &records), (FILE, "f", "x")]);
        (scene, result)
    };
    for (records, message) in [
        (&[("mtime", "99999999999999999999")][..], "mtime"),
        (&[("uid", "4294967295")], "uid '4294967295'"),
        (&[("gid", "-1")], "gid '-1'"),
        (&[("size", "18446744073709551615")], "size"),
        (&[("size", "9223372036854775807")], "before its end mark"),
        (
            &[
                ("GNU.sparse.realsize", "18446744073709551615"),
                ("GNU.sparse.map", "0,1"),
            ],
            "the file is too big",
        ),
        (
            &[
                ("GNU.sparse.realsize", "9223372036854775807"),
                ("GNU.sparse.map", "0,1"),
            ],
            "f: cannot set the size",
        ),
        (
            &[
                ("GNU.sparse.realsize", "100"),
                ("GNU.sparse.map", "18446744073709551615,1"),
            ],
            "an extent lies beyond the end",
        ),
        (
            &[("SCHILY.xattr.user.big", &"x".repeat(70_000))],
            "f: cannot set the attribute user.big",
        ),
        (
            &[(&format!("SCHILY.xattr.user.{}", "n".repeat(300)), "x")],
            "f: cannot set the attribute user.nnn",
        ),
    ] {
        let (_, result) = unpack(records);
        let error = result.unwrap_err();
        assert!(error.contains(message), "{message}: {error}");
    }
    // Times that no file system has become the nearest that it has.
    for (time, seconds) in [
        ("-1", Some(-1)),
        ("-0.000000001", Some(-1)),
        ("-62135596800", None),
        ("9223372036854775807.999999999", None),
        ("-9223372036854775807.9", None),
    ] {
        let (scene, result) = unpack(&[("mtime", time), ("SCHILY.xattr.nonsense", "x")]);
        result.unwrap();
        let data = scene.root().join("f").metadata().unwrap();
        let found = std::os::unix::fs::MetadataExt::mtime(&data);
        assert!(
            seconds.is_none_or(|seconds| seconds == found),
            "{time}: {found}"
        );
    }
}

#[test]
fn a_directory_that_comes_twice_is_as_it_came_last() {
    testkit::needs!("root");
    let scene = Scene::new();
    let attribute = |name: &str| record(&format!("SCHILY.xattr.user.{name}"), "x");
    let (first, last) = (attribute("first"), attribute("last"));
    let members = [
        (PAX, "x", first.as_str()),
        (DIR, "d", ""),
        (DIR, "other", ""),
        (PAX, "x", &last),
        (DIR, "d", ""),
    ];
    scene.unpack(&members).unwrap();
    let mut list = vec![0u8; 1000];
    let length = rustix::fs::listxattr(scene.root().join("d"), &mut list[..]).unwrap();
    assert_eq!(&list[..length], b"user.last\0");
}

#[test]
fn a_full_directory_is_not_removed() {
    testkit::needs!("root");
    let scene = Scene::new();
    let error = scene
        .unpack(&[(FILE, "d/kept", "x"), (FILE, "d", "x")])
        .unwrap_err();
    assert!(
        error.starts_with("d: a directory that is not empty is in the way"),
        "{error}"
    );
    assert!(scene.root().join("d/kept").exists());
}

#[test]
fn types_that_cannot_be_unpacked_are_named() {
    for (kind, what) in [
        (b'M', "continuation from another volume"),
        (b'D', "directory of an incremental archive"),
        (b's', "socket"),
        (b'Q', "member of unknown type"),
    ] {
        let error = Scene::new().unpack(&[(kind, "dir/odd", "")]).unwrap_err();
        let text = format!(
            "dir/odd at byte 0 is a {what} (type '{}')",
            char::from(kind)
        );
        assert!(error.contains(&text), "{error}");
    }
}

#[test]
fn what_is_cut_or_goes_on_is_refused() {
    testkit::needs!("root");
    let scene = Scene::new();
    let whole = super::decode::decode(&archive(&[(FILE, "f", "x")]), LIMITS).unwrap();
    for (bytes, message) in [
        (&whole[..512], "ends at byte 512, before its end mark"),
        (&whole[..1024], "ends at byte 1024, before its end mark"),
        (
            &[&whole[..], b"x"].concat()[..],
            "data after the end of the archive at byte 2048",
        ),
        (&[b'x'; 512][..], "byte 0 is not a tar header"),
    ] {
        let (_dir, path) = file("va.tar.xz", &xz(&["-0"], bytes));
        let payload = Payload::file(&path).unwrap();
        let options = Options {
            decoder: LIMITS,
            at_most: None,
        };
        let error = unpack(&payload, &scene.root(), &options, &mut |_| {}).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("va.tar.xz: tar: ") && text.contains(message),
            "{text}"
        );
    }
}

#[test]
fn a_root_that_is_not_there_is_named() {
    let (_dir, path) = file("va.tar.xz", &archive(&[]));
    let payload = Payload::file(&path).unwrap();
    let options = Options {
        decoder: LIMITS,
        at_most: None,
    };
    let root = Path::new("/nowhere/root");
    let error = unpack(&payload, root, &options, &mut |_| {}).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("cannot open the new root /nowhere/root"),
        "{text}"
    );
}
