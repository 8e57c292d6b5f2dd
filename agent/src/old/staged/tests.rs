// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `stage` leaves, read back.

use super::*;
use crate::disk::DiskId;
use ondisk::inventory::Content;
use testkit::SigningKey;

fn staged(manifest: &Manifest) -> Staged {
    Staged {
        format: FORMAT,
        time: 1_700_000_000,
        manifest_sha256: "ab".repeat(32),
        payload_sha256: "00".repeat(32),
        identity_sha256: "cd".repeat(32),
        host: "oldbox".into(),
        root: "UUID=0de0".into(),
        whole: ["volume group old".to_owned()].into(),
        fingerprint: Fingerprint {
            machine_id: "0123".into(),
            disk: DiskId {
                bytes: 8 << 30,
                table: "dos 1".into(),
                ..DiskId::default()
            },
        },
        facts: Facts {
            payload: manifest.payload.clone(),
            content: Vec::new(),
        },
        signature: None,
        protection: Protection::Resume,
        environment: Some(Environment {
            uuid: "0de1".into(),
            path: "grub2/grubenv".into(),
        }),
    }
}

#[test]
fn reads_back_what_it_writes() {
    let (manifest, _) = crate::plan::sample();
    let staged = staged(&manifest);
    let text = staged.encode().unwrap();
    assert_eq!(Staged::parse(&text), Ok(staged.clone()));
    // That of an earlier version.
    let (start, rest) = text.split_once("[environment]").unwrap();
    let (_, rest) = rest.split_once("[fingerprint]").unwrap();
    let earlier = Staged::parse(&format!("{start}[fingerprint]{rest}")).unwrap();
    assert_eq!(earlier.environment, None);
    let error = Staged::parse(&text.replace("format = 1", "format = 9")).unwrap_err();
    assert_eq!(error, Error::Format(9));
    assert!(matches!(Staged::parse("x"), Err(Error::Syntax(_))));

    // Without numbers for its file systems the manifest is another one's.
    let error = staged.agree(&manifest).unwrap_err().to_string();
    assert!(
        error.contains("1000000000 bytes and 1000 members on /"),
        "{error}"
    );
    let mut other = manifest;
    other
        .files
        .iter_mut()
        .for_each(|f| f.sha256 = "11".repeat(32));
    assert_eq!(staged.agree(&other), Err(Error::OtherPayload));
}

/// The record of a manifest that is signed, and its bytes.
fn signed(vendor: &SigningKey, trusted: &[&SigningKey]) -> (Staged, Vec<u8>) {
    let (manifest, _) = crate::plan::sample();
    let text = manifest.encode().unwrap();
    let mut staged = staged(&manifest);
    staged.facts = Facts {
        payload: manifest.payload.clone(),
        content: manifest
            .filesystems
            .iter()
            .map(|f| Content {
                mount: f.mount.clone(),
                bytes: f.content_bytes,
                entries: f.content_entries,
                block: 1024,
                because: String::new(),
            })
            .collect(),
    };
    staged.manifest_sha256 = Sha256Sum::of(text.as_bytes()).to_string();
    staged.payload_sha256 = manifest.file(PAYLOAD).unwrap().sha256.clone();
    let line = |key: &&SigningKey| {
        let key = PublicKey::parse(key.public().as_bytes()).unwrap();
        key.line().to_owned()
    };
    staged.signature = Some(Signed {
        by: vendor.id(),
        text: String::from_utf8(vendor.sign(text.as_bytes())).unwrap(),
        trusted: trusted.iter().map(line).collect(),
    });
    let read = Staged::parse(&staged.encode().unwrap()).unwrap();
    assert_eq!(read, staged);
    (read, text.into_bytes())
}

#[test]
fn the_tiny_system_takes_what_was_signed_by_the_keys_of_the_staging() {
    let (vendor, other) = (SigningKey::new(), SigningKey::new());
    let (staged, bytes) = signed(&vendor, &[&other, &vendor]);
    staged.manifest(&bytes).unwrap();
    // Keys that are installed later are not among them, and change nothing.
    let (staged, bytes) = signed(&vendor, &[&vendor]);
    staged.manifest(&bytes).unwrap();

    let (strange, bytes) = signed(&vendor, &[&other]);
    let error = strange.manifest(&bytes).unwrap_err().to_string();
    let words = format!(
        "is signed by {}, and only what {} signed",
        vendor.id(),
        other.id()
    );
    assert!(error.contains(&words), "{error}");
    // A manifest, and its sum in the record, that somebody has changed.
    let text = String::from_utf8(bytes).unwrap();
    let begin = text.find('\n').unwrap() + 1;
    let end = text.rfind("# sha256").unwrap();
    let changed = text[begin..end].replacen("name = \"", "name = \"x", 1);
    let mut again = staged.clone();
    again.manifest_sha256 = Sha256Sum::of(changed.as_bytes()).to_string();
    assert_eq!(
        staged.manifest(changed.as_bytes()),
        Err(Error::OtherManifest)
    );
    let error = again.manifest(changed.as_bytes()).unwrap_err().to_string();
    assert!(error.contains(" is not what "), "{error}");
    again.signature = None;
    // Nothing else was wrong with it.
    again.manifest(changed.as_bytes()).unwrap();
    let mut bent = staged.clone();
    bent.signature.as_mut().unwrap().trusted = vec!["RW".into()];
    let error = bent.manifest(text.as_bytes()).unwrap_err();
    assert_eq!(error, Error::Key(BadKey::NoKey));
    bent.signature.as_mut().unwrap().text = String::new();
    bent.signature.as_mut().unwrap().trusted = Vec::new();
    assert!(bent.manifest(text.as_bytes()).is_err());
}
