// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether staging has room for its files.

use super::Error;
use rustix::fs::StatVfsMountFlags;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use sys::cannot;

/// Checks that two directories, which may be on one file system, have room for
/// the bytes that go there. Returns an error for each that has not.
pub(super) fn require_both(a: (&Path, u64), b: (&Path, u64)) -> Vec<Error> {
    let wanted = match same_filesystem(a.0, b.0) {
        true => vec![(a.0, a.1.saturating_add(b.1))],
        false => vec![a, b],
    };
    let errors = wanted
        .into_iter()
        .filter_map(|(path, bytes)| require(path, bytes).err());
    errors.collect()
}

/// Checks one directory, with a little more for the records.
fn require(path: &Path, bytes: u64) -> Result<(), Error> {
    let space = Space::of(path)?;
    let need = bytes.saturating_add(8 << 20);
    if space.read_only {
        return Err(Error::ReadOnly(path.into()));
    }
    if need <= space.free {
        return Ok(());
    }
    Err(Error::Full {
        path: path.into(),
        need,
        free: space.free,
    })
}

/// The space of a file system.
#[derive(Debug)]
pub(super) struct Space {
    /// In bytes.
    pub(super) free: u64,
    pub(super) read_only: bool,
}

impl Space {
    pub(super) fn of(path: &Path) -> Result<Space, Error> {
        let stat = rustix::fs::statvfs(path).map_err(cannot("look at", path))?;
        Ok(Space {
            free: stat.f_bavail.saturating_mul(stat.f_frsize),
            read_only: stat.f_flag.contains(StatVfsMountFlags::RDONLY),
        })
    }
}

/// Whether a file of the package can get a hard link in /etc/upd. A symbolic link
/// cannot: its second name would be a link, too, and lead elsewhere from there.
pub(super) fn can_be_linked(from: &Path) -> bool {
    let is_link = from.symlink_metadata().is_ok_and(|m| m.is_symlink());
    !is_link && same_filesystem(from, Path::new("/"))
}

pub(super) fn same_filesystem(a: &Path, b: &Path) -> bool {
    let device = |path: &Path| std::fs::metadata(path).map(|m| m.dev()).ok();
    device(a).is_some() && device(a) == device(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On a file system of its own, so that nobody else changes its free space.
    #[test]
    fn says_what_is_in_the_way_of_writing() {
        testkit::needs!("root");
        const NAME: &str = "old::space::tests::says_what_is_in_the_way_of_writing";
        let Some(root) = crate::namespace::enter(NAME) else {
            return;
        };
        let mount = |flags| {
            let size = Some(c"size=64m");
            rustix::mount::mount("replant-test", &root, "tmpfs", flags, size).unwrap();
        };
        mount(rustix::mount::MountFlags::empty());
        require(&root, 0).unwrap();
        // Each fits, and both together do not.
        let half = Space::of(&root).unwrap().free / 2;
        assert_eq!(half, 32 << 20);
        let inner = root.join("boot");
        std::fs::create_dir(&inner).unwrap();
        assert!(require_both((&root, half), (&inner, 0)).is_empty());
        let error = require_both((&root, half), (&inner, half)).remove(0);
        assert!(matches!(error, Error::Full { .. }), "{error}");
        let error = require(&root, u64::MAX).unwrap_err().to_string();
        assert!(error.contains("more bytes are needed"), "{error}");
        // Two file systems that lack room are two findings.
        let elsewhere = Path::new("/");
        let both = require_both((&root, u64::MAX / 2), (elsewhere, u64::MAX / 2));
        assert_eq!(both.len(), 2, "{both:?}");
        mount(rustix::mount::MountFlags::RDONLY);
        let error = require(&root, 0).unwrap_err().to_string();
        assert!(error.contains("mount -o remount,rw"), "{error}");
    }

    #[test]
    fn a_link_gets_no_second_name() {
        testkit::needs!("root");
        let dir = tempfile::tempdir_in("/").unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(can_be_linked(&file) && !can_be_linked(&link));
        assert!(!can_be_linked(Path::new("/proc/version")));
    }
}
