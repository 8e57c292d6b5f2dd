// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads the files of the staged package below the old root. Messages use the
//! paths of the old system.

use super::Error;
use crate::paths;
use crate::payload::tmpfs;
use crate::payload::verify::{self, Expected};
use rootdir::{self, RootDir};
use std::path::{Path, PathBuf};
use sys::{FileError, cannot};

/// A file of `/etc/upd` that cannot be used, and why.
pub(super) fn unusable(name: &str, why: impl Into<String>) -> Error {
    Error::StagedFile {
        path: Path::new("/").join(paths::STAGED_DIR).join(name),
        why: why.into(),
    }
}

/// The path on the old system: for files below its root, which is mounted
/// elsewhere here, and for copies of the package.
pub(super) fn old_path(path: &Path) -> PathBuf {
    let root = Path::new("/");
    if let Ok(below) = path.strip_prefix(paths::OLD_ROOT) {
        return root.join(below);
    }
    match path.strip_prefix(paths::PAYLOAD_DIR) {
        Ok(below) => root.join(paths::STAGED_DIR).join(below),
        Err(_) => path.into(),
    }
}

/// The error of a staged file, with its path on the old system.
fn copy_error(name: &str, error: tmpfs::Error) -> Error {
    use tmpfs::Error::{File, Missing, Verify};
    use verify::Error::{Changed, Read, TooLong, TooShort};
    let why = match error {
        Missing { .. } => "is missing".into(),
        File(error) if error.path.starts_with(paths::OLD_ROOT) => {
            format!("cannot be opened: {}", error.source)
        }
        Verify(Read { at, error, .. }) => {
            format!("cannot be read at byte {at}: {error}; check the disk")
        }
        Verify(TooShort {
            found, expected, ..
        }) => format!("is cut: it has {found} bytes, the manifest says {expected}"),
        Verify(TooLong { expected, .. }) => {
            format!("has more than the {expected} bytes that the manifest says")
        }
        Verify(Changed {
            found, expected, ..
        }) => format!("is damaged: its SHA-256 is {found}, the manifest says {expected}"),
        // Writing the copy failed, so nothing is wrong with the file.
        other => return other.into(),
    };
    unusable(name, why)
}

/// A file of the staged package, below the old root.
pub(super) fn path(name: &str) -> String {
    format!("{}/{name}", paths::STAGED_DIR)
}

pub(super) fn bytes(old: &RootDir, rel: &str) -> Result<Vec<u8>, Error> {
    let unusable = |why: String| Error::StagedFile {
        path: Path::new("/").join(rel),
        why,
    };
    match old.read(rel) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(unusable("is missing".into())),
        Err(rootdir::Error::File(error)) => {
            Err(unusable(format!("cannot be read: {}", error.source)))
        }
        Err(error) => Err(unusable(format!("cannot be used: {error}"))),
    }
}

pub(super) fn text(old: &RootDir, rel: &str) -> Result<String, Error> {
    String::from_utf8(bytes(old, rel)?).map_err(|error| Error::StagedFile {
        path: Path::new("/").join(rel),
        why: format!("is no text: {error}"),
    })
}

pub(super) fn unreadable(error: &FileError) -> Error {
    Error::StagedFile {
        path: old_path(&error.path),
        why: match error.source.kind() {
            std::io::ErrorKind::NotFound => "is missing".into(),
            _ => format!("cannot be read: {}", error.source),
        },
    }
}

/// Copies a file of the package into memory, and verifies it.
pub(super) fn copy_verified(
    old: &RootDir,
    name: &str,
    to: &Path,
    expected: &Expected,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    let rel = path(name);
    let path = old.full(&rel);
    let file = old.open_file(&rel)?;
    let file = file.ok_or_else(|| tmpfs::Error::Missing { path: path.clone() });
    file.and_then(|file| tmpfs::load_open(&file, &path, to, expected, progress))
        .map_err(|error| copy_error(name, error))
}

/// Copies a small staged file into memory.
pub(super) fn copy(old: &RootDir, rel: &str, to: &Path) -> Result<(), Error> {
    Ok(std::fs::write(to, bytes(old, rel)?).map_err(cannot("write", to))?)
}

