// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decides which volume gets the space that was protected. It follows from the
//! plan alone, for both the step `release` and the new system's unit that does it
//! otherwise.

use super::{Error, rest};
use crate::plan::{Plan, PlannedFilesystem};
use ondisk::lvm::{LvSize, PINNED, VgPlan, dm_name};
use std::path::{Path, PathBuf};

/// The volume that gets the protected space of its group.
#[derive(Debug)]
pub(super) struct Heir<'a> {
    pub(super) group: &'a VgPlan,
    pub(super) volume: &'a str,
    pub(super) filesystem: Option<&'a PlannedFilesystem>,
    /// Whether its file system may be mounted and grown after the switch. One
    /// that GRUB reads may not, because GRUB reads file systems without their
    /// journals.
    pub(super) can_grow: bool,
}

/// One for each group with protected space.
pub(super) fn heirs(plan: &Plan) -> Result<Vec<Heir<'_>>, Error> {
    let mut heirs = Vec::new();
    for group in &plan.groups {
        if group.build()?.lv(PINNED).is_none() {
            continue;
        }
        let rest = group.lvs.iter().find(|lv| lv.size == LvSize::Rest);
        // Without a volume with the rest, the extents simply become free.
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

/// What the new system has to do if `release` is not completed.
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
