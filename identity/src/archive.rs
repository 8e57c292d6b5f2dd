// SPDX-License-Identifier: MIT OR Apache-2.0
//! A saved identity as one archive, so that it can be read from the disk without
//! a file system.

use super::digest::files;
use super::error::{Error, Result};
use ondisk::cpio::{self, Builder, DIRECTORY, REGULAR, Reader};
use rootdir::{Attributes, RootDir};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use sys::cannot;

/// The archive of the identity that [`save`](super::save) left in `dir`: of the
/// same files always the same bytes. What [`digest`](super::digest) counts is
/// in it, and nothing else.
///
/// # Errors
/// What cannot be read, and names that an archive cannot have.
pub fn pack(dir: &Path) -> Result<Vec<u8>> {
    let damaged = |e: cpio::Error| Error::Damaged {
        path: dir.to_owned(),
        reason: e.to_string(),
    };
    let mut archive = Builder::new();
    for (name, bytes) in files(dir)? {
        let name = name.to_str().ok_or_else(|| Error::Damaged {
            path: dir.join(&name),
            reason: "its name is no text".into(),
        })?;
        // The archive contains the modes, too, for other programs that unpack it.
        for (at, _) in name.match_indices('/') {
            let parent = name.get(..at).unwrap_or_default();
            archive.directory(parent, 0o700).map_err(damaged)?;
        }
        archive.file(name, 0o600, bytes).map_err(damaged)?;
    }
    Ok(archive.build())
}

/// Unpacks an archive of [`pack`] into `dir`, which it makes: for its owner
/// alone, whatever modes the archive has. Only files and directories come out
/// of it, and only below `dir`.
///
/// # Errors
/// An archive that is cut off or has something else in it, and what cannot be
/// written.
pub fn unpack(archive: &[u8], dir: &Path) -> Result<()> {
    let damaged = |reason: String| Error::Damaged {
        path: dir.to_owned(),
        reason,
    };
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir);
    made.map_err(cannot("create the directory", dir))
        .map_err(rootdir::Error::from)?;
    let root = RootDir::open(dir)?;
    root.set_attributes(".", Attributes::root(0o700))?;
    let mut reader = Reader::new(archive);
    for entry in &mut reader {
        let entry = entry.map_err(|e| damaged(e.to_string()))?;
        let path = entry.path();
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(damaged(format!("{path:?} cannot be a file in it")));
        }
        match entry.kind() {
            DIRECTORY => {
                root.make_dir(&path, Attributes::root(0o700))?;
            }
            REGULAR => {
                root.write(&path, entry.data, Attributes::root(0o600))?;
            }
            kind => return Err(damaged(format!("{path:?} has the type {kind:o}"))),
        }
    }
    // Without its end a part of it may be missing.
    if reader.archives() != 1 || reader.position() != archive.len() {
        return Err(damaged("the archive is cut off, or goes on".into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn saved() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("ssh")).unwrap();
        let put = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
        put("identity.toml", b"version = 1\n");
        put("ssh/ssh_host_rsa_key", &[0xff; 1_000_001]);
        put("ssh/empty", b"");
        dir
    }

    #[test]
    fn comes_back_as_it_was_and_for_its_owner_alone() {
        let from = saved();
        let archive = pack(from.path()).unwrap();
        assert_eq!(archive, pack(from.path()).unwrap());
        let to = tempfile::tempdir().unwrap();
        let to = to.path().join("run/identity");
        // Twice, because the remains of an earlier attempt must be no obstacle.
        for _ in 0..2 {
            unpack(&archive, &to).unwrap();
            assert_eq!(digest(&to).unwrap(), digest(from.path()).unwrap());
        }
        assert_eq!(pack(&to).unwrap(), archive);
        for (path, expected) in [
            ("", 0o700),
            ("ssh", 0o700),
            ("identity.toml", 0o600),
            ("ssh/ssh_host_rsa_key", 0o600),
        ] {
            assert_eq!(mode(&to.join(path)), expected, "{path}");
        }
        assert!(pack(&to.join("none")).is_err());
    }

    #[test]
    fn modes_of_an_archive_do_not_count() {
        let mut open = Builder::new();
        open.directory("ssh", 0o777).unwrap();
        open.file("ssh/key", 0o4777, b"x".to_vec()).unwrap();
        let to = tempfile::tempdir().unwrap();
        unpack(&open.build(), to.path()).unwrap();
        assert_eq!(mode(&to.path().join("ssh")), 0o700);
        assert_eq!(mode(&to.path().join("ssh/key")), 0o600);
    }

    #[test]
    fn an_archive_that_is_not_whole_is_refused() {
        let archive = pack(saved().path()).unwrap();
        for length in [0, 100, 512, archive.len() - 512] {
            let to = tempfile::tempdir().unwrap();
            let error = unpack(&archive[..length], to.path()).unwrap_err();
            assert!(matches!(error, Error::Damaged { .. }), "{length}: {error}");
        }
        let to = tempfile::tempdir().unwrap();
        let more = [&archive[..], b"0123"].concat();
        assert!(unpack(&more, to.path()).is_err());
        assert!(unpack(&[&archive[..], &archive].concat(), to.path()).is_err());
    }

    #[test]
    fn nothing_else_comes_out_of_an_archive() {
        let to = tempfile::tempdir().unwrap();
        let inside = to.path().join("inside");
        let judge = |archive: &[u8]| unpack(archive, &inside).unwrap_err().to_string();
        let mut link = Builder::new();
        link.symlink("ssh", "/etc").unwrap();
        assert!(judge(&link.build()).contains("120000"));
        let mut device = Builder::new();
        device.character_device("null", 0o666, 1, 3).unwrap();
        assert!(judge(&device.build()).contains("20000"));
        // A name that leads out, written over one of the same length.
        let mut file = Builder::new();
        file.file("ab/outside", 0o600, b"x".to_vec()).unwrap();
        let mut archive = file.build();
        for at in 0..archive.len() - 3 {
            if archive[at..].starts_with(b"ab") {
                archive[at..at + 2].copy_from_slice(b"..");
            }
        }
        assert!(judge(&archive).contains("cannot be a file"));
        assert_eq!(fs::read_dir(to.path()).unwrap().count(), 1);
    }
}
