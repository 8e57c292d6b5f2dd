// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys and packages as they lie on a machine.

use super::*;
use crate::old::output::Output;
use crate::old::rows::State;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;
use testkit::SigningKey;

/// A machine's directory of keys.
struct Machine(TempDir);

impl Machine {
    fn new() -> Machine {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("keys")).unwrap();
        Machine(dir)
    }

    fn keys(&self) -> PathBuf {
        self.0.path().join("keys")
    }

    fn with(self, name: &str, text: impl AsRef<[u8]>) -> Machine {
        fs::write(self.keys().join(name), text).unwrap();
        self
    }

    /// What comes of this package: the rows, and what is kept for the tiny system.
    fn takes(&self, named: &[PathBuf], sealed: &Sealed) -> (Vec<(State, String)>, Outcome) {
        let mut rows = Rows::new(Output::Silent);
        let outcome = match Trust::read(&self.keys(), named, &mut rows) {
            None => Outcome::NoKeys,
            Some(trust) => match trust.judge(sealed, &mut rows) {
                None => Outcome::Refused,
                Some(kept) => Outcome::Taken(kept),
            },
        };
        let texts = rows.iter().map(|row| (row.state, row.text())).collect();
        (texts, outcome)
    }
}

#[derive(Debug, PartialEq)]
enum Outcome {
    /// The keys could not be read.
    NoKeys,
    Refused,
    Taken(Option<Signed>),
}

fn sealed(text: &str, signature: Option<Vec<u8>>) -> Sealed {
    Sealed {
        dir: "/nowhere".into(),
        text: text.into(),
        signature,
    }
}

const TEXT: &str = "format = 1\n";

#[test]
fn without_a_key_one_line_says_who_is_said_to_have_signed() {
    let vendor = SigningKey::new();
    let none = Machine::new();
    fs::remove_dir(none.keys()).unwrap();
    for machine in [Machine::new(), none] {
        for (signature, words) in [
            (
                None,
                "the package is not signed, and no key is trusted here".to_string(),
            ),
            (
                Some(vendor.sign(TEXT.as_bytes())),
                format!(
                    "the package says that {} signed it, which proves nothing",
                    vendor.id()
                ),
            ),
        ] {
            let (rows, outcome) = machine.takes(&[], &sealed(TEXT, signature));
            assert_eq!(outcome, Outcome::Taken(None));
            assert_eq!((rows.len(), rows[0].0), (1, State::Fine));
            assert!(rows[0].1.contains(&words), "{rows:?}");
        }
        let (rows, _) = machine.takes(&[], &sealed(TEXT, Some(b"x".to_vec())));
        assert_eq!(rows[0].0, State::Warning, "{rows:?}");
    }
}

