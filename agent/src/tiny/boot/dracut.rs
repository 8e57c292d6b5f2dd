// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names the volumes of / and /usr in dracut's configuration.

use super::Error;
use crate::plan::Plan;
use rootdir::{Attributes, RootDir};
use std::path::Path;

pub(super) const DRACUT_CONF: &str = "etc/dracut.conf.d/90-replant-root.conf";

/// The logical volumes that the initramfs must activate, as `GROUP/VOLUME`:
/// the root's, and /usr's, which dracut mounts before the new system runs.
pub(super) fn early_volumes(plan: &Plan) -> Vec<String> {
    let early = plan
        .filesystems
        .iter()
        .filter(|f| ["/", "/usr"].contains(&f.mount.as_str()));
    early.filter_map(|f| volume_of(plan, &f.device)).collect()
}

fn volume_of(plan: &Plan, device: &Path) -> Option<String> {
    plan.groups.iter().find_map(|group| {
        let is_it = |lv: &&ondisk::lvm::LvPlan| {
            ondisk::lvm::dm_name(&group.name, &lv.name)
                .is_ok_and(|name| Path::new("/dev/mapper").join(name) == device)
        };
        let found = group.lvs.iter().find(is_it)?;
        Some(format!("{}/{}", group.name, found.name))
    })
}

/// The words of the kernel's command line that name these volumes.
pub(super) fn words(volumes: &[String]) -> String {
    let words: Vec<_> = volumes.iter().map(|v| format!("rd.lvm.lv={v}")).collect();
    words.join(" ")
}

/// Makes dracut put the volumes into every initramfs that it will make. dracut
/// activates no volume unless the command line names it (64-lvm rules), and if it
/// names some, only those. Names in other files do not help: they may be another
/// machine's, or be rewritten by grub2-mkconfig.
pub(super) fn configure(root: &RootDir, volumes: &[String]) -> Result<(), Error> {
    let text = format!(
        "# Written by replant: dracut activates these volumes only if they are named.\n\
         kernel_cmdline+=\" {} \"\nadd_dracutmodules+=\" lvm \"\n",
        words(volumes)
    );
    root.write(DRACUT_CONF, text.as_bytes(), Attributes::root(0o644))?;
    Ok(())
}
