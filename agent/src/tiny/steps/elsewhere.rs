// SPDX-License-Identifier: MIT OR Apache-2.0
//! The payload from a file on another device, for a damaged one on the disk:
//! `migrate --payload DEVICE:PATH`.

use super::{Context, Error};
use crate::block::{SYS, disks_below};
use crate::disk::Disk;
use crate::payload::verify::{self, Expected};
use crate::payload::{Copied, Payload};
use crate::report::Unit;
use crate::tiny::{Elsewhere, lifeboat};
use crate::{locate, mount, paths};
use ondisk::lifeboat::Role;
use ondisk::lifeboat::record::Pinned;
use rootdir::RootDir;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Mounts the device, without writing to it, and compares the file with the
/// checksum that the record has of the payload.
pub(super) fn open(context: &Context, from: &Elsewhere) -> Result<Payload, Error> {
    let boat = context.lifeboat.as_ref();
    let boat = boat.ok_or(Error::Missing("the record"))?;
    let record = boat.record().file(Role::Payload).cloned();
    let record = record.ok_or(lifeboat::Error::Missing(Role::Payload))?;
    let unfit = |why: &str| Error::Elsewhere {
        from: from.clone(),
        why: why.into(),
    };
    let (device, replaced) = (Disk::open(&from.device)?, Disk::open(boat.path())?);
    let number = device.dev().ok_or_else(|| unfit("is no block device"))?;
    let disks = disks_below(Path::new(SYS), number)?;
    if replaced
        .kernel_name()
        .is_some_and(|name| disks.contains(name))
    {
        return Err(unfit("is on the disk that is being replaced"));
    }
    let content = locate::identify(&from.device);
    let content = content.ok_or_else(|| unfit("has no file system that is known"))?;
    context.reporter.line(&format!("the payload is {from}"));
    let place = Path::new(paths::ELSEWHERE);
    // A migration that was killed may have left it mounted.
    mount::unmount_tree(place)?;
    mount::untouched(&from.device, place, &content.kind)?;
    let opened = RootDir::open(place)
        .map_err(Error::from)
        .and_then(|root| Ok(root.open_file(&from.file)?))
        .and_then(|file| file.ok_or_else(|| unfit("has no such file")));
    let payload = opened.and_then(|file| {
        let reporter = &context.reporter;
        reporter.activity("comparing the payload");
        let goal = record.bytes;
        let mut progress = |done| reporter.progress(done, goal, Unit::Bytes);
        take(file, &from.to_string(), record, &mut progress)
    });
    payload.inspect_err(|_| close(context, from))
}

/// The payload, if the file has the recorded checksums.
fn take(
    file: File,
    name: &str,
    record: Pinned,
    progress: &mut dyn FnMut(u64),
) -> Result<Payload, Error> {
    let expected = Expected {
        size: record.bytes,
        sha256: record.sum.ok_or(Error::Missing("its checksum"))?,
    };
    verify::verify(&file, Path::new(name), &expected, progress)?;
    let copied = Copied::new(PathBuf::from(name), file, record);
    Ok(Payload::copied(copied.map_err(lifeboat::Error::from)?))
}

/// Unmounts the device, so that it can be removed. The payload must not be read
/// any more.
pub(super) fn close(context: &Context, from: &Elsewhere) {
    if let Err(error) = mount::release(&from.device, Path::new(paths::ELSEWHERE)) {
        context.reporter.detail(&error.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ondisk::lifeboat::record::Chunks;
    use ondisk::sha256::Sha256Sum;
    use std::io::{Read, Write};

    #[test]
    fn only_the_file_of_the_record_is_taken_and_both_sums_are_said() {
        let content: Vec<u8> = (0..9000u32).map(|n| (n % 251) as u8).collect();
        let sum = Sha256Sum::of(&content);
        let record = Pinned {
            role: Role::Payload,
            bytes: 9000,
            sum: Some(sum),
            runs: Vec::new(),
            chunks: Some(Chunks {
                bytes: 4096,
                sums: content.chunks(4096).map(Sha256Sum::of).collect(),
            }),
        };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("va.tar.xz");
        let name = "/dev/sdb1:/va.tar.xz";
        let of = |bytes: &[u8]| {
            File::create(&path).unwrap().write_all(bytes).unwrap();
            let file = File::open(&path).unwrap();
            take(file, name, record.clone(), &mut |_| {})
        };
        let payload = of(&content).unwrap();
        let mut read = Vec::new();
        // Compared, and then read from the beginning.
        let mut reader = payload.open().unwrap();
        reader.read_to_end(&mut read).unwrap();
        assert!(read == content && payload.size() == 9000);
        assert_eq!(payload.name(), Path::new(name));

        let mut other = content.clone();
        other[8999] ^= 1;
        let error = of(&other).map(|_| ()).unwrap_err();
        let text = error.to_string();
        let found = Sha256Sum::of(&other);
        let words = format!("{name} is damaged: its SHA-256 is {found}, the manifest says {sum}");
        assert!(text.starts_with(&words), "{text}");
        assert!(!error.is_transient());
        for (bytes, words) in [
            (&content[..8999], "is cut: it has 8999 bytes"),
            (&[content.as_slice(), b"x"].concat(), "more than the 9000"),
            (&[], "is cut: it has 0 bytes"),
        ] {
            let text = of(bytes).map(|_| ()).unwrap_err().to_string();
            assert!(text.starts_with(name) && text.contains(words), "{text}");
        }
    }
}
