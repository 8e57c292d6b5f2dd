// SPDX-License-Identifier: MIT OR Apache-2.0
//! The payload's tmpfs.
use super::scratch::{compressible, file, sh};
use ondisk::sha256::Sha256Sum;
use replant::payload::tmpfs;
use replant::payload::verify::Expected;
use testkit::Random;

#[test]
fn a_file_fits_exactly_and_is_verified() {
    testkit::needs!("root");
    let bytes = compressible(&mut Random(3), 5_000_001);
    let expected = Expected {
        size: bytes.len() as u64,
        sha256: Sha256Sum::of(&bytes),
    };
    let (dir, source) = file("va.tar.xz", &bytes);
    let mount = dir.path().join("payload");
    let copy = mount.join("va.tar.xz");
    tmpfs::mount(&mount, expected.size).unwrap();
    let mut calls = 0;
    let good = tmpfs::load(&source, &copy, &expected, &mut |at| calls = at);
    let same = std::fs::read(&copy).unwrap() == bytes;
    // A second file of the size does not fit: the size is that of the mount.
    let second = tmpfs::load(&source, &mount.join("second"), &expected, &mut |_| {});
    std::fs::write(&source, &bytes[1..]).unwrap();
    let bad = tmpfs::load(&source, &copy, &expected, &mut |_| {});
    let left = copy.exists();
    let kind = sh("stat -f -c %T \"$1\"", &[&mount]);
    replant::mount::unmount_tree(&mount).unwrap();
    good.unwrap();
    assert!(same && calls == expected.size);
    assert_eq!(kind, b"tmpfs\n");
    assert!(second.unwrap_err().to_string().contains("No space left"));
    assert!(
        bad.unwrap_err()
            .to_string()
            .contains("is cut: it has 5000000 bytes")
    );
    assert!(!left, "a copy that is wrong must not stay");
}