/// Copies a small directory; links are not followed and not copied.
pub(super) fn copy_tree(old: &RootDir, rel: &str, to: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(to).map_err(cannot("create the directory", to))?;
    if !old.is_dir(rel)? {
        return Err(Error::StagedFile {
            path: Path::new("/").join(rel),
            why: "is missing".into(),
        });
    }
    for name in old.list(rel)? {
        let (from, target) = (format!("{rel}/{name}"), to.join(&name));
        if old.link(&from)?.is_some() {
            continue;
        }
        if old.is_dir(&from)? {
            copy_tree(old, &from, &target)?;
        } else if old.open_file(&from)?.is_some() {
            copy(old, &from, &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ondisk::sha256::Sha256Sum;

    const AGAIN: &str = "; stage the package again on the old system";

    #[test]
    fn files_are_named_as_the_old_system_knows_them() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().join("va.tar.xz");
        let expected = |bytes: &[u8]| Expected {
            size: bytes.len() as u64,
            sha256: Sha256Sum::of(bytes),
        };
        let say = |bytes: &[u8]| {
            let (to, known) = (dir.path().join("copy"), expected(bytes));
            let error = tmpfs::load(&here, &to, &known, &mut |_| {}).unwrap_err();
            copy_error("va.tar.xz", error).to_string()
        };
        let file = "/etc/upd/va.tar.xz";
        assert_eq!(say(b"payload"), format!("{file} is missing{AGAIN}"));
        std::fs::write(&here, "payload").unwrap();
        assert_eq!(
            say(b"payloads"),
            format!("{file} is cut: it has 7 bytes, the manifest says 8{AGAIN}")
        );
        assert_eq!(
            say(b"pay"),
            format!("{file} has more than the 3 bytes that the manifest says{AGAIN}")
        );
        let changed = say(b"paYload");
        let start = format!("{file} is damaged: its SHA-256 is ");
        assert!(
            changed.starts_with(&start) && changed.ends_with(AGAIN),
            "{changed}"
        );

        let error = text(&RootDir::open(dir.path()).unwrap(), "etc/upd/none").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("/etc/upd/none is missing{AGAIN}")
        );
        for (path, home) in [
            ("/run/replant/old/etc/machine-id", "/etc/machine-id"),
            ("/run/replant/payload/identity/x", "/etc/upd/identity/x"),
            ("/proc/meminfo", "/proc/meminfo"),
        ] {
            assert_eq!(old_path(Path::new(path)), Path::new(home));
        }
    }

    #[test]
    fn links_of_the_old_root_stay_in_it() {
        use std::os::unix::fs::symlink;
        let top = tempfile::tempdir().unwrap();
        let (old, outside) = (top.path().join("old"), top.path().join("outside"));
        std::fs::create_dir_all(old.join("etc")).unwrap();
        std::fs::create_dir_all(outside.join("identity")).unwrap();
        for name in ["staged.toml", "va.tar.xz", "identity/x"] {
            std::fs::write(outside.join(name), "outside").unwrap();
        }
        let expected = Expected {
            size: 7,
            sha256: Sha256Sum::of(b"outside"),
        };
        let copied = top.path().join("copy");
        let read = || {
            let root = RootDir::open(&old).unwrap();
            let text = text(&root, &path("staged.toml")).is_ok();
            let file = copy_verified(&root, "va.tar.xz", &copied, &expected, &mut |_| {}).is_ok();
            let tree = copy_tree(&root, &path("identity"), &top.path().join("id")).is_ok();
            [text, file, tree]
        };
        for link in [outside.to_str().unwrap(), "../../outside"] {
            symlink(link, old.join("etc/upd")).unwrap();
            assert_eq!(read(), [false; 3], "{link}");
            std::fs::remove_file(old.join("etc/upd")).unwrap();
        }
        // A package below /data, as it may lie on the old system.
        std::fs::rename(&outside, old.join("data")).unwrap();
        symlink("/data", old.join("etc/upd")).unwrap();
        assert_eq!(read(), [true; 3]);
    }
}
