// SPDX-License-Identifier: MIT OR Apache-2.0
//! Against what minisign itself made.

use super::*;

const MESSAGE: &[u8] = include_bytes!("../../tests/fixtures/minisign/message");
const PREHASHED: &[u8] = include_bytes!("../../tests/fixtures/minisign/prehashed.minisig");
const LEGACY: &[u8] = include_bytes!("../../tests/fixtures/minisign/legacy.minisig");
const BY_OTHER: &[u8] = include_bytes!("../../tests/fixtures/minisign/other.minisig");
const VENDOR: &[u8] = include_bytes!("../../tests/fixtures/minisign/vendor.pub");
const OTHER: &[u8] = include_bytes!("../../tests/fixtures/minisign/other.pub");
const SECRET: &[u8] = include_bytes!("../../tests/fixtures/minisign/vendor.key");

const VENDOR_ID: &str = "A3F3EFC1B9011A3B";
const OTHER_ID: &str = "4ECD09ECC1AFBA59";

fn key(text: &[u8]) -> PublicKey {
    PublicKey::parse(text).unwrap()
}

fn error(bytes: &[u8], signature: Option<&[u8]>, keys: &[PublicKey]) -> String {
    verify(bytes, signature, keys).unwrap_err().to_string()
}

#[test]
fn what_minisign_signed_is_right_by_any_of_several_keys() {
    let keys = [key(OTHER), key(VENDOR)];
    let signed = verify(MESSAGE, Some(PREHASHED), &keys).unwrap();
    assert_eq!(signed.by().to_string(), VENDOR_ID);
    // Its tabs are signed, and shown as blanks.
    assert_eq!(signed.comment(), "timestamp:1700000000 file:message hashed");
    // As minisign before 0.10 signed by default.
    assert_eq!(
        verify(MESSAGE, Some(LEGACY), &keys).unwrap().by(),
        signed.by()
    );
    let signed = verify(MESSAGE, Some(BY_OTHER), &keys).unwrap();
    assert_eq!(signed.by().to_string(), OTHER_ID);
}

#[test]
fn what_nobody_here_signed_is_refused_by_name() {
    let vendor = [key(VENDOR)];
    let text = error(MESSAGE, None, &vendor);
    assert!(text.starts_with("the package is not signed "), "{text}");
    assert!(
        text.contains(&format!("only what {VENDOR_ID} signed")),
        "{text}"
    );
    let text = error(MESSAGE, Some(BY_OTHER), &vendor);
    let words = format!("is signed by {OTHER_ID}, and only what {VENDOR_ID} signed is taken");
    assert!(text.contains(&words), "{text}");
    let both = [key(VENDOR), key(OTHER), key(VENDOR)];
    let text = error(MESSAGE, None, &both);
    assert!(
        text.contains(&format!("{OTHER_ID} or {VENDOR_ID} signed")),
        "{text}"
    );
    assert!(verify(MESSAGE, Some(PREHASHED), &[]).is_err());
    // A key that has the vendor's number.
    let mut line = key(VENDOR).line().to_owned();
    line.replace_range(14.., &key(OTHER).line()[14..]);
    let forged = key(line.as_bytes());
    let text = error(MESSAGE, Some(PREHASHED), std::slice::from_ref(&forged));
    assert!(text.contains("is not what "), "{text}");
    verify(MESSAGE, Some(PREHASHED), &[forged, key(VENDOR)]).unwrap();
}

#[test]
fn one_other_byte_of_manifest_signature_or_key_and_it_is_refused() {
    let vendor = [key(VENDOR)];
    for at in 0..MESSAGE.len() {
        let mut other = MESSAGE.to_vec();
        other[at] ^= 1;
        for signature in [PREHASHED, LEGACY] {
            let text = error(&other, Some(signature), &vendor);
            assert!(text.contains("is not what "), "{at}: {text}");
        }
    }
    // What stands behind "untrusted comment:" is not signed.
    let comment = PREHASHED.iter().position(|b| *b == b'\n').unwrap();
    let behind = PREHASHED.len() - 1;
    for signature in [PREHASHED, LEGACY] {
        let last = signature.len().min(behind + 1) - 1;
        for at in (0..COMMENT.len()).chain(comment..last) {
            let mut other = signature.to_vec();
            other[at] ^= 1;
            error(MESSAGE, Some(&other), &vendor);
        }
    }
    let begin = VENDOR.iter().position(|b| *b == b'\n').unwrap() + 1;
    for at in begin..VENDOR.len() - 1 {
        let mut other = VENDOR.to_vec();
        other[at] ^= 1;
        if let Ok(key) = PublicKey::parse(&other) {
            error(MESSAGE, Some(PREHASHED), &[key]);
        }
    }
}

#[test]
fn a_signature_has_four_lines() {
    let text = std::str::from_utf8(PREHASHED).unwrap();
    for bad in [
        "",
        "x",
        &text.replacen("untrusted", "trusted", 1),
        &text.replace("\ntrusted comment: ", "\ncomment: "),
        &format!("{text}one more"),
        text.lines().next().unwrap(),
        // Whoever passes a package on can write this one.
        &text.replacen("comment: ", &format!("comment: {}", "x".repeat(LONGEST)), 1),
    ] {
        let parsed = Signature::parse(bad.as_bytes()).map(|_| ());
        assert_eq!(parsed, Err(BadSignature), "{bad}");
    }
    assert!(Signature::parse(b"\xff").is_err());
    let long = format!("comment: {}", "x".repeat(1024));
    let long = text.replacen("comment: ", &long, 1);
    verify(MESSAGE, Some(long.as_bytes()), &[key(VENDOR)]).unwrap();
    // As other systems end lines.
    let other = text.replace('\n', "\r\n");
    verify(MESSAGE, Some(other.as_bytes()), &[key(VENDOR)]).unwrap();
}

#[test]
fn a_comment_does_nothing_to_a_terminal() {
    let text = std::str::from_utf8(PREHASHED).unwrap();
    let other = text.replace("file:message", "\x1b[2Jx");
    let comment = Signature::parse(other.as_bytes()).unwrap().comment();
    assert!(
        comment.contains(" [2Jx") && !comment.contains('\x1b'),
        "{comment}"
    );
}

#[test]
fn a_key_is_one_line_with_or_without_a_comment() {
    assert_eq!(key(VENDOR).id().to_string(), VENDOR_ID);
    let line = key(VENDOR).line().to_owned();
    assert_eq!(key(line.as_bytes()), key(VENDOR));
    assert_eq!(key(format!("\n {line} \r\n\n").as_bytes()), key(VENDOR));
    let two = [VENDOR, OTHER].concat();
    for (bytes, what) in [
        (&b""[..], BadKey::NoKey),
        (b"untrusted comment: minisign public key\n", BadKey::NoKey),
        (&VENDOR[..VENDOR.len() - 3], BadKey::NoKey),
        (b"-----BEGIN PUBLIC KEY-----", BadKey::NoKey),
        (PREHASHED, BadKey::NoKey),
        (b"\xff", BadKey::NoKey),
        (&two, BadKey::Several),
        (SECRET, BadKey::Secret),
        // Protected by a password.
        (b"RWRTY0Iyg2Hg", BadKey::Secret),
    ] {
        assert_eq!(PublicKey::parse(bytes).map(|_| ()), Err(what));
    }
}
