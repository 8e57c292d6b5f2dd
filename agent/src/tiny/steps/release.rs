// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 14, where the migration could be cut off: the old machine's identity is
//! overwritten, and the room of what was kept goes to the volume that has the
//! rest. The disk starts the new system already; what is not done here, its
//! own programs do at its first start (`rest.rs`).

use super::unpack::mount_alone;
use super::{Context, Error, Step, rest};
use crate::disk::Disk;
use crate::lvm::{Access, Mapper, release_pinned, scan};
use crate::plan::{Plan, PlannedFilesystem};
use crate::{mount, paths};
use ondisk::lvm::{LvSize, PINNED, VgPlan, dm_name};
use rootdir::RootDir;
use std::path::{Path, PathBuf};
use sys::cannot;

/// Gives back what was kept.
pub struct Release;

impl Step for Release {
    fn name(&self) -> &'static str {
        "release"
    }

    fn run(&self, context: &mut Context) -> Result<(), Error> {
        mount::unmount_tree(Path::new(paths::NEW_ROOT))?;
        Mapper::open()?.deactivate_disk(context.disk_number()?)?;
        // Secrets first: they must not be in a volume that is in use.
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

    fn confirm(&self, _context: &mut Context) -> Result<(), Error> {
        Ok(())
    }
}

/// A volume that gets the room of what was kept in its group.
#[derive(Debug)]
struct Heir<'a> {
    group: &'a VgPlan,
    volume: &'a str,
    filesystem: Option<&'a PlannedFilesystem>,
    /// Whether it may be mounted once the disk starts from it: GRUB reads file
    /// systems without their journals.
    can_grow: bool,
}

fn heirs(plan: &Plan) -> Result<Vec<Heir<'_>>, Error> {
    let mut heirs = Vec::new();
    for group in &plan.groups {
        if group.build()?.lv(PINNED).is_none() {
            continue;
        }
        let rest = group.lvs.iter().find(|lv| lv.size == LvSize::Rest);
        // Without one the extents become free again, by the new system.
        let volume = rest.map_or("", |lv| lv.name.as_str());
        let device = rest.map(|lv| device(group, &lv.name)).transpose()?;
        let is_on = |f: &&PlannedFilesystem| Some(&f.device) == device.as_ref();
        let filesystem = plan.filesystems.iter().find(is_on);
        let has_boot = plan.filesystems.iter().any(|f| f.mount == "/boot");
        let holds_boot = match filesystem.map(|f| f.mount.as_str()) {
            Some("/boot") => true,
            Some("/") => !has_boot,
            _ => false,
        };
        heirs.push(Heir {
            group,
            volume,
            filesystem,
            can_grow: rest.is_some() && !holds_boot,
        });
    }
    Ok(heirs)
}

/// What the new system has to do if `release` does not come to it.
pub(super) fn tasks(plan: &Plan) -> Result<Vec<rest::Task>, Error> {
    let task = |heir: &Heir| rest::Task {
        group: heir.group.name.clone(),
        volume: heir.volume.to_owned(),
        grow: heir.filesystem.is_some(),
    };
    Ok(heirs(plan)?.iter().map(task).collect())
}

fn device(group: &VgPlan, volume: &str) -> Result<PathBuf, Error> {
    let name = dm_name(&group.name, volume).map_err(ondisk::lvm::PlanError::from)?;
    Ok(Path::new("/dev/mapper").join(name))
}

/// Writes the next generation of the group: a cut leaves it or the one before.
fn give(context: &Context, heir: &Heir) -> Result<(), Error> {
    let devices = heir.group.pvs.iter();
    let devices = devices.map(|pv| context.partition(Path::new(&pv.device)));
    let devices = devices.collect::<Result<Vec<_>, _>>()?;
    let found = scan(&devices);
    let group = found.group(&heir.group.name)?;
    if group.vg.lv(PINNED).is_some() {
        release_pinned(group, heir.volume, &context.plan()?.protected)?;
    }
    Ok(())
}

/// Grows the file systems of the volumes that have grown, and takes away what
/// the new system would do otherwise.
fn grow(context: &Context, heirs: &[Heir]) -> Result<(), Error> {
    let plan = context.plan()?;
    let mapper = Mapper::open()?;
    for group in &plan.groups {
        let devices = group.pvs.iter();
        let devices = devices.map(|pv| context.partition(Path::new(&pv.device)));
        let devices = devices.collect::<Result<Vec<_>, _>>()?;
        let found = scan(&devices);
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
    // GRUB may read this one.
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

#[cfg(test)]
mod tests {
    use super::*;
    use ondisk::lifeboat::{Protected, Run};

    #[test]
    fn who_inherits_and_whether_grub_reads_it() {
        let (_, mut plan) = crate::plan::sample();
        assert!(heirs(&plan).unwrap().is_empty());
        let run = Run {
            lba: 4 << 21,
            sectors: 2048,
        };
        let protected = Protected::new([run], 512, 8 << 30).unwrap();
        plan = crate::plan::sample_with(protected).1;
        let of = |plan: &Plan| {
            let found = heirs(plan).unwrap();
            let [heir] = found.as_slice() else {
                panic!("{found:?}")
            };
            let mount = heir.filesystem.map(|f| f.mount.clone());
            (heir.volume.to_owned(), mount, heir.can_grow)
        };
        let root = Some("/".to_owned());
        assert_eq!(of(&plan), ("root".into(), root.clone(), true));
        // Without a /boot of its own, and without a volume that has the rest.
        let mut alone = plan.clone();
        alone.filesystems.retain(|f| f.mount != "/boot");
        assert_eq!(of(&alone), ("root".into(), root, false));
        for lv in &mut plan.groups[0].lvs {
            lv.size = LvSize::Bytes(1 << 30);
        }
        assert_eq!(of(&plan), (String::new(), None, false));
    }
}
