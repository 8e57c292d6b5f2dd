// SPDX-License-Identifier: MIT OR Apache-2.0
//! Mounts the new file systems for the steps that work in them.

use super::{Context, Error};
use crate::disk::Disk;
use crate::plan::PlannedFilesystem;
use crate::{mount, paths};
use rootdir::RootDir;
use rustix::mount::MountFlags;
use std::path::Path;
use sys::cannot;

/// Checks that this device is mounted, and not another one that got its name.
fn is_mounted(part: &Disk, root: &RootDir, mount: &str) -> Result<(), Error> {
    let target = root.full(mount);
    let failed = cannot("look at", &target);
    let place = root.mount_point(mount)?;
    let (device, _) = place.number().map_err(failed)?;
    if part.dev() == Some(device.into()) {
        return Ok(());
    }
    Err(Error::OtherDisk {
        disk: part.path().into(),
        why: format!(
            "has another number than what is mounted at {}",
            target.display()
        ),
    })
}

/// Mounts one of the new file systems alone.
pub(super) fn mount_alone(
    context: &Context,
    filesystem: &PlannedFilesystem,
    place: &Path,
) -> Result<(), Error> {
    mount::unmount_tree(place)?;
    let part = context.on_disk(Disk::open(&filesystem.device)?)?;
    mount::device(&filesystem.device, place, "ext4", MountFlags::NOATIME, "")?;
    is_mounted(&part, &RootDir::open(place)?, "/")
}

/// Mounts the new file systems, parents first; anything mounted there is
/// unmounted before.
pub(super) fn mount_new_root(context: &Context) -> Result<(), Error> {
    let root = Path::new(paths::NEW_ROOT);
    mount::unmount_tree(root)?;
    // The root comes first, because the mount points of the others are in it.
    for filesystem in &context.plan()?.filesystems {
        let (device, mount) = (&filesystem.device, &filesystem.mount);
        // Some kernels refuse to mount a device that is open for writing.
        let part = context.on_disk(Disk::open(device)?)?;
        if mount == "/" {
            // Access times are of no use here, and each would cause a write.
            mount::device(device, root, "ext4", MountFlags::NOATIME, "")?;
        } else {
            mount::below(&RootDir::open(root)?, mount, device)?;
        }
        is_mounted(&part, &RootDir::open(root)?, mount)?;
    }
    Ok(())
}
