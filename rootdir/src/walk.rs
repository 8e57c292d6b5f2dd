// SPDX-License-Identifier: MIT OR Apache-2.0
//! Walks all files below a directory, within one file system.

use super::RootDir;
use super::error::{Result, io};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use std::os::fd::OwnedFd;

/// Directories within directories; deeper ones are left out. Each is open
/// while it is walked through.
const DEEPEST: usize = 64;

/// What is somewhere below.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Its path, beginning with that of the directory.
    pub path: &'a str,
    /// Whether it is a regular file.
    pub is_file: bool,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// What it takes on the disk, in bytes; of a file with several names,
    /// under each.
    pub bytes: u64,
    /// How many names it has.
    pub names: u64,
    /// Its number in the file system.
    pub inode: u64,
}

/// Whether a walk goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It does.
    On,
    /// It does, but not below this directory.
    Past,
    /// It ends here.
    End,
}

impl RootDir {
    /// Goes through all that is below the directory `rel` and in its file
    /// system; no link is followed but those on the way to `rel`. Says whether
    /// that was everything: not if it was ended, if something is too deep, or
    /// could not be looked at.
    ///
    /// # Errors
    /// The directory itself cannot be opened; that nothing is there is none.
    pub fn walk(&self, rel: &str, look: &mut dyn FnMut(&Entry<'_>) -> Step) -> Result<bool> {
        let top = match self.directory(rel) {
            Ok(top) => top,
            Err(e) => return self.absent("open the directory", rel, e).map(|()| true),
        };
        let stat = rustix::fs::fstat(&top).map_err(|e| io("look at", &self.full(rel), e))?;
        let mut walk = Walk {
            device: stat.st_dev,
            whole: true,
            look,
        };
        walk.directory(&top, rel.trim_matches('/'), 0);
        Ok(walk.whole)
    }
}

struct Walk<'a> {
    device: u64,
    whole: bool,
    look: &'a mut dyn FnMut(&Entry<'_>) -> Step,
}

impl Walk<'_> {
    /// Whether the walk goes on.
    fn directory(&mut self, dir: &OwnedFd, path: &str, depth: usize) -> bool {
        let Ok(entries) = Dir::read_from(dir) else {
            self.whole = false;
            return true;
        };
        for entry in entries {
            let Ok(entry) = entry else {
                self.whole = false;
                return true;
            };
            let name = entry.file_name();
            if [&b"."[..], b".."].contains(&name.to_bytes()) {
                continue;
            }
            // An automounter is not asked to mount.
            let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
            let Ok(stat) = rustix::fs::statat(dir, name, flags) else {
                // It is gone by now, or cannot be seen.
                self.whole = false;
                continue;
            };
            if stat.st_dev != self.device {
                continue;
            }
            let full = format!("{path}/{}", name.to_string_lossy());
            match (self.look)(&describe(&full, &stat)) {
                Step::On => {}
                Step::Past => continue,
                Step::End => {
                    self.whole = false;
                    return false;
                }
            }
            if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
                continue;
            }
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match rustix::fs::openat(dir, name, flags, Mode::empty()) {
                Ok(inner) if depth < DEEPEST && self.is_here(&inner) => {
                    if !self.directory(&inner, &full, depth + 1) {
                        return false;
                    }
                }
                // Something was mounted there meanwhile.
                Ok(inner) if depth < DEEPEST => drop(inner),
                _ => self.whole = false,
            }
        }
        true
    }

    fn is_here(&self, dir: &OwnedFd) -> bool {
        rustix::fs::fstat(dir).is_ok_and(|stat| stat.st_dev == self.device)
    }
}

fn describe<'a>(path: &'a str, stat: &Stat) -> Entry<'a> {
    let kind = FileType::from_raw_mode(stat.st_mode);
    Entry {
        path,
        is_file: kind == FileType::RegularFile,
        is_dir: kind == FileType::Directory,
        bytes: u64::try_from(stat.st_blocks)
            .unwrap_or(0)
            .saturating_mul(512),
        names: stat.st_nlink,
        inode: stat.st_ino,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_follows_no_link_and_can_be_ended() {
        let top = tempfile::tempdir().unwrap();
        let at = |path: &str| top.path().join(path);
        std::fs::create_dir_all(at("home/a/deep")).unwrap();
        std::fs::create_dir_all(at("other")).unwrap();
        std::fs::write(at("home/a/file"), [1; 5000]).unwrap();
        std::fs::write(at("other/file"), [1; 5000]).unwrap();
        std::os::unix::fs::symlink("../other", at("home/link")).unwrap();
        let root = RootDir::open(top.path()).unwrap();
        let mut seen = Vec::new();
        let whole = root.walk("/home", &mut |entry| {
            seen.push((entry.path.to_owned(), entry.is_file, entry.bytes >= 5000));
            Step::On
        });
        assert!(whole.unwrap());
        seen.sort();
        let want = [
            ("home/a", false, false),
            ("home/a/deep", false, false),
            ("home/a/file", true, true),
            ("home/link", false, false),
        ];
        assert_eq!(seen.len(), want.len());
        for (got, (path, file, big)) in seen.iter().zip(want) {
            assert_eq!((got.0.as_str(), got.1), (path, file));
            assert!(!file || got.2 == big, "{got:?}");
        }
        assert!(!root.walk("home", &mut |_| Step::End).unwrap());
        let mut count = 0;
        let past = |_: &Entry<'_>| {
            count += 1;
            Step::Past
        };
        let mut past = past;
        assert!(root.walk("home", &mut past).unwrap());
        assert_eq!(count, 2);
        assert!(root.walk("nowhere", &mut |_| Step::On).unwrap());
    }

    #[test]
    fn what_is_too_deep_is_not_the_whole() {
        let top = tempfile::tempdir().unwrap();
        let deep = "d/".repeat(DEEPEST + 10);
        std::fs::create_dir_all(top.path().join("x").join(deep)).unwrap();
        let root = RootDir::open(top.path()).unwrap();
        assert!(!root.walk("x", &mut |_| Step::On).unwrap());
    }
}
