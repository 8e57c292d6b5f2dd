// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes udev's links of the new file systems, because no udev runs here.
//!
//! grub-mkconfig writes `root=UUID=...` only where it finds the link of that
//! UUID; otherwise the kernel's name of the partition (10_linux), which may be
//! another disk's at the next boot.

use super::Error;
use crate::plan::Plan;
use std::os::unix::fs::symlink;
use std::path::Path;
use sys::cannot;

/// Makes `disk/by-uuid` and `disk/by-partuuid` below `dev` (`/dev`).
pub(crate) fn make(dev: &Path, plan: &Plan) -> Result<(), Error> {
    for filesystem in &plan.filesystems {
        let uuid = ondisk::uuid::text(&filesystem.options.uuid);
        link(dev, "by-uuid", &uuid, &filesystem.device)?;
    }
    for partition in &plan.table.partitions {
        let node = plan.partition_node(partition.number);
        let guid = partition.guid.to_string().to_lowercase();
        link(dev, "by-partuuid", &guid, &node)?;
    }
    Ok(())
}

fn link(dev: &Path, kind: &str, name: &str, node: &Path) -> Result<(), Error> {
    let directory = dev.join("disk").join(kind);
    let path = directory.join(name);
    let made = std::fs::create_dir_all(&directory).and_then(|()| {
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        symlink(node, &path)
    });
    Ok(made.map_err(cannot("make the link", &path))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_leads_to_its_device_twice() {
        let (_, plan) = crate::plan::sample();
        let dev = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            make(dev.path(), &plan).unwrap();
            let by = |kind: &str, name: &str| {
                std::fs::read_link(dev.path().join("disk").join(kind).join(name)).unwrap()
            };
            let uuid = "11111111-2222-3333-4444-555555555555";
            assert_eq!(by("by-uuid", uuid), Path::new("/dev/nvme0n1p2"));
            let guid = plan.table.partitions[1].guid.to_string().to_lowercase();
            assert_eq!(by("by-partuuid", &guid), Path::new("/dev/nvme0n1p2"));
        }
    }
}
