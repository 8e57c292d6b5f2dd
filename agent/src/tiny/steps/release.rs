// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 14, only where the migration survives a power cut: the old machine's
//! identity is overwritten, and the protected space goes to the volume that has
//! the rest. The disk starts the new system already, whose own programs do at the
//! first start what is not done here (`rest.rs`).

use super::heirs::{Heir, heirs};
use super::mounts::mount_alone;
use super::{Context, Error, Step, rest};
use crate::disk::Disk;
use crate::lvm::{Access, Mapper, Scan, release_pinned, scan};
use crate::{mount, paths};
use ondisk::lvm::{PINNED, VgPlan};
use rootdir::RootDir;
use std::path::Path;
use sys::cannot;

/// Releases the protected space.
pub struct Release;

impl Step for Release {
    fn name(&self) -> &'static str {
        "release"
    }

    fn run(&self, context: &mut Context) -> Result<(), Error> {
        mount::unmount_tree(Path::new(paths::NEW_ROOT))?;
        Mapper::open()?.deactivate_disk(context.disk_number()?)?;
        // Secrets are overwritten first, so that they do not become part of a
        // volume in use.
        context.lifeboat_mut()?.clear()?;
        let plan = context.plan()?;
        let heirs = heirs(plan)?;
        if heirs.iter().any(|heir| !heir.can_grow) {
            context.reporter.detail(
                "the volume that has the rest holds /boot, and is not mounted here: the new system gives it its room",
            );
            return Ok(());
        }
        for heir in &heirs {
            give(context, heir)?;
        }
        grow(context, &heirs)?;
        Mapper::open()?.deactivate_disk(context.disk_number()?)?;
        let disk = context.disk()?;
        disk.sync("the disk")?;
        disk.flush()?;
        Ok(())
    }

    fn confirm(&self, context: &mut Context) -> Result<(), Error> {
        let heirs = heirs(context.plan()?)?;
        if heirs.iter().any(|heir| !heir.can_grow) {
            return Ok(());
        }
        for heir in &heirs {
            let found = found(context, heir.group)?;
            if found.group(&heir.group.name)?.vg.lv(PINNED).is_some() {
                return Err(Error::Unverified {
                    what: format!("the volume group {}", heir.group.name),
                    found: format!("{PINNED} is still in it"),
                });
            }
        }
        Ok(())
    }
}

/// Reads the group from the disk.
fn found(context: &Context, group: &VgPlan) -> Result<Scan, Error> {
    let devices = group.pvs.iter();
    let devices = devices.map(|pv| context.partition(Path::new(&pv.device)));
    Ok(scan(&devices.collect::<Result<Vec<_>, _>>()?))
}

/// Writes the next generation of the group. After a power cut the old or the new
/// one is in force.
fn give(context: &Context, heir: &Heir) -> Result<(), Error> {
    let found = found(context, heir.group)?;
    let group = found.group(&heir.group.name)?;
    if group.vg.lv(PINNED).is_some() {
        release_pinned(group, heir.volume, &context.plan()?.protected)?;
    }
    Ok(())
}

/// Grows the file systems of the volumes that have grown, and removes the unit by
/// which the new system would do it.
fn grow(context: &Context, heirs: &[Heir]) -> Result<(), Error> {
    let plan = context.plan()?;
    let mapper = Mapper::open()?;
    for group in &plan.groups {
        let found = found(context, group)?;
        let found = found.group(&group.name)?;
        for lv in &group.lvs {
            mapper.activate(found, &lv.name, Access::ReadWrite)?;
        }
    }
    let place = Path::new(paths::NEW_ROOT);
    for filesystem in heirs.iter().filter_map(|heir| heir.filesystem) {
        mount_alone(context, filesystem, place)?;
        let grown = fill(place, &filesystem.device);
        mount::unmount_tree(place)?;
        grown?;
    }
    let root = plan.root().ok_or(Error::Missing("the new root"))?;
    // GRUB may read /boot from this file system.
    let holds_boot = !plan.filesystems.iter().any(|f| f.mount == "/boot");
    if holds_boot {
        return Ok(());
    }
    mount_alone(context, root, place)?;
    let removed = RootDir::open(place).and_then(|new| rest::remove(&new));
    mount::unmount_tree(place)?;
    Ok(removed?)
}

/// Makes a mounted ext4 as big as its device.
fn fill(place: &Path, device: &Path) -> Result<(), Error> {
    let bytes = Disk::open(device)?.bytes();
    let top = std::fs::File::open(place).map_err(cannot("open", place))?;
    let block = rustix::fs::fstatvfs(&top).map_err(cannot("look at", place))?;
    let blocks = bytes / block.f_bsize.max(1);
    Ok(sys::ext4::resize(&top, blocks).map_err(cannot("grow the file system at", place))?)
}
