// SPDX-License-Identifier: MIT OR Apache-2.0
//! Mounted file systems as GRUB sees them: each by itself, without what is
//! mounted in it.

use ondisk::grub::{Files, GrubPath, Node, Search};
use rootdir::{self, RootDir};
use rustix::fs::fstat;
use std::path::Path;

/// Mounted file systems. Links are resolved within their file system, as GRUB
/// does it.
#[derive(Debug, Default)]
pub struct GrubFiles {
    systems: Vec<System>,
}

#[derive(Debug)]
struct System {
    device: String,
    root: RootDir,
    /// The device's number, by which files of other file systems mounted below
    /// are told apart.
    number: u64,
    uuid: String,
    label: String,
}

impl GrubFiles {
    /// Adds the file system that is mounted at `mount`. `device` is the name
    /// that it gets in [`GrubPath`].
    pub fn add(
        &mut self,
        device: &str,
        mount: &Path,
        uuid: &str,
        label: &str,
    ) -> Result<(), rootdir::Error> {
        let root = RootDir::open(mount)?;
        self.systems.push(System {
            device: device.into(),
            number: root.device(".")?.unwrap_or_default(),
            root,
            uuid: uuid.into(),
            label: label.into(),
        });
        Ok(())
    }

    fn system(&self, place: &GrubPath) -> Option<&System> {
        self.systems.iter().find(|s| s.device == place.device)
    }
}

impl System {
    /// The file, if it is on this file system.
    fn file(&self, path: &str) -> Option<std::fs::File> {
        let file = self.root.open_file(path).ok()??;
        (fstat(&file).ok()?.st_dev == self.number).then_some(file)
    }

    fn directory(&self, path: &str) -> bool {
        let number = self.root.device(path);
        self.root.is_dir(path).unwrap_or(false) && number.is_ok_and(|n| n == Some(self.number))
    }
}

impl Files for GrubFiles {
    fn node(&self, place: &GrubPath) -> Option<Node> {
        let system = self.system(place)?;
        if system.root.link(&place.path).ok()?.is_some() {
            return Some(Node::Link);
        }
        if system.directory(&place.path) {
            return Some(Node::Directory);
        }
        system.file(&place.path).map(|_| Node::File)
    }

    fn size(&self, place: &GrubPath) -> Option<u64> {
        let file = self.system(place)?.file(&place.path)?;
        file.metadata().ok().map(|meta| meta.len())
    }

    fn read(&self, place: &GrubPath) -> Option<Vec<u8>> {
        let system = self.system(place)?;
        system.file(&place.path)?;
        system.root.read(&place.path).ok()?
    }

    fn list(&self, place: &GrubPath) -> Option<Vec<String>> {
        let system = self.system(place)?;
        let there = system.directory(&place.path);
        there.then(|| system.root.list(&place.path).ok())?
    }

    fn search(&self, wanted: Search<'_>) -> Option<String> {
        let has = |system: &&System| match wanted {
            Search::Uuid(uuid) => system.uuid.eq_ignore_ascii_case(uuid),
            Search::Label(label) => !label.is_empty() && system.label == label,
            Search::File(path) => system.file(path).is_some(),
        };
        self.systems.iter().find(has).map(|s| s.device.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_lead_to_places_of_the_same_file_system() {
        let dir = tempfile::tempdir().unwrap();
        let (boot, outside) = (dir.path().join("boot"), dir.path().join("outside"));
        std::fs::create_dir_all(boot.join("grub2")).unwrap();
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("kernel"), "k").unwrap();
        std::fs::write(boot.join("vmlinuz-1"), "kernel").unwrap();
        symlink("/vmlinuz-1", boot.join("vmlinuz")).unwrap();
        symlink(outside.join("kernel"), boot.join("kernel")).unwrap();
        let mut files = GrubFiles::default();
        files.add("boot", &boot, "AB-12", "").unwrap();
        let at = |path: &str| GrubPath::new("boot", path);
        assert_eq!(files.node(&at("/grub2")), Some(Node::Directory));
        assert_eq!(files.node(&at("/vmlinuz-1")), Some(Node::File));
        assert_eq!(files.node(&at("/kernel")), Some(Node::Link));
        assert_eq!(files.size(&at("/vmlinuz")), Some(6));
        assert_eq!(files.size(&at("/kernel")), None);
        assert_eq!(files.node(&at("/none")), None);
        assert_eq!(files.list(&at("/grub2")), Some(vec![]));
        assert_eq!(files.list(&at("/none")), None);
        assert_eq!(files.size(&GrubPath::new("other", "/vmlinuz-1")), None);
        let found = |wanted| files.search(wanted).is_some();
        assert!(found(Search::Uuid("ab-12")) && found(Search::File("/vmlinuz")));
        assert!(!found(Search::Label("")) && !found(Search::File("/kernel")));
    }

    /// /proc lies over a directory of the root.
    #[test]
    fn what_is_mounted_below_is_not_seen() {
        let mut files = GrubFiles::default();
        files.add("root", Path::new("/"), "", "").unwrap();
        let at = |path: &str| GrubPath::new("root", path);
        assert_eq!(files.node(&at("/usr")), Some(Node::Directory));
        assert_eq!(files.node(&at("/proc")), None);
        assert_eq!(files.size(&at("/proc/version")), None);
        assert_eq!(files.list(&at("/proc")), None);
    }
}
