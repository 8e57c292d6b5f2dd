// SPDX-License-Identifier: MIT OR Apache-2.0
//! What we unpack is equal to what GNU tar unpacks, file for file.
use super::scratch::{Ext4, sh};
use super::{snapshot, tree};
use ondisk::pax::Totals;
use replant::payload::Payload;
use replant::payload::unpack::{Options, Summary, unpack};
use replant::payload::xz::Limits;
use std::path::Path;
use std::sync::OnceLock;

pub const LIMITS: Limits = Limits {
    threads: 2,
    memory: 128 << 20,
};

const XATTRS: &str = "--xattrs --xattrs-include=*";

/// The rich tree, made once.
fn rich() -> &'static Path {
    static TREE: OnceLock<std::path::PathBuf> = OnceLock::new();
    TREE.get_or_init(|| {
        let tree = Ext4::new(64);
        tree::make(tree.path());
        tree.detach()
    })
}

fn options() -> Options {
    Options {
        decoder: LIMITS,
        at_most: None,
    }
}

fn unpacked(archive: &Path, root: &Path) -> Summary {
    let payload = Payload::file(archive).unwrap();
    unpack(&payload, root, &options(), &mut |_| {}).unwrap()
}

/// Packs the rich tree with these options, unpacks it twice with ours and
/// once with GNU tar, and compares.
fn compare(pack: &str, unpack: &str) -> (Summary, usize) {
    let archive = tempfile::tempdir().unwrap();
    let archive = archive.path().join("va.tar.xz");
    sh(
        &format!("tar -c {pack} --numeric-owner -C \"$1\" . | xz -0 -T2 >\"$2\""),
        &[rich(), &archive],
    );
    let theirs = Ext4::new(64);
    sh(
        &format!("tar -xJf \"$1\" {unpack} --numeric-owner -C \"$2\""),
        &[&archive, theirs.path()],
    );
    let root = Ext4::new(64);
    let summary = unpacked(&archive, root.path());
    let files = snapshot::assert_equal(root.path(), theirs.path());
    // Over a tree of which half is there, and over a complete one.
    sh(
        "cd \"$1\"; rm -rf names links/one devices/null; echo junk >>sizes/513; chmod -R 777 times",
        &[root.path()],
    );
    unpacked(&archive, root.path());
    snapshot::assert_equal(root.path(), theirs.path());
    (summary, files)
}

#[test]
fn pax_with_attributes() {
    testkit::needs!("root");
    let (summary, files) = compare(&format!("{XATTRS} --sparse"), XATTRS);
    assert!(files > 150, "{files}");
    assert!(summary.lost.is_empty(), "{:?}", summary.lost);
    // Every name is a member, and the root is one.
    assert_eq!(summary.totals.entries, files as u64);
}

#[test]
fn pax_with_acls_and_labels_as_text() {
    testkit::needs!("root");
    compare(
        &format!("{XATTRS} --acls --selinux --sparse --sparse-version=0.1"),
        &format!("{XATTRS} --acls --selinux"),
    );
}

#[test]
fn pax_sparse_0_0() {
    testkit::needs!("root");
    compare(&format!("{XATTRS} --sparse --sparse-version=0.0"), XATTRS);
}

#[test]
fn gnu_format() {
    testkit::needs!("root");
    compare("--format=gnu --sparse", "");
}

#[test]
fn gnu_format_without_holes() {
    testkit::needs!("root");
    compare("--format=gnu --exclude=huge", "");
}

/// tar --acls alone stores ACLs as text only; GNU tar restores them with
/// --acls, ours always does.
#[test]
fn acls_only_as_text() {
    testkit::needs!("root");
    let tree = Ext4::new(16);
    sh(
        "cd \"$1\"; rmdir lost+found
         echo x >f; setfacl -m u:4242:rwx,g:4243:r f; mkdir d; setfacl -d -m u:4244:rx d",
        &[tree.path()],
    );
    let archive = tempfile::tempdir().unwrap();
    let archive = archive.path().join("va.tar.xz");
    sh(
        "tar -cJf \"$2\" --acls --numeric-owner -C \"$1\" .",
        &[tree.path(), &archive],
    );
    let root = Ext4::new(16);
    unpacked(&archive, root.path());
    snapshot::assert_equal(root.path(), tree.path());
}