#[test]
fn with_a_key_only_what_it_signed_is_taken() {
    let (vendor, other) = (SigningKey::new(), SigningKey::new());
    let machine = Machine::new().with("vendor.pub", vendor.public());
    let right = sealed(TEXT, Some(vendor.sign(TEXT.as_bytes())));
    let (rows, outcome) = machine.takes(&[], &right);
    let Outcome::Taken(Some(kept)) = outcome else {
        panic!("{rows:?}");
    };
    let words = format!("signed by {}: timestamp:1700000000 ", vendor.id());
    let trusted = format!("; trusted here: {}", vendor.id());
    assert!(rows[0].1.ends_with(&trusted), "{rows:?}");
    assert!(rows.len() == 1 && rows[0].1.starts_with(&words), "{rows:?}");
    assert_eq!((kept.by, kept.trusted.len()), (vendor.id(), 1));
    let mut flipped = vendor.sign(TEXT.as_bytes());
    let at = flipped.len() / 2;
    flipped[at] ^= 1;
    for (package, words) in [
        (sealed(TEXT, None), "the package is not signed ".to_string()),
        (
            sealed(TEXT, Some(other.sign(TEXT.as_bytes()))),
            format!(
                "the package is signed by {}, and only what {} signed",
                other.id(),
                vendor.id()
            ),
        ),
        (
            sealed("format = 2\n", Some(vendor.sign(TEXT.as_bytes()))),
            format!("migration.toml is not what {} signed: ", vendor.id()),
        ),
        (sealed(TEXT, Some(flipped)), "migration.toml".into()),
        (
            sealed(TEXT, Some(Vec::new())),
            "migration.toml.minisig is no signature".into(),
        ),
    ] {
        let (rows, outcome) = machine.takes(&[], &package);
        assert_eq!(outcome, Outcome::Refused, "{words}");
        let [(State::Refused, text)] = rows.as_slice() else {
            panic!("{rows:?}");
        };
        assert!(text.starts_with(&words) && text.contains("; "), "{text}");
    }
    // Another key, by an option.
    let file = machine.0.path().join("other");
    fs::write(&file, other.public()).unwrap();
    let by_other = sealed(TEXT, Some(other.sign(TEXT.as_bytes())));
    let named = [file.clone(), file, machine.keys().join("vendor.pub")];
    let (_, outcome) = machine.takes(&named, &by_other);
    let Outcome::Taken(Some(kept)) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!((kept.by, kept.trusted.len()), (other.id(), 2));
    let (_, outcome) = Machine::new().takes(&named[2..], &by_other);
    assert_eq!(outcome, Outcome::Refused);
}

#[test]
fn a_key_that_cannot_be_read_is_never_left_out() {
    let vendor = SigningKey::new();
    let right = sealed(TEXT, Some(vendor.sign(TEXT.as_bytes())));
    let machine = Machine::new().with("vendor.pub", vendor.public());
    let bad = machine.with("bad.pub", "-----BEGIN PUBLIC KEY-----\n");
    let (rows, outcome) = bad.takes(&[], &right);
    assert_eq!(
        (outcome, rows.len(), rows[0].0),
        (Outcome::NoKeys, 1, State::Failed)
    );
    let words = "keys/bad.pub is no public key of minisign, which has two lines";
    assert!(rows[0].1.contains(words), "{rows:?}");
    let (rows, outcome) = Machine::new().takes(&["/nowhere/x.pub".into()], &right);
    assert_eq!(outcome, Outcome::NoKeys);
    assert!(
        rows[0].1.contains("cannot read the key /nowhere/x.pub"),
        "{rows:?}"
    );
    let file = Machine::new();
    fs::remove_dir(file.keys()).unwrap();
    fs::write(file.keys(), "").unwrap();
    let (rows, outcome) = file.takes(&[], &right);
    assert_eq!((outcome, rows[0].0), (Outcome::NoKeys, State::Failed));
    // A link to what is not mounted, at the end or on the way.
    let link = Machine::new();
    fs::remove_dir(link.keys()).unwrap();
    std::os::unix::fs::symlink("/nowhere/keys", link.keys()).unwrap();
    for keys in [link.keys(), link.keys().join("below")] {
        let mut rows = Rows::new(Output::Silent);
        assert!(Trust::read(&keys, &[], &mut rows).is_none());
        let words = format!("cannot read the directory {}", keys.display());
        let row = rows.iter().next().unwrap();
        assert!(row.text().contains(&words), "{}", row.text());
        assert_eq!(row.state, State::Failed);
    }
}

#[test]
fn a_key_by_another_name_is_not_as_if_there_were_none() {
    let (vendor, other) = (SigningKey::new(), SigningKey::new());
    let right = sealed(TEXT, Some(vendor.sign(TEXT.as_bytes())));
    let machine = Machine::new().with("vendor.pub.txt", vendor.public());
    let (rows, outcome) = machine.takes(&[], &right);
    let [(State::Warning, left), (State::Failed, none)] = rows.as_slice() else {
        panic!("{rows:?}");
    };
    assert_eq!(outcome, Outcome::NoKeys);
    assert!(left.contains("vendor.pub.txt is not read, "), "{left}");
    assert!(
        none.contains("keys has files and none of them is a key"),
        "{none}"
    );
    // Beside another key, installed or named, it lets nothing in.
    let named = machine.0.path().join("named");
    fs::write(&named, other.public()).unwrap();
    let (_, outcome) = machine.takes(&[named], &right);
    assert_eq!(outcome, Outcome::Refused);
    let machine = machine.with("other.pub", other.public());
    let (_, outcome) = machine.takes(&[], &right);
    assert_eq!(outcome, Outcome::Refused);
}

