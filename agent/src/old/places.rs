// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where staging puts its files. New files are prepared beside their place, and
//! replace those of an earlier staging only when all are complete.
//!
//! In /boot all files lie in a directory of our own, under names that no
//! generator of boot entries takes for a kernel or an initramfs (`vmlinuz-*`,
//! `vmlinux-*`, `kernel-*`, `initrd*`, `initramfs-*`).

use super::{Error, pinned, protection};
use crate::paths;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use sys::cannot;

/// Our directory in /boot.
pub(super) const BOOT_DIR: &str = "replant";
/// What lies in it: the tiny system's kernel and initramfs.
pub(super) const BOOT_FILES: [&str; 2] = ["linux", "initramfs"];
/// GRUB's environment block as it was before, in the staged directory.
pub(super) const FORMER_GRUBENV: &str = "grubenv.before";

/// The staged package on the old system.
pub(super) fn staged_dir() -> PathBuf {
    Path::new("/").join(paths::STAGED_DIR)
}

/// Our directory in /boot.
pub(super) fn boot_dir() -> PathBuf {
    Path::new("/boot").join(BOOT_DIR)
}

/// The staged kernel and initramfs as files of /boot.
pub(super) fn boot_files() -> [String; 2] {
    BOOT_FILES.map(|name| format!("{BOOT_DIR}/{name}"))
}

/// Files and directories that staging replaces.
pub(super) struct Places(pub(super) Vec<PathBuf>);

/// Where the new version of a place is prepared.
pub(super) fn fresh(place: &Path) -> PathBuf {
    beside(place, ".new")
}

/// Where the former version of a place is moved before it is removed.
fn former(place: &Path) -> PathBuf {
    beside(place, ".old")
}

fn beside(place: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(place);
    name.push(suffix);
    name.into()
}

impl Places {
    /// All files and directories that staging makes.
    pub(super) fn all() -> Places {
        Places(vec![staged_dir(), boot_dir()])
    }

    /// Where version 0.1.0 put its files in /boot.
    pub(super) fn earlier() -> Places {
        let names = ["vmlinuz-convert", "initramfs-convert.img"];
        Places(names.map(|name| Path::new("/boot").join(name)).to_vec())
    }

    /// Removes new and former versions beside the places; the places stay.
    /// Returns the errors, none of which ends the removal of the rest.
    pub(super) fn discard(&self) -> Vec<Error> {
        let beside = self.0.iter().flat_map(|p| [fresh(p), former(p)]);
        beside.filter_map(|path| remove(&path).err()).collect()
    }

    /// As [`Places::discard`], and removes the places, too.
    pub(super) fn remove(&self) -> Vec<Error> {
        let mut errors = self.discard();
        errors.extend(self.0.iter().filter_map(|place| remove(place).err()));
        errors
    }

    /// The places and the versions beside them that exist.
    pub(super) fn remains(&self) -> Vec<PathBuf> {
        let all = self.0.iter().flat_map(|p| [p.clone(), fresh(p), former(p)]);
        all.filter(|path| std::fs::symlink_metadata(path).is_ok())
            .collect()
    }

    /// Moves the new versions to their places. After an error some are new and
    /// some are not; call [`Places::remove`] then.
    pub(super) fn commit(&self) -> Result<(), Error> {
        let rename =
            |from: &Path, to: &Path| std::fs::rename(from, to).map_err(cannot("rename", from));
        for place in &self.0 {
            let new = fresh(place);
            // A file replaces a file in one rename; a directory needs two.
            if new.is_dir() && std::fs::symlink_metadata(place).is_ok() {
                let old = former(place);
                remove(&old)?;
                rename(place, &old)?;
            }
            rename(&new, place)?;
        }
        self.discard().into_iter().next().map_or(Ok(()), Err)
    }

    /// Refuses a package with a file inside a place that staging replaces or
    /// removes.
    pub(super) fn refuse_inside<'a>(
        &self,
        package: &Path,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<(), Error> {
        let beside = self.0.iter().flat_map(|p| [fresh(p), former(p)]);
        let places = self.0.iter().cloned().chain(beside);
        // A place that does not exist contains no package.
        let places: Vec<_> = places.filter_map(|p| p.canonicalize().ok()).collect();
        let files = std::iter::once(package.to_path_buf()).chain(names.map(|n| package.join(n)));
        for path in files.filter_map(|f| f.canonicalize().ok()) {
            if let Some(place) = places.iter().find(|place| path.starts_with(place)) {
                let place = place.clone();
                return Err(Error::InPlace { path, place });
            }
        }
        Ok(())
    }
}

