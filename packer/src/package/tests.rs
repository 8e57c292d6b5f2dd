// SPDX-License-Identifier: MIT OR Apache-2.0
//! Packages that another program would read otherwise.

use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use tar::EntryType::{Directory, Regular};
use tar::{Builder, EntryType, Header};

/// The archive that `fill` makes.
fn archive(fill: impl FnOnce(&mut Builder<Vec<u8>>)) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    fill(&mut archive);
    archive.into_inner().unwrap()
}

/// The names that are read of an archive when it is packed.
fn names(archive: &[u8]) -> Result<Vec<String>> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let mut packed = GzEncoder::new(&mut file, Compression::fast());
    packed.write_all(archive).unwrap();
    packed.finish().unwrap();
    all(file.path())
}

fn all(path: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    each(
        path,
        &mut |name, _, _| {
            names.push(name.to_owned());
            Ok(())
        },
        &mut |_| false,
    )?;
    Ok(names)
}

fn member(archive: &mut Builder<Vec<u8>>, kind: EntryType, name: &str, bytes: &[u8]) {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(bytes.len() as u64);
    header.set_mode(0o755);
    archive.append_data(&mut header, name, bytes).unwrap();
}

#[test]
fn a_member_that_programs_unpack_in_several_ways_is_refused() {
    // Other packers add directories.
    let plain = archive(|archive| {
        member(archive, Directory, "sub", b"");
        member(archive, Regular, "replant", b"x");
    });
    assert_eq!(names(&plain).unwrap(), ["replant"]);
    for (key, value) in [
        ("path", "replant"),
        ("size", "1"),
        ("GNU.sparse.map", "0,1"),
        ("mtime", "1700000000.5"),
    ] {
        let bad = archive(|archive| {
            let record = [(key, value.as_bytes())];
            archive.append_pax_extensions(record).unwrap();
            member(archive, Regular, "replant", b"x");
        });
        let error = names(&bad).unwrap_err().to_string();
        assert!(error.contains(" a pax header or "), "{key}: {error}");
    }
    // To busybox and bsdtar the next member, to GNU tar the directory's content.
    let bad = archive(|archive| member(archive, Directory, "sub", &[7; 512]));
    let error = names(&bad).unwrap_err().to_string();
    assert!(error.contains(": sub"), "{error}");
    assert!(error.contains("directory with content"), "{error}");
    // After one block of zeros busybox goes on, and others end.
    let second = archive(|archive| member(archive, Regular, "replant", b"y"));
    let [one, two] = [512, 0].map(|less| [&plain[..plain.len() - less], &second[..]].concat());
    for bad in [one, two] {
        let error = names(&bad).unwrap_err().to_string();
        assert!(error.contains("behind the archive's end"), "{error}");
    }
    // As tar pads what it writes.
    let padded = [&plain[..], &[0; 8192]].concat();
    assert_eq!(names(&padded).unwrap(), ["replant"]);
}

#[test]
fn what_lies_in_a_directory_and_is_no_file_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("replant"), "x").unwrap();
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    std::os::unix::fs::symlink("/nowhere", dir.path().join("x")).unwrap();
    assert_eq!(all(dir.path()).unwrap(), ["replant", "sub", "x"]);
}
