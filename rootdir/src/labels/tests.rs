// SPDX-License-Identifier: MIT OR Apache-2.0
//! Labels of files below a root, by a policy that lies there.

use super::*;
use crate::Attributes;
use crate::attribute::{get, set, value};
use std::os::unix::fs::symlink;
use std::path::Path;

const CONTEXTS: &str = "\
/.*\tsystem_u:object_r:default_t:s0
/\tsystem_u:object_r:root_t:s0
/etc(/.*)?\tsystem_u:object_r:etc_t:s0
/etc/mtab\t--\tsystem_u:object_r:etc_runtime_t:s0
/etc/shadow.*\t--\tsystem_u:object_r:shadow_t:s0
/etc/localtime\t-l\tsystem_u:object_r:locale_t:s0
/tmp/.*\t<<none>>
/var/log(/.*)?\tsystem_u:object_r:var_log_t:s0
";

/// A root with a policy, and directories.
fn system() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for path in [
        "etc/selinux/x/policy",
        "etc/selinux/x/contexts/files",
        "tmp",
        "srv/log",
    ] {
        std::fs::create_dir_all(dir.path().join(path)).unwrap();
    }
    for (path, text) in [
        ("etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=x\n"),
        ("etc/selinux/x/policy/policy.33", "policy"),
        ("etc/selinux/x/contexts/files/file_contexts", CONTEXTS),
        ("etc/shadow", ""),
        ("tmp/x", ""),
    ] {
        std::fs::write(dir.path().join(path), text).unwrap();
    }
    symlink("../nowhere", dir.path().join("etc/localtime")).unwrap();
    dir
}

fn read(root: &Path) -> Labels {
    let labels = Labels::read(&RootDir::open(root).unwrap()).unwrap();
    labels.expect("a policy")
}

/// The type that a file has.
fn type_of(root: &Path, path: &str) -> Option<String> {
    let path = root.join(path).into_os_string().into_encoded_bytes();
    let stored = get(&path).unwrap()?;
    let label = stored.strip_suffix(&[0]).expect("its end");
    let label = String::from_utf8(label.to_vec()).unwrap();
    label.split(':').nth(2).map(str::to_owned)
}

fn label(root: &Path, path: &str, kind: &str) {
    let stored = value(&format!("system_u:object_r:{kind}:s0"));
    let path = root.join(path).into_os_string().into_encoded_bytes();
    set(&path, &stored).unwrap();
}

#[test]
fn what_has_no_label_gets_the_policys() {
    let dir = system();
    let root = dir.path();
    label(root, "etc/selinux/config", "mine_t");
    std::fs::create_dir(root.join("lost+found")).unwrap();
    let labels = read(root);
    let new = RootDir::open(root).unwrap();
    let before = count(&labels, &new).unwrap();
    assert_eq!((before.labelled, before.free), (1, 1));
    assert!(before.unlabelled >= 12, "{before:?}");
    let top = || new.directory("").unwrap();
    let made = complete(&labels, &top(), "/").unwrap();
    assert_eq!(made.unlabelled, before.unlabelled + 1, "lost+found");
    for (path, wanted) in [
        ("", Some("root_t")),
        ("etc", Some("etc_t")),
        ("etc/shadow", Some("shadow_t")),
        ("etc/localtime", Some("locale_t")),
        ("etc/selinux/config", Some("mine_t")),
        ("tmp/x", None),
        ("srv/log", Some("default_t")),
    ] {
        assert_eq!(type_of(root, path).as_deref(), wanted, "{path}");
    }
    let after = count(&labels, &new).unwrap();
    assert_eq!((after.unlabelled, after.free), (0, 1));
    // A file system that is mounted elsewhere.
    let dir = tempfile::tempdir().unwrap();
    let other = RootDir::open(dir.path()).unwrap();
    std::fs::write(dir.path().join("x"), "").unwrap();
    complete(&labels, &other.directory("").unwrap(), "/var/log").unwrap();
    assert_eq!(type_of(dir.path(), "").as_deref(), Some("var_log_t"));
    assert_eq!(type_of(dir.path(), "x").as_deref(), Some("var_log_t"));
}

#[test]
fn what_is_written_has_a_label_at_once_and_keeps_that_of_what_it_replaces() {
    let dir = system();
    let root = dir.path();
    symlink("../srv/log", root.join("etc/moved")).unwrap();
    symlink("../srv/log", root.join("var")).unwrap();
    label(root, "etc/localtime", "old_t");
    label(root, "etc/shadow", "older_t");
    let new = RootDir::open(root)
        .unwrap()
        .with_labels(read(root).contexts);
    let mode = Attributes::root(0o600);
    new.write(MARKER, b"", mode).unwrap();
    new.write("etc/shadow", b"1", mode).unwrap();
    new.write("etc/shadow-", b"1", mode).unwrap();
    new.write("tmp/y", b"1", mode).unwrap();
    new.symlink("etc/localtime", "../UTC").unwrap();
    new.symlink("etc/link", "x").unwrap();
    new.write("var/log/a/b", b"1", mode).unwrap();
    // Another kind of file: not the label of the link that it replaces.
    new.write("etc/moved", b"1", mode).unwrap();
    for (path, wanted) in [
        (".autorelabel", Some("etc_runtime_t")),
        ("etc/shadow", Some("older_t")),
        ("etc/shadow-", Some("shadow_t")),
        ("tmp/y", None),
        ("etc/localtime", Some("old_t")),
        ("etc/link", Some("etc_t")),
        ("etc/moved", Some("etc_t")),
        // By its real path, which the policy does not know.
        ("srv/log/log/a/b", Some("default_t")),
        ("srv/log/log/a", Some("default_t")),
    ] {
        assert_eq!(type_of(root, path).as_deref(), wanted, "{path}");
    }
    // Without a policy only what is replaced has one.
    let new = RootDir::open(root).unwrap();
    new.write("etc/shadow", b"2", mode).unwrap();
    new.write("etc/new", b"2", mode).unwrap();
    assert_eq!(type_of(root, "etc/shadow").as_deref(), Some("older_t"));
    assert_eq!(type_of(root, "etc/new"), None);
}

#[test]
fn a_system_without_a_policy_gets_no_labels() {
    for change in [
        ("etc/selinux/config", "SELINUX=disabled\nSELINUXTYPE=x\n"),
        ("etc/selinux/config", "SELINUXTYPE=../x\n"),
        ("etc/selinux/config", "SELINUXTYPE=y\n"),
    ] {
        let dir = system();
        std::fs::write(dir.path().join(change.0), change.1).unwrap();
        let root = RootDir::open(dir.path()).unwrap();
        assert!(Labels::read(&root).unwrap().is_none(), "{change:?}");
    }
    let dir = tempfile::tempdir().unwrap();
    let root = RootDir::open(dir.path()).unwrap();
    assert!(Labels::read(&root).unwrap().is_none());
}

#[test]
fn what_the_policy_says_and_nobody_understands_is_a_warning() {
    let dir = system();
    let files = dir.path().join("etc/selinux/x/contexts/files");
    std::fs::write(files.join("file_contexts.local"), "/(a l\n".repeat(7)).unwrap();
    let warnings = read(dir.path()).warnings;
    assert_eq!(warnings.len(), 6, "{warnings:?}");
    let first = "SELinux: file_contexts.local line 1: its regular expression: \
                 a group is not closed; the line is not followed";
    assert_eq!(warnings[0], first);
    std::fs::remove_file(files.join("file_contexts")).unwrap();
    let warnings = read(dir.path()).warnings;
    assert!(
        warnings[6].contains("file_contexts is missing"),
        "{warnings:?}"
    );
}
