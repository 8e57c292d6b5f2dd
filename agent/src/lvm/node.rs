// SPDX-License-Identifier: MIT OR Apache-2.0
//! Nodes and links in /dev, where no udev makes them.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};

use ondisk::lvm::DevNo;
use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, Uid, chownat, makedev, mknodat};
use rustix::io::Errno;

use super::error::LvmError;

/// The group `disk`, which may read block devices; the same on all distributions.
const DISK: u32 = 6;

fn wrong(action: &'static str, path: &Path, errno: Errno) -> LvmError {
    LvmError::Node {
        action,
        path: path.to_owned(),
        errno,
    }
}

fn from_io(action: &'static str, path: &Path, e: &std::io::Error) -> LvmError {
    wrong(action, path, Errno::from_io_error(e).unwrap_or(Errno::IO))
}

/// Whether `path` leads to the block device.
fn leads_to(path: &Path, dev: DevNo) -> bool {
    fs::metadata(path)
        .is_ok_and(|m| m.file_type().is_block_device() && m.rdev() == makedev(dev.major, dev.minor))
}

/// Makes room for a node or link: an old link or block device goes.
fn clear(path: &Path) -> Result<(), LvmError> {
    match fs::symlink_metadata(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        Err(e) => Err(from_io("examine", path, &e)),
        Ok(m) if m.file_type().is_symlink() || m.file_type().is_block_device() => remove_file(path),
        Ok(_) => Err(LvmError::NodeTaken {
            path: path.to_owned(),
        }),
    }
}

fn remove_file(path: &Path) -> Result<(), LvmError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(from_io("remove", path, &e)),
        _ => Ok(()),
    }
}

fn make_dir(path: &Path) -> Result<(), LvmError> {
    fs::create_dir_all(path).map_err(|e| from_io("create", path, &e))
}

/// Makes DEV/mapper/NAME and the link DEV/VG/LV. What is right already stays.
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
        let number = makedev(dev.major, dev.minor);
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
                    .map_err(|e| wrong("set the mode of", &node, e))?;
                let (root, disk) = (Uid::ROOT, Gid::from_raw(DISK));
                chownat(
                    CWD,
                    &node,
                    Some(root),
                    Some(disk),
                    AtFlags::SYMLINK_NOFOLLOW,
                )
                .map_err(|e| wrong("set the owner of", &node, e))?;
            }
            // A udev was quicker.
            Err(Errno::EXIST) if leads_to(&node, dev) => {}
            Err(e) => return Err(wrong("make", &node, e)),
        }
    }
    let dir = dev_dir.join(vg);
    let link = dir.join(lv);
    if !leads_to(&link, dev) {
        make_dir(&dir)?;
        clear(&link)?;
        match symlink(&node, &link) {
            Err(_) if leads_to(&link, dev) => {}
            Err(e) => return Err(from_io("make the link", &link, &e)),
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
                    return Err(from_io("remove", &dir, &e));
                }
                _ => {}
            }
        }
    }
    remove_file(&node)
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, LvmError> {
    let list = match fs::read_dir(dir) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|e| from_io("list", dir, &e))?,
    };
    list.map(|e| e.map(|e| e.path()).map_err(|e| from_io("list", dir, &e)))
        .collect()
}
