// SPDX-License-Identifier: MIT OR Apache-2.0
//! Replaces the content of a boot loader's file atomically; owner, mode, label
//! and other extended attributes stay.

use super::Error;
use rustix::fs::{Gid, Mode, Uid, XattrFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use sys::FileError;

/// Suffix of the new file before it takes the place of the old one.
const PART: &str = ".replant-part";

/// The content; `None` if there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(FileError::new("read", path, e).into()),
    }
}

/// Replaces a file's content by `bytes`, or creates the file. A link stays a
/// link. After an error the file is unchanged, and no new file is left beside it.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let old = match std::fs::canonicalize(path) {
        Ok(real) => Some(real),
        // Nothing is there, not even a link to nowhere.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && !path.is_symlink() => None,
        Err(e) => return Err(FileError::new("find", path, e).into()),
    };
    let place = old.as_deref().unwrap_or(path);
    let part = part(place);
    remove(&part)?;
    let write = || {
        let mut options = File::options();
        // A new file is root's own, as grub.cfg is.
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&part)?;
        file.write_all(bytes)?;
        if let Some(old) = &old {
            keep_attributes(&File::open(old)?, &file)?;
        }
        file.sync_all()?;
        std::fs::rename(&part, place)?;
        // Flushes the directory, so that the new name is on the disk, too.
        place
            .parent()
            .map_or(Ok(()), |dir| File::open(dir)?.sync_all())
    };
    write().map_err(|e| {
        // The first error is returned.
        let _ = std::fs::remove_file(&part);
        FileError::new("write", path, e).into()
    })
}

/// Removes a file and what an earlier try left beside it; either may be gone.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    for path in [&part(path), path] {
        sys::remove_file(path)?;
    }
    Ok(())
}

fn part(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(PART);
    name.into()
}

/// On a file system without owners or attributes (vfat) both files are equal
/// already, and nothing is set.
fn keep_attributes(old: &File, new: &File) -> std::io::Result<()> {
    let (want, have) = (old.metadata()?, new.metadata()?);
    if (want.uid(), want.gid()) != (have.uid(), have.gid()) {
        let (uid, gid) = (Uid::from_raw(want.uid()), Gid::from_raw(want.gid()));
        rustix::fs::fchown(new, Some(uid), Some(gid))?;
    }
    // chown clears the set-uid bits, so the mode is set after it.
    if want.mode() != new.metadata()?.mode() {
        rustix::fs::fchmod(new, Mode::from_raw_mode(want.mode() & 0o7777))?;
    }
    let (want, have) = (attributes(old)?, attributes(new)?);
    for name in have.keys().filter(|name| !want.contains_key(*name)) {
        rustix::fs::fremovexattr(new, name.as_os_str())?;
    }
    for (name, value) in want
        .iter()
        .filter(|(name, value)| have.get(*name) != Some(value))
    {
        rustix::fs::fsetxattr(new, name.as_os_str(), value, XattrFlags::empty())?;
    }
    Ok(())
}

/// The extended attributes; ACLs and the SELinux label are among them.
fn attributes(file: &File) -> std::io::Result<BTreeMap<OsString, Vec<u8>>> {
    let mut found = BTreeMap::new();
    // The kernel's own limit for the list and for each value.
    let mut names = vec![0; 1 << 16];
    let mut value = vec![0; 1 << 16];
    let length = match rustix::fs::flistxattr(file, &mut names[..]) {
        Ok(length) => length,
        Err(Errno::OPNOTSUPP) => 0,
        Err(errno) => return Err(errno.into()),
    };
    names.truncate(length);
    for name in names.split(|b| *b == 0).filter(|name| !name.is_empty()) {
        let length = rustix::fs::fgetxattr(file, name, &mut value[..])?;
        let value = value.get(..length).unwrap_or_default().to_vec();
        found.insert(OsString::from_vec(name.to_vec()), value);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn names(dir: &Path) -> Vec<OsString> {
        let entries = std::fs::read_dir(dir).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn owner_mode_and_attributes_stay() {
        testkit::needs!("root");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("custom.cfg");
        std::fs::write(&path, "old").unwrap();
        std::os::unix::fs::chown(&path, Some(7), Some(8)).unwrap();
        rustix::fs::chmod(&path, Mode::from_raw_mode(0o4741)).unwrap();
        let flags = XattrFlags::empty();
        rustix::fs::setxattr(&path, "trusted.label", b"boot_t\0", flags).unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        let meta = std::fs::metadata(&path).unwrap();
        assert_eq!(
            (meta.uid(), meta.gid(), meta.mode() & 0o7777),
            (7, 8, 0o4741)
        );
        let kept = attributes(&File::open(&path).unwrap()).unwrap();
        let label = kept.get(std::ffi::OsStr::new("trusted.label"));
        assert_eq!(label.map(Vec::as_slice), Some(&b"boot_t\0"[..]));
        assert_eq!(names(dir.path()), ["custom.cfg"]);
    }

    #[test]
    fn a_link_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (link, real) = (dir.path().join("link"), dir.path().join("real"));
        std::fs::write(&real, "old").unwrap();
        symlink("real", &link).unwrap();
        replace(&link, b"new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read(&real).unwrap(), b"new");
        std::fs::remove_file(&real).unwrap();
        assert!(replace(&link, b"new").is_err());
        assert_eq!(names(dir.path()), ["link"]);
    }

    #[test]
    fn a_new_file_is_roots_own_and_goes_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("custom.cfg");
        // What a try that was killed left.
        std::fs::write(part(&path), "half").unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        std::fs::write(part(&path), "half").unwrap();
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert_eq!(names(dir.path()), Vec::<OsString>::new());
        assert_eq!(read(&path).unwrap(), None);
    }

    #[test]
    fn nothing_lies_beside_a_file_that_could_not_be_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("custom.cfg");
        std::fs::create_dir(&path).unwrap();
        let error = replace(&path, b"new").unwrap_err().to_string();
        assert!(error.contains("custom.cfg"), "{error}");
        assert_eq!(names(dir.path()), ["custom.cfg"]);
    }
}
