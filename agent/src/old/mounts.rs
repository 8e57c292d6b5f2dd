// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds the file systems that stay when the disk is replaced.

use super::Error;
use crate::block::{self, BlockDevice, SYS, disks_below};
use crate::locate;
use crate::machine::Mount;
use identity::Report;
use identity::mounts::{Kept, Mounted, Place, is_remote};
use ondisk::naming::Name;
use std::path::Path;

/// The lines of the old fstab that are carried over, and the messages about the
/// others. `disk` is the one that is replaced.
pub(super) fn find(mounts: &[Mount], disk: &str) -> Result<(Vec<Kept>, Report), Error> {
    let blocks = block::list(Path::new(SYS))?;
    let on_disk = |device: &BlockDevice| {
        let disks = disks_below(Path::new(SYS), device.dev);
        disks.is_ok_and(|disks| disks.contains(disk))
    };
    let place = |source: &str| {
        let named: Vec<&BlockDevice> = locate::named(&blocks, source).collect();
        let uuid = || {
            let content = locate::identify(&named.first()?.path())?;
            Some(content.uuid).filter(|uuid| !uuid.is_empty())
        };
        match named.as_slice() {
            [] => Place::Absent,
            some if some.iter().any(|device| on_disk(device)) => Place::Lost,
            _ if is_node(source) => Place::Stays(uuid()),
            _ => Place::Stays(None),
        }
    };
    let mounted = others(mounts, &place);
    Ok(identity::mounts::collect(Path::new("/"), &place, &mounted)?)
}

/// Whether the name depends on the order in which disks are found.
fn is_node(source: &str) -> bool {
    let by_order = ["sd", "vd", "xvd", "hd", "nvme", "md", "dm-", "mmcblk"];
    let name = source.strip_prefix("/dev/").unwrap_or_default();
    matches!(Name::parse(source), Some(Name::Path(_)))
        && !name.contains('/')
        && by_order.iter().any(|start| name.starts_with(start))
}

/// Mounted file systems of other disks and other machines, without those that are
/// mounted automatically when somebody plugs them in or asks for them.
fn others(mounts: &[Mount], place: &dyn Fn(&str) -> Place) -> Vec<Mounted> {
    const BY_ITSELF: [&str; 5] = ["/run/", "/media/", "/snap/", "/var/lib/", "/var/snap/"];
    let stays = |mount: &&Mount| {
        let asked = !BY_ITSELF.iter().any(|dir| mount.target.starts_with(dir));
        let device = mount.source.starts_with("/dev/") && !mount.source.starts_with("/dev/loop");
        let other = device && matches!(place(&mount.source), Place::Stays(_));
        asked && mount.root == "/" && (is_remote(&mount.kind) || other)
    };
    let mounted = mounts.iter().filter(stays).map(|mount| Mounted {
        source: mount.source.clone(),
        target: mount.target.clone(),
    });
    mounted.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::parse_mounts;

    #[test]
    fn names_that_another_disk_may_have_next_time() {
        for (source, want) in [
            ("/dev/sdb1", true),
            ("/dev/md0", true),
            ("/dev/nvme1n1p2", true),
            ("/dev/md/data", false),
            ("/dev/mapper/vg-data", false),
            ("/dev/disk/by-uuid/1", false),
            ("UUID=1", false),
            ("nas:/x", false),
        ] {
            assert_eq!(is_node(source), want, "{source}");
        }
    }

    #[test]
    fn what_is_mounted_of_others() {
        let mounts = parse_mounts(
            "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 0 8:17 / /srv rw - xfs /dev/sdb1 rw\n3 0 8:17 /a /b rw - xfs /dev/sdb1 rw\n4 0 0:40 / /mnt rw - nfs4 nas:/x rw\n5 0 8:33 / /run/media/u/STICK rw - vfat /dev/sdc1 rw\n6 0 0:5 / /dev rw - devtmpfs udev rw\n",
        );
        let place = |source: &str| match source {
            "/dev/sda1" => Place::Lost,
            _ => Place::Stays(None),
        };
        let found = others(&mounts, &place);
        let targets: Vec<&str> = found.iter().map(|m| m.target.as_str()).collect();
        assert_eq!(targets, ["/srv", "/mnt"]);
    }
}
