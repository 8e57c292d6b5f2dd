// SPDX-License-Identifier: MIT OR Apache-2.0
//! Nodes and links in /dev, where no udev makes them.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, Uid, chownat, mknodat};
use rustix::io::Errno;

use super::error::LvmError;
use crate::block::DevNo;
use sys::{FileError, cannot, remove_file};

/// The group `disk`, which may read block devices; the same on all distributions.
const DISK: u32 = 6;

/// Whether `path` leads to the block device.
fn leads_to(path: &Path, dev: DevNo) -> bool {
    fs::metadata(path).is_ok_and(|m| m.file_type().is_block_device() && m.rdev() == u64::from(dev))
}

/// Removes an old link or block device from the path of a node or link.
fn clear(path: &Path) -> Result<(), LvmError> {
    match fs::symlink_metadata(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        Err(e) => Err(FileError::new("examine", path, e).into()),
        Ok(m) if m.file_type().is_symlink() || m.file_type().is_block_device() => {
            Ok(remove_file(path)?)
        }
        Ok(_) => Err(LvmError::NodeTaken {
            path: path.to_owned(),
        }),
    }
}

fn make_dir(path: &Path) -> Result<(), LvmError> {
    Ok(fs::create_dir_all(path).map_err(cannot("create", path))?)
}

/// Makes DEV/mapper/NAME and the link DEV/VG/LV, unless they are right already.
pub(super) fn make(
    dev_dir: &Path,
    name: &str,
    (vg, lv): (&str, &str),
    dev: DevNo,
) -> Result<(PathBuf, PathBuf), LvmError> {
    let mapper = dev_dir.join("mapper");
    let node = mapper.join(name);
    if !leads_to(&node, dev) {
        make_dir(&mapper)?;
        clear(&node)?;
        let number = u64::from(dev);
        let made = mknodat(
            CWD,
            &node,
            FileType::BlockDevice,
            Mode::from_raw_mode(0o660),
            number,
        );
        match made {
            Ok(()) => {
                // Mode and owner do not depend on the umask.
                rustix::fs::chmod(&node, Mode::from_raw_mode(0o660))
                    .map_err(cannot("set the mode of", &node))?;
                let (root, disk) = (Uid::ROOT, Gid::from_raw(DISK));
                chownat(
                    CWD,
                    &node,
                    Some(root),
                    Some(disk),
                    AtFlags::SYMLINK_NOFOLLOW,
                )
                .map_err(cannot("set the owner of", &node))?;
            }
            // udev has made it in the meantime.
            Err(Errno::EXIST) if leads_to(&node, dev) => {}
            Err(e) => return Err(FileError::new("make", &node, e).into()),
        }
    }
    let dir = dev_dir.join(vg);
    let link = dir.join(lv);
    if !leads_to(&link, dev) {
        make_dir(&dir)?;
        clear(&link)?;
        match symlink(&node, &link) {
            Err(_) if leads_to(&link, dev) => {}
            Err(e) => return Err(FileError::new("make the link", &link, e).into()),
            Ok(()) => {}
        }
    }
    Ok((node, link))
}

/// Removes DEV/mapper/NAME, and every link in DEV/*/ that leads there.
pub(super) fn remove(dev_dir: &Path, name: &str) -> Result<(), LvmError> {
    let node = dev_dir.join("mapper").join(name);
    let own = fs::read_link(&node).ok();
    for dir in entries(dev_dir)?
        .into_iter()
        .filter(|p| p.is_dir() && !p.is_symlink())
    {
        let mut removed = false;
        for link in entries(&dir)? {
            let target = fs::read_link(&link).ok();
            let to_node = target.as_deref() == Some(node.as_path());
            let to_same = link != node && own.is_some() && target == own;
            if to_node || (to_same && dir != dev_dir.join("mapper")) {
                remove_file(&link)?;
                removed = true;
            }
        }
        if removed {
            // Not empty: other volumes of the group are still there.
            match fs::remove_dir(&dir) {
                Err(e) if e.kind() != ErrorKind::DirectoryNotEmpty => {
                    return Err(FileError::new("remove", &dir, e).into());
                }
                _ => {}
            }
        }
    }
    Ok(remove_file(&node)?)
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, LvmError> {
    let list = match fs::read_dir(dir) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(cannot("list", dir))?,
    };
    list.map(|e| Ok(e.map(|e| e.path()).map_err(cannot("list", dir))?))
        .collect()
}
