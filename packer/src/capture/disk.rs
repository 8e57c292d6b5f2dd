// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds the role of a disk's file systems in the new system by its fstab.

use super::mounted::Mounted;
use super::volumes::{Area, Areas};
use crate::file::At;
use anyhow::{Context, Result, bail};
use ondisk::fstab;
use ondisk::manifest::{Filesystem, Size, Volume, VolumeGroup};
use std::path::{Path, PathBuf};

/// The file system with an /etc/fstab, mounted at `root`; and that table.
pub fn find_root<'a>(
    areas: &'a Areas,
    mounted: &mut Mounted,
    root: &Path,
) -> Result<(&'a Area, Vec<fstab::Line>)> {
    let mut candidates = Vec::new();
    for area in areas.filesystems() {
        mounted.peek(area, root)?;
        if inside(root, "etc/fstab").is_some_and(|path| path.is_file()) {
            candidates.push(area);
        }
        mounted.unmount_last()?;
    }
    match candidates[..] {
        [area] => {
            mounted.whole(area, root)?;
            let path = root.join("etc/fstab");
            let bytes = std::fs::read(&path).at(&path)?;
            Ok((area, fstab::parse(&bytes).at(Path::new("/etc/fstab"))?))
        }
        [] => bail!("no file system of the disk has an /etc/fstab: none of them is the root"),
        _ => {
            let devices: Vec<_> = candidates.iter().map(|a| a.device.as_str()).collect();
            bail!(
                "several file systems have an /etc/fstab ({}); empty all but the new system's",
                devices.join(", ")
            )
        }
    }
}

/// Where a path of the captured system is; `None` if nothing is there, or if a
/// link leads out of it, to the build machine's own files.
pub fn inside(root: &Path, path: &str) -> Option<PathBuf> {
    let (root, found) = (
        root.canonicalize().ok()?,
        root.join(path).canonicalize().ok()?,
    );
    found.starts_with(root).then_some(found)
}

/// Mounts the file systems of the fstab, and describes them.
pub fn mount_all(
    areas: &Areas,
    root_area: &Area,
    table: &[fstab::Line],
    mounted: &mut Mounted,
    root: &Path,
) -> Result<Vec<Filesystem>> {
    if let Some(line) = table.iter().find(|l| l.target == "/") {
        type_agrees(root_area, line)?;
    }
    let mut found = vec![describe(root_area, "/")];
    for (line, area) in mounts(areas, table)? {
        let target = inside(root, line.target.trim_start_matches('/'))
            .filter(|target| target.is_dir())
            .with_context(|| {
                format!(
                    "/etc/fstab mounts {}, and there is no such directory (a link may not lead out of the new system); make it there",
                    line.target
                )
            })?;
        mounted.whole(area, &target)?;
        found.push(describe(area, &line.target));
    }
    Ok(found)
}

/// The lines for file systems of the disk other than the root, parents first.
pub fn mounts<'a>(
    areas: &'a Areas,
    table: &'a [fstab::Line],
) -> Result<Vec<(&'a fstab::Line, &'a Area)>> {
    let mut found = Vec::new();
    for line in table.iter().filter(|l| l.is_mount() && l.target != "/") {
        let Some(device) = line.device() else {
            continue;
        };
        match areas.by_device(&device) {
            Some(area) if area.is_known() => {
                type_agrees(area, line)?;
                found.push((line, area));
            }
            // For example a CD drive, or another file system that the new system
            // can do without.
            _ if line.is_optional() => {}
            Some(area) => bail!(
                "/etc/fstab mounts {} from {}, which is {}; the new system has only ext4 and boots by BIOS: take the line out of the fstab (an EFI system partition is not used), or give it the option noauto or nofail",
                line.target,
                area.device,
                if area.kind.is_empty() {
                    "no file system"
                } else {
                    &area.kind
                }
            ),
            None => bail!(
                "/etc/fstab mounts {} from {}, which the disk does not have; correct the fstab, or give the line the option noauto or nofail",
                line.target,
                line.source
            ),
        }
    }
    found.sort_by_key(|(line, _)| line.target.matches('/').count());
    Ok(found)
}

/// Checks that the fstab allows ext4, because the new file system is always ext4.
fn type_agrees(area: &Area, line: &fstab::Line) -> Result<()> {
    if line.takes_ext4() {
        return Ok(());
    }
    bail!(
        "/etc/fstab mounts {} ({}) as {}, and the new file system will be ext4; write ext4 or auto into the type field of that line in the appliance's fstab, and capture again",
        line.target,
        area.device,
        line.kind
    )
}

pub fn describe(area: &Area, mount: &str) -> Filesystem {
    Filesystem {
        uuid: Some(area.uuid.clone()).filter(|u| !u.is_empty()),
        label: area.label.clone(),
        // Only ext4 can be made, whatever this one is.
        ..Filesystem::new(&area.device, mount)
    }
}

/// The volume groups, the root volume taking what the others leave.
pub fn groups(areas: &Areas, root: &Area) -> Vec<VolumeGroup> {
    let volume = |group: &str, name: &str, bytes: u64| Volume {
        name: name.to_string(),
        size: if root.device == format!("{group}/{name}") {
            Size::Rest
        } else {
            Size::Bytes(bytes)
        },
    };
    let mut groups = Vec::new();
    for group in &areas.groups {
        groups.push(VolumeGroup {
            name: group.name.clone(),
            partitions: group.partitions.clone(),
            extent_size: Size::Bytes(group.extent_bytes),
            volumes: group
                .volumes
                .iter()
                .map(|(n, bytes)| volume(&group.name, n, *bytes))
                .collect(),
        });
    }
    groups
}
