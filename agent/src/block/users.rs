// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who uses a block device, for the message that says why it is busy.

use std::fs;
use std::path::Path;

use super::sysfs::{self, SYS, text};
use super::{DevNo, node, partition_name, partitions};
use crate::machine::parse_mounts;
use sys::FileError;

/// Describes the users of a block device by its kernel name (`sda3`). Users that
/// cannot be found out are left out, for this only adds detail to an error.
pub fn users(name: &str) -> Vec<String> {
    in_roots(name, Path::new(SYS), Path::new("/proc"))
}

/// Users of a disk (`sda`) and of its partitions.
///
/// # Errors
/// When sysfs does not have the disk.
pub fn users_of_disk(disk: &str) -> Result<Vec<String>, FileError> {
    let mut found = users(disk);
    for partition in partitions(Path::new(SYS), disk)? {
        let part = partition_name(disk, partition.number);
        found.extend(users(&part).iter().map(|user| format!("{part} {user}")));
    }
    Ok(found)
}

fn in_roots(name: &str, sys: &Path, proc: &Path) -> Vec<String> {
    let class = sys.join("class/block");
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let mut found = Vec::new();
    for holder in names(&class.join(name).join("holders")) {
        found.push(match text(&class.join(&holder), "dm/name") {
            None => holder,
            Some(map) => format!("device-mapper map {map}"),
        });
    }
    let dev: Option<DevNo> = sysfs::number(&class.join(name), "dev").ok();
    let mut mounts = parse_mounts(&read(&proc.join("self/mountinfo")));
    mounts.retain(|m| Some(m.device) == dev);
    found.extend(mounts.iter().map(|m| format!("mounted at {}", m.target)));
    let node = node(name);
    if read(&proc.join("swaps"))
        .lines()
        .any(|l| l.split_whitespace().next().map(Path::new) == Some(&node))
    {
        found.push("swap".to_owned());
    }
    for pid in names(proc)
        .into_iter()
        .filter(|n| n.bytes().all(|b| b.is_ascii_digit()))
    {
        let dir = proc.join(&pid).join("fd");
        let opens = |fd: &String| fs::read_link(dir.join(fd)).is_ok_and(|target| target == node);
        if names(&dir).iter().any(opens) {
            let command = read(&proc.join(&pid).join("comm"));
            found.push(format!("process {pid} {}", command.trim()));
        }
    }
    found
}

fn names(dir: &Path) -> Vec<String> {
    let paths = sysfs::entries(dir).unwrap_or_default();
    paths.iter().map(|path| sysfs::name(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_everybody() {
        let dir = tempfile::tempdir().unwrap();
        let (sys, proc) = (dir.path().join("sys"), dir.path().join("proc"));
        let write = |path: &Path, text: &str| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(&sys.join("class/block/sda2/dev"), "8:2\n");
        write(&sys.join("class/block/sda2/holders/dm-0/uevent"), "");
        write(&sys.join("class/block/dm-0/dm/name"), "VA-root\n");
        write(&sys.join("class/block/sda2/holders/md0/uevent"), "");
        write(
            &proc.join("self/mountinfo"),
            "22 1 8:2 / /my\\040boot rw,relatime shared:1 - ext4 /dev/sda2 rw\n\
             23 1 8:20 / /other rw - ext4 /dev/sdb4 rw\n",
        );
        write(
            &proc.join("swaps"),
            "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n",
        );
        write(&proc.join("77/comm"), "blkid\n");
        fs::create_dir_all(proc.join("77/fd")).unwrap();
        std::os::unix::fs::symlink("/dev/sda2", proc.join("77/fd/3")).unwrap();
        assert_eq!(
            in_roots("sda2", &sys, &proc),
            [
                "device-mapper map VA-root",
                "md0",
                "mounted at /my boot",
                "swap",
                "process 77 blkid"
            ]
        );
        assert!(in_roots("sda3", &sys, &proc).is_empty());
    }
}