#[test]
fn hidden_parents_are_made() {
    testkit::needs!("root");
    let tree = Ext4::new(16);
    sh(
        "mkdir -p \"$1/a/b/c\"; echo x >\"$1/a/b/c/file\"; chmod 700 \"$1/a\"",
        &[tree.path()],
    );
    let archive = tempfile::tempdir().unwrap();
    let archive = archive.path().join("va.tar.xz");
    sh(
        "tar -cJf \"$2\" -C \"$1\" a/b/c/file",
        &[tree.path(), &archive],
    );
    let root = Ext4::new(16);
    unpacked(&archive, root.path());
    assert_eq!(
        std::fs::read(root.path().join("a/b/c/file")).unwrap(),
        b"x\n"
    );
    let mode = sh("umask 022; stat -c %a \"$1/a\" \"$1/a/b\"", &[root.path()]);
    assert_eq!(mode, b"755\n755\n");
}

#[test]
fn limits_of_the_manifest_stop_before_writing() {
    testkit::needs!("root");
    let tree = Ext4::new(16);
    sh(
        "cd \"$1\"; for i in 1 2 3; do head -c 1000 /dev/zero >f$i; done",
        &[tree.path()],
    );
    let archive = tempfile::tempdir().unwrap();
    let archive = archive.path().join("va.tar.xz");
    sh(
        "cd \"$1\"; tar -cJf \"$2\" f1 f2 f3",
        &[tree.path(), &archive],
    );
    let payload = Payload::file(&archive).unwrap();
    let exact = Totals {
        entries: 3,
        bytes: 3000,
        blocks: 3 * 4096,
    };
    for (at_most, message) in [
        (exact, None),
        (
            Totals {
                entries: 2,
                ..exact
            },
            Some("f3: the archive holds more than the 2 files"),
        ),
        (
            Totals {
                bytes: 2999,
                ..exact
            },
            Some("f3: the archive holds more than the 2999 bytes"),
        ),
    ] {
        let root = Ext4::new(16);
        let options = Options {
            at_most: Some(at_most),
            ..options()
        };
        let result = unpack(&payload, root.path(), &options, &mut |_| {});
        match message {
            None => assert_eq!(result.unwrap().totals, exact),
            Some(message) => {
                let text = result.unwrap_err().to_string();
                assert!(text.starts_with(message), "{text}");
                assert!(!root.path().join("f3").exists());
            }
        }
    }
}

#[test]
fn a_full_file_system_is_named() {
    testkit::needs!("root");
    let tree = Ext4::new(64);
    sh("head -c 30000000 /dev/zero >\"$1/zeros\"", &[tree.path()]);
    let archive = tempfile::tempdir().unwrap();
    let archive = archive.path().join("va.tar.xz");
    sh(
        "tar -c -C \"$1\" zeros | xz -0 >\"$2\"",
        &[tree.path(), &archive],
    );
    let root = Ext4::new(16);
    let payload = Payload::file(&archive).unwrap();
    let error = unpack(&payload, root.path(), &options(), &mut |_| {}).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("zeros: the new file system is full"),
        "{text}"
    );
}

#[test]
fn progress_moves_to_the_end() {
    testkit::needs!("root");
    let archive = tempfile::tempdir().unwrap();
    let archive = archive.path().join("va.tar.xz");
    sh(
        &format!("tar -c {XATTRS} --sparse -C \"$1\" . | xz -0 -T2 >\"$2\""),
        &[rich(), &archive],
    );
    let payload = Payload::file(&archive).unwrap();
    let root = Ext4::new(64);
    let mut last = replant::payload::Progress::default();
    let summary = unpack(&payload, root.path(), &options(), &mut |now| {
        assert!(now.bytes >= last.bytes && now.compressed >= last.compressed);
        last = now;
    })
    .unwrap();
    assert_eq!(last.compressed, payload.size());
    assert_eq!(last.compressed_total, payload.size());
    assert_eq!(
        (last.entries, last.bytes),
        (summary.totals.entries, summary.totals.bytes)
    );
}