/// Removes a file or a directory, pinned files too; a link in its place is not
/// followed.
fn remove(path: &Path) -> Result<(), Error> {
    // The state is made invalid first: as long as it is valid, the files that it
    // refers to must exist.
    protection::forget(path)?;
    // Even after an error the removal may succeed.
    let released = pinned::release(path);
    let removed = match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    };
    match removed {
        Ok(()) => Ok(()),
        Err(e) => Err(released
            .err()
            .unwrap_or_else(|| cannot("remove", path)(e))
            .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn places(root: &Path) -> Places {
        Places(vec![root.join("upd"), root.join("vmlinuz")])
    }

    fn make(root: &Path, text: &str) {
        fs::create_dir(root.join("upd.new")).unwrap();
        fs::write(root.join("upd.new/staged"), text).unwrap();
        fs::write(root.join("vmlinuz.new"), text).unwrap();
    }

    fn staged(root: &Path) -> [Option<String>; 2] {
        ["upd/staged", "vmlinuz"].map(|name| fs::read_to_string(root.join(name)).ok())
    }

    fn count(root: &Path) -> usize {
        fs::read_dir(root).unwrap().count()
    }

    #[test]
    fn what_was_staged_stays_until_the_new_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let places = places(root);
        let both = |text: &str| [Some(text.to_string()), Some(text.to_string())];
        make(root, "one");
        places.commit().unwrap();
        assert_eq!((staged(root), count(root)), (both("one"), 2));
        make(root, "two");
        fs::create_dir(root.join("upd.old")).unwrap();
        assert_eq!(staged(root), both("one"));
        assert!(places.discard().is_empty());
        assert_eq!((staged(root), count(root)), (both("one"), 2));
        make(root, "three");
        places.commit().unwrap();
        assert_eq!((staged(root), count(root)), (both("three"), 2));
        // Half of it was made: an error, and then nothing is left.
        fs::create_dir(root.join("upd.new")).unwrap();
        assert!(places.commit().is_err());
        assert!(!places.remains().is_empty());
        assert!(places.remove().is_empty());
        assert_eq!((staged(root), count(root)), ([None, None], 0));
        assert!(places.remove().is_empty() && places.remains().is_empty());
    }

    #[test]
    fn what_cannot_be_removed_does_not_keep_the_rest() {
        testkit::needs!("root");
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let places = places(root);
        make(root, "one");
        places.commit().unwrap();
        // A mount point cannot be removed, whoever asks.
        let held = root.join("upd/held");
        fs::create_dir(&held).unwrap();
        let flags = rustix::mount::MountFlags::empty();
        rustix::mount::mount("replant-test", &held, "tmpfs", flags, None).unwrap();
        let errors = places.remove();
        let remains = places.remains();
        rustix::mount::unmount(&held, rustix::mount::UnmountFlags::empty()).unwrap();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].to_string().contains("upd"), "{errors:?}");
        assert_eq!(remains, [root.join("upd")]);
    }

    /// Pinned files are immutable. A file of somebody else's that has a second
    /// name here stays so.
    #[test]
    fn immutable_files_are_removed() {
        testkit::needs!("root", "chattr", "lsattr");
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let places = places(root);
        let attribute = |change: &str, path: &Path| {
            testkit::tool("chattr", &[change, path.to_str().unwrap()]);
        };
        make(root, "one");
        places.commit().unwrap();
        make(root, "two");
        let inner = root.join("upd/inner");
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("pinned"), "x").unwrap();
        let theirs = root.join("theirs");
        fs::write(&theirs, "x").unwrap();
        fs::hard_link(&theirs, root.join("upd/theirs")).unwrap();
        let elsewhere = root.join("elsewhere");
        fs::write(&elsewhere, "x").unwrap();
        std::os::unix::fs::symlink(&elsewhere, root.join("upd/link")).unwrap();
        let kept = [theirs.clone(), elsewhere.clone()];
        let immutable = ["upd.new/staged", "upd/staged", "vmlinuz"].map(|name| root.join(name));
        for path in immutable.iter().chain(&kept).chain([&inner.join("pinned")]) {
            attribute("+i", path);
        }
        assert!(fs::remove_dir_all(root.join("upd.new")).is_err());
        assert!(places.discard().is_empty());
        assert_eq!(staged(root), ["one", "one"].map(|text| Some(text.into())));
        let errors = places.remove();
        let flags = kept.map(|path| {
            let flags = testkit::tool("lsattr", &["-d", path.to_str().unwrap()]);
            attribute("-i", &path);
            flags.split(' ').next().unwrap().contains('i')
        });
        assert!(
            errors.is_empty() && places.remains().is_empty(),
            "{errors:?}"
        );
        assert_eq!(flags, [true, true]);
    }

    #[test]
    fn a_link_in_its_place_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        fs::create_dir_all(&root).unwrap();
        let kept = dir.path().join("kept");
        fs::create_dir(&kept).unwrap();
        std::os::unix::fs::symlink(&kept, root.join("upd")).unwrap();
        make(&root, "one");
        places(&root).commit().unwrap();
        assert!(kept.is_dir() && !root.join("upd").is_symlink());
    }

    #[test]
    fn a_package_in_the_way_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let places = places(root);
        for place in ["upd/package", "upd.new", "elsewhere"] {
            fs::create_dir_all(root.join(place)).unwrap();
            fs::write(root.join(place).join("va.tar.xz"), "x").unwrap();
        }
        let refused = |place: &str| {
            places
                .refuse_inside(&root.join(place), ["va.tar.xz"].into_iter())
                .map_err(|e| e.to_string())
        };
        for place in ["upd", "upd/package", "upd.new", "elsewhere/../upd"] {
            let error = refused(place).unwrap_err();
            assert!(error.contains("which staging replaces"), "{error}");
        }
        refused("elsewhere").unwrap();
        refused("nowhere").unwrap();
        let linked = root.join("elsewhere/va.tar.xz");
        fs::remove_file(&linked).unwrap();
        std::os::unix::fs::symlink(root.join("upd/package/va.tar.xz"), &linked).unwrap();
        assert!(refused("elsewhere").is_err());
    }
}
