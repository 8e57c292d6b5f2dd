// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a block device is made of, by sysfs.

use super::Error;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The name of a block device below /dev, as `dm-0` or `sda1`.
///
/// # Errors
/// [`Error::Read`] when the kernel knows no such device.
pub fn name_of(sys: &Path, device: (u32, u32)) -> Result<String, Error> {
    let path = directory(sys, device)?;
    Ok(path
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default())
}

/// The names of the whole disks that a device lies on, through device-mapper,
/// md and partitions.
///
/// # Errors
/// [`Error::Read`] when sysfs does not know the device.
pub fn disks_below(sys: &Path, device: (u32, u32)) -> Result<BTreeSet<String>, Error> {
    let mut disks = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut todo = vec![directory(sys, device)?];
    while let Some(path) = todo.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let slaves: Vec<PathBuf> = entries(&path.join("slaves"))?;
        if !slaves.is_empty() {
            todo.extend(slaves);
        } else if path.join("partition").exists() {
            // A partition's directory lies in its disk's.
            todo.extend(path.parent().map(Path::to_path_buf));
        } else if let Some(name) = path.file_name() {
            disks.insert(name.to_string_lossy().into_owned());
        }
    }
    Ok(disks)
}

fn directory(sys: &Path, (major, minor): (u32, u32)) -> Result<PathBuf, Error> {
    let link = sys.join(format!("dev/block/{major}:{minor}"));
    std::fs::canonicalize(&link).map_err(|source| Error::Read { path: link, source })
}

fn entries(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let reader = match std::fs::read_dir(path) {
        Ok(reader) => reader,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => {
            return Err(Error::Read {
                path: path.into(),
                source,
            });
        }
    };
    let resolve = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.and_then(|entry| std::fs::canonicalize(entry.path()))
    };
    reader
        .map(|entry| {
            resolve(entry).map_err(|source| Error::Read {
                path: path.into(),
                source,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn walks_device_mapper_and_partitions_down_to_the_disks() {
        let sys = tempfile::tempdir().unwrap();
        let sys = sys.path();
        for dir in ["sda/sda1", "sda/sda2", "sdb", "dm-0/slaves", "dm-1/slaves"] {
            std::fs::create_dir_all(sys.join("devices").join(dir)).unwrap();
        }
        for part in ["sda/sda1/partition", "sda/sda2/partition"] {
            std::fs::write(sys.join("devices").join(part), "1\n").unwrap();
        }
        std::fs::create_dir_all(sys.join("dev/block")).unwrap();
        symlink("../../devices/dm-1", sys.join("dev/block/254:1")).unwrap();
        symlink("../../devices/sda/sda1", sys.join("dev/block/8:1")).unwrap();
        symlink("../../sda/sda2", sys.join("devices/dm-0/slaves/sda2")).unwrap();
        symlink("../../dm-0", sys.join("devices/dm-1/slaves/dm-0")).unwrap();
        let disks = |device| {
            disks_below(sys, device)
                .unwrap()
                .into_iter()
                .collect::<Vec<_>>()
        };
        assert_eq!(disks((254, 1)), ["sda"]);
        assert_eq!(disks((8, 1)), ["sda"]);
        symlink("../../sdb", sys.join("devices/dm-1/slaves/sdb")).unwrap();
        assert_eq!(disks((254, 1)), ["sda", "sdb"]);
        assert_eq!(name_of(sys, (254, 1)).unwrap(), "dm-1");
        // A partition of an md array of two disks, and a volume on such an array.
        for dir in ["md0/md0p1", "md0/slaves", "dm-2/slaves"] {
            std::fs::create_dir_all(sys.join("devices").join(dir)).unwrap();
        }
        std::fs::write(sys.join("devices/md0/md0p1/partition"), "1\n").unwrap();
        symlink("../../sda/sda1", sys.join("devices/md0/slaves/sda1")).unwrap();
        symlink("../../devices/md0/md0p1", sys.join("dev/block/259:0")).unwrap();
        assert_eq!(disks((259, 0)), ["sda"]);
        symlink("../../sdb", sys.join("devices/md0/slaves/sdb")).unwrap();
        symlink("../../md0", sys.join("devices/dm-2/slaves/md0")).unwrap();
        symlink("../../devices/dm-2", sys.join("dev/block/254:2")).unwrap();
        assert_eq!(disks((259, 0)), ["sda", "sdb"]);
        assert_eq!(disks((254, 2)), ["sda", "sdb"]);
        // An array that holds itself, by a sysfs that lies, is walked once.
        symlink("../../md0", sys.join("devices/md0/slaves/md0")).unwrap();
        assert_eq!(disks((259, 0)), ["sda", "sdb"]);
        assert!(disks_below(sys, (9, 9)).is_err());
    }
}