#[test]
fn a_key_that_others_can_change_is_warned_of() {
    let vendor = SigningKey::new();
    let right = sealed(TEXT, Some(vendor.sign(TEXT.as_bytes())));
    let machine = Machine::new().with("vendor.pub", vendor.public());
    let named = machine.0.path().join("named");
    fs::write(&named, vendor.public()).unwrap();
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let above = machine.0.path().to_owned();
    let (keys, key) = (machine.keys(), machine.keys().join("vendor.pub"));
    for (path, safe, open) in [
        (&above, 0o755, 0o757),
        (&keys, 0o755, 0o1777),
        (&key, 0o644, 0o646),
        (&named, 0o644, 0o666),
    ] {
        mode(path, safe);
        let (rows, _) = machine.takes(std::slice::from_ref(&named), &right);
        let warned =
            |row: &&(State, String)| row.0 == State::Warning && row.1.starts_with(&said(path));
        assert_eq!(rows.iter().filter(warned).count(), 0, "{rows:?}");
        mode(path, open);
        let (rows, outcome) = machine.takes(std::slice::from_ref(&named), &right);
        assert_eq!(rows.iter().filter(warned).count(), 1, "{rows:?}");
        assert!(matches!(outcome, Outcome::Taken(Some(_))));
        mode(path, safe);
    }
}

fn said(path: &Path) -> String {
    format!("{} can be changed by others than root", path.display())
}

#[test]
fn what_the_signature_does_not_bind_is_named() {
    let package = tempfile::tempdir().unwrap();
    let manifest = Manifest::parse(&testkit::manifest()).unwrap();
    let rows = |manifest: &Manifest| {
        let mut rows = Rows::new(Output::Silent);
        unbound(package.path(), manifest, &mut rows);
        let texts: Vec<_> = rows.iter().map(|row| (row.state, row.text())).collect();
        texts
    };
    let all = [
        "migration.toml",
        "migration.toml.minisig",
        "va.tar.xz",
        "va.sgdisk",
        "vmlinuz-convert",
        "initramfs-convert.img",
    ];
    for name in all {
        fs::write(package.path().join(name), "").unwrap();
    }
    assert!(rows(&manifest).is_empty());
    for (name, state) in [
        ("replant", State::Refused),
        ("upgrade_to_tiny_system.sh", State::Refused),
        ("migration.tar.gz", State::Warning),
    ] {
        let path = package.path().join(name);
        fs::write(&path, "").unwrap();
        let found = rows(&manifest);
        assert_eq!((found.len(), found[0].0), (1, state), "{found:?}");
        assert!(found[0].1.contains(name), "{found:?}");
        let mut bound = manifest.clone();
        let file = bound.files[0].clone();
        bound.files.push(ondisk::manifest::File {
            name: name.into(),
            ..file
        });
        assert!(rows(&bound).is_empty());
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_key_of_the_package_itself_is_suspect() {
    let package = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let mut rows = Rows::new(Output::Silent);
    suspect(&[elsewhere.path().join("x.pub")], package.path(), &mut rows);
    assert_eq!(rows.iter().count(), 0);
    let own = package.path().join("x.pub");
    fs::write(&own, "").unwrap();
    suspect(&[own], package.path(), &mut rows);
    assert!(
        rows.iter()
            .next()
            .unwrap()
            .text()
            .contains("cannot vouch for itself")
    );
}
