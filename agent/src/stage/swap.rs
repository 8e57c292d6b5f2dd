// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is staged takes the place of what was staged before only when it is
//! whole.

use super::Error;
use super::error::file;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Files and directories that are made beside their places first.
pub(super) struct Swap {
    places: Vec<PathBuf>,
}

/// Where the new one of a place is made.
pub(super) fn fresh(place: &Path) -> PathBuf {
    beside(place, ".new")
}

/// Where the former one of a place waits for its end.
fn former(place: &Path) -> PathBuf {
    beside(place, ".old")
}

fn beside(place: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(place);
    name.push(suffix);
    name.into()
}

impl Swap {
    pub(super) fn new(places: Vec<PathBuf>) -> Swap {
        Swap { places }
    }

    /// Removes what is beside the places; the places stay.
    ///
    /// # Errors
    /// [`Error::File`].
    pub(super) fn discard(&self) -> Result<(), Error> {
        for place in &self.places {
            remove(&fresh(place))?;
            remove(&former(place))?;
        }
        Ok(())
    }

    /// Removes the places, too.
    ///
    /// # Errors
    /// [`Error::File`].
    pub(super) fn remove(&self) -> Result<(), Error> {
        self.discard()?;
        self.places.iter().try_for_each(|place| remove(place))
    }

    /// Puts what was made into its places. After an error some are new and
    /// some are not: then [`Swap::remove`] is what is left.
    ///
    /// # Errors
    /// [`Error::File`].
    pub(super) fn commit(&self) -> Result<(), Error> {
        let rename = |from: &Path, to: &Path| std::fs::rename(from, to).map_err(file(from));
        for place in &self.places {
            let new = fresh(place);
            // A file goes over a file at once; with a directory it needs two.
            if new.is_dir() && std::fs::symlink_metadata(place).is_ok() {
                let old = former(place);
                remove(&old)?;
                rename(place, &old)?;
            }
            rename(&new, place)?;
        }
        self.discard()
    }

    /// Refuses a package of which a file lies where staging replaces or
    /// removes files.
    ///
    /// # Errors
    /// [`Error::InPlace`].
    pub(super) fn refuse_inside<'a>(
        &self,
        package: &Path,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<(), Error> {
        let beside = self.places.iter().flat_map(|p| [fresh(p), former(p)]);
        let places = self.places.iter().cloned().chain(beside);
        // What is not there holds no package.
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

/// Removes a file or a directory; a link in its place is not followed.
fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => std::fs::remove_dir_all(path).map_err(file(path)),
        Ok(_) => std::fs::remove_file(path).map_err(file(path)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(file(path)(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn swap(root: &Path) -> Swap {
        Swap::new(vec![root.join("upd"), root.join("vmlinuz")])
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
        let swap = swap(root);
        let both = |text: &str| [Some(text.to_string()), Some(text.to_string())];
        make(root, "one");
        swap.commit().unwrap();
        assert_eq!((staged(root), count(root)), (both("one"), 2));
        make(root, "two");
        fs::create_dir(root.join("upd.old")).unwrap();
        assert_eq!(staged(root), both("one"));
        swap.discard().unwrap();
        assert_eq!((staged(root), count(root)), (both("one"), 2));
        make(root, "three");
        swap.commit().unwrap();
        assert_eq!((staged(root), count(root)), (both("three"), 2));
        // Half of it was made: an error, and then nothing is left.
        fs::create_dir(root.join("upd.new")).unwrap();
        assert!(swap.commit().is_err());
        swap.remove().unwrap();
        assert_eq!((staged(root), count(root)), ([None, None], 0));
        swap.remove().unwrap();
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
        swap(&root).commit().unwrap();
        assert!(kept.is_dir() && !root.join("upd").is_symlink());
    }

    #[test]
    fn a_package_in_the_way_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let swap = swap(root);
        for place in ["upd/package", "upd.new", "elsewhere"] {
            fs::create_dir_all(root.join(place)).unwrap();
            fs::write(root.join(place).join("va.tar.xz"), "x").unwrap();
        }
        let refused = |place: &str| {
            swap.refuse_inside(&root.join(place), ["va.tar.xz"].into_iter())
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
