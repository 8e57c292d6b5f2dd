// SPDX-License-Identifier: MIT OR Apache-2.0
//! What stands on a disk.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ondisk::lvm::DevNo;
use rustix::io::Errno;

use super::error::LvmError;

/// A device that stands on another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The kernel's name: `dm-3`, `md0`.
    pub kernel_name: String,
    /// Its number.
    pub dev: DevNo,
    /// Device-mapper's name, if it is device-mapper's.
    pub dm_name: Option<String>,
    /// Kernel's name of a device that it stands on.
    pub below: String,
}

/// All devices that stand on `disk` or its partitions, directly or not, in the
/// order in which they can be removed: what stands on top comes first. `sysfs`
/// is /sys.
pub fn stacked_on(sysfs: &Path, disk: DevNo) -> Result<Vec<Holder>, LvmError> {
    let mut walk = Walk {
        seen: BTreeSet::new(),
        out: Vec::new(),
    };
    let link = sysfs.join("dev/block").join(disk.to_string());
    let dir = fs::canonicalize(&link).map_err(|e| wrong("find", &link, &e))?;
    walk.visit(&dir)?;
    Ok(walk.out)
}

struct Walk {
    seen: BTreeSet<PathBuf>,
    out: Vec<Holder>,
}

impl Walk {
    /// Visits what stands on the device with that directory.
    fn visit(&mut self, dir: &Path) -> Result<(), LvmError> {
        for part in entries(dir)?
            .into_iter()
            .filter(|p| p.join("partition").exists())
        {
            self.visit(&part)?;
        }
        let below = file_name(dir);
        for entry in entries(&dir.join("holders"))? {
            let holder = fs::canonicalize(&entry).map_err(|e| wrong("find", &entry, &e))?;
            if !self.seen.insert(holder.clone()) {
                continue;
            }
            self.visit(&holder)?;
            self.out.push(describe(&holder, &below)?);
        }
        Ok(())
    }
}

fn describe(dir: &Path, below: &str) -> Result<Holder, LvmError> {
    let path = dir.join("dev");
    let text = fs::read_to_string(&path).map_err(|e| wrong("read", &path, &e))?;
    let dev = parse_dev(&text).ok_or(LvmError::Sysfs { path, text })?;
    let path = dir.join("dm/name");
    let dm_name = match fs::read_to_string(&path) {
        Ok(name) => Some(name.trim_end_matches('\n').to_owned()),
        Err(e) if e.kind() == ErrorKind::NotFound => None,
        Err(e) => return Err(wrong("read", &path, &e)),
    };
    Ok(Holder {
        kernel_name: file_name(dir),
        dev,
        dm_name,
        below: below.to_owned(),
    })
}

fn parse_dev(text: &str) -> Option<DevNo> {
    let (major, minor) = text.trim_end().split_once(':')?;
    Some(DevNo {
        major: major.parse().ok()?,
        minor: minor.parse().ok()?,
    })
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn wrong(action: &'static str, path: &Path, e: &std::io::Error) -> LvmError {
    let errno = Errno::from_io_error(e).unwrap_or(Errno::IO);
    LvmError::Node {
        action,
        path: path.to_owned(),
        errno,
    }
}

/// The entries of a directory by name; none where there is no such directory.
fn entries(dir: &Path) -> Result<Vec<PathBuf>, LvmError> {
    let list = match fs::read_dir(dir) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|e| wrong("list", dir, &e))?,
    };
    let mut out = Vec::new();
    for entry in list {
        out.push(entry.map_err(|e| wrong("list", dir, &e))?.path());
    }
    out.sort();
    Ok(out)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A /sys with sda (sda1, sda2) and dm or md devices on it.
    pub(in crate::lvm) fn sysfs(holders: &[(&str, &str)]) -> tempfile::TempDir {
        let tmp = tempfile::tempdir().unwrap();
        let block = tmp.path().join("devices");
        let disk = block.join("sda");
        for part in ["sda1", "sda2"] {
            fs::create_dir_all(disk.join(part).join("holders")).unwrap();
            fs::write(disk.join(part).join("partition"), "1\n").unwrap();
        }
        fs::create_dir_all(disk.join("holders")).unwrap();
        fs::create_dir_all(tmp.path().join("dev/block")).unwrap();
        symlink(&disk, tmp.path().join("dev/block/8:0")).unwrap();
        let dir = |name: &str| match name.strip_prefix("sda") {
            Some("") => disk.clone(),
            Some(_) => disk.join(name),
            None => block.join(name),
        };
        for (below, holder) in holders {
            let upper = block.join(holder);
            fs::create_dir_all(upper.join("holders")).unwrap();
            let n: u32 = holder[2..].trim_start_matches('-').parse().unwrap();
            fs::write(upper.join("dev"), format!("254:{n}\n")).unwrap();
            if holder.starts_with("dm") {
                fs::create_dir_all(upper.join("dm")).unwrap();
                fs::write(upper.join("dm/name"), format!("name{n}\n")).unwrap();
            }
            symlink(&upper, dir(below).join("holders").join(holder)).unwrap();
        }
        tmp
    }

    fn names(holders: &[(&str, &str)]) -> Vec<String> {
        let tmp = sysfs(holders);
        let list = stacked_on(tmp.path(), DevNo { major: 8, minor: 0 }).unwrap();
        list.into_iter()
            .map(|h| h.dm_name.unwrap_or(h.kernel_name))
            .collect()
    }

    #[test]
    fn what_stands_on_top_comes_first() {
        assert!(names(&[]).is_empty());
        // dm-0 and dm-1 on a partition, dm-2 (crypt) on dm-0, dm-3 on dm-2 and dm-1.
        let got = names(&[
            ("sda1", "dm-0"),
            ("sda2", "dm-1"),
            ("dm-0", "dm-2"),
            ("dm-2", "dm-3"),
            ("dm-1", "dm-3"),
        ]);
        assert_eq!(got, ["name3", "name2", "name0", "name1"]);
    }

    #[test]
    fn other_holders_are_named() {
        assert_eq!(names(&[("sda", "md0"), ("md0", "dm-1")]), ["name1", "md0"]);
    }

    #[test]
    fn a_disk_that_is_not_there_is_an_error() {
        let tmp = sysfs(&[]);
        let e = stacked_on(tmp.path(), DevNo { major: 9, minor: 9 }).unwrap_err();
        assert!(e.to_string().contains("dev/block/9:9"), "{e}");
    }
}
