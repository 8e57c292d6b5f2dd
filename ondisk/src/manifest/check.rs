// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a manifest must satisfy before anybody acts on it.

use crate::ext4::Label;
use crate::lvm::{EXTENT_BYTES, check_lv_name, check_vg_name};
use crate::uuid;

use super::{Device, Error, INITRAMFS, KERNEL, Manifest, PAYLOAD, Size, TABLE, carry};

fn wrong(place: impl Into<String>, what: impl Into<String>) -> Error {
    Error::Value {
        place: place.into(),
        what: what.into(),
    }
}

pub(super) fn check(manifest: &Manifest) -> Result<(), Error> {
    files(manifest)?;
    groups(manifest)?;
    filesystems(manifest)?;
    carry::check(&manifest.carry, &manifest.hooks)
}

fn files(manifest: &Manifest) -> Result<(), Error> {
    for (n, file) in manifest.files.iter().enumerate() {
        let place = format!("file \"{}\"", file.name);
        if file.name.is_empty() || file.name.contains(['/', '\0']) || file.name.starts_with('.') {
            return Err(wrong(place, "a file's name has no directory"));
        }
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if file.sha256.len() != 64 || !file.sha256.bytes().all(hex) {
            return Err(wrong(
                place,
                "sha256 is not 64 lower-case hexadecimal digits",
            ));
        }
        if manifest
            .files
            .iter()
            .skip(n + 1)
            .any(|other| other.name == file.name)
        {
            return Err(wrong(place, "named twice"));
        }
    }
    for name in [TABLE, PAYLOAD, INITRAMFS, KERNEL] {
        if manifest.file(name).is_none() {
            return Err(wrong(
                "file",
                format!("{name} is not listed; make the package again"),
            ));
        }
    }
    Ok(())
}

fn groups(manifest: &Manifest) -> Result<(), Error> {
    let mut partitions = Vec::new();
    for (n, group) in manifest.volume_groups.iter().enumerate() {
        let place = format!("volume_group \"{}\"", group.name);
        check_vg_name(&group.name).map_err(|e| wrong(&place, e.reason))?;
        if manifest
            .volume_groups
            .iter()
            .skip(n + 1)
            .any(|other| other.name == group.name)
        {
            return Err(wrong(place, "named twice"));
        }
        match group.extent_size {
            // The range of ondisk::lvm::VgPlan.
            Size::Bytes(size) if size.is_power_of_two() && EXTENT_BYTES.contains(&size) => {}
            _ => {
                let what = "extent_size is a power of two, 64KiB to 1TiB";
                return Err(wrong(place, what));
            }
        }
        if group.partitions.is_empty() {
            return Err(wrong(place, "has no partitions"));
        }
        for number in &group.partitions {
            if partitions.contains(number) {
                return Err(wrong(
                    place,
                    format!("partition {number} is already in use"),
                ));
            }
            partitions.push(*number);
        }
        let rests = group
            .volumes
            .iter()
            .filter(|v| v.size == Size::Rest)
            .count();
        if rests > 1 {
            return Err(wrong(place, "only one volume can take the rest"));
        }
        for (n, volume) in group.volumes.iter().enumerate() {
            let place = format!("{place}, volume \"{}\"", volume.name);
            check_lv_name(&volume.name).map_err(|e| wrong(&place, e.reason))?;
            if group
                .volumes
                .iter()
                .skip(n + 1)
                .any(|other| other.name == volume.name)
            {
                return Err(wrong(place, "named twice"));
            }
            if volume.size == Size::Bytes(0) {
                return Err(wrong(place, "has no size"));
            }
        }
    }
    Ok(())
}

fn filesystems(manifest: &Manifest) -> Result<(), Error> {
    for (n, filesystem) in manifest.filesystems.iter().enumerate() {
        let place = format!("filesystem \"{}\"", filesystem.mount);
        let parts = filesystem.mount.split('/').skip(1);
        let normal = filesystem.mount == "/"
            || filesystem.mount.starts_with('/')
                && parts
                    .clone()
                    .all(|p| !p.is_empty() && p != "." && p != "..");
        if !normal || filesystem.mount.contains('\0') {
            let what = "mount is an absolute path without . and .. and NUL";
            return Err(wrong(place, what));
        }
        let later = manifest.filesystems.get(n + 1..).unwrap_or(&[]);
        if later.iter().any(|other| other.mount == filesystem.mount) {
            return Err(wrong(place, "mounted twice"));
        }
        if later
            .iter()
            .any(|other| other.device() == filesystem.device())
        {
            return Err(wrong(place, format!("{} is used twice", filesystem.device)));
        }
        if filesystem
            .uuid
            .as_deref()
            .is_some_and(|text| uuid::parse(text).is_none())
        {
            return Err(wrong(place, "uuid is not of the form 8-4-4-4-12"));
        }
        Label::new(&filesystem.label).map_err(|e| wrong(&place, e.to_string()))?;
        match filesystem.device() {
            None => {
                let what = "device is \"partition N\" or \"GROUP/VOLUME\"";
                return Err(wrong(place, what));
            }
            Some(Device::Partition(number)) => {
                let held = |g: &super::VolumeGroup| g.partitions.contains(&number);
                if let Some(group) = manifest.volume_groups.iter().find(|g| held(g)) {
                    let what = format!("partition {number} belongs to \"{}\"", group.name);
                    return Err(wrong(place, what));
                }
            }
            Some(Device::Volume { group, volume }) => {
                let has = manifest
                    .volume_groups
                    .iter()
                    .any(|g| g.name == group && g.volumes.iter().any(|v| v.name == volume));
                if !has {
                    let what = format!("there is no volume {group}/{volume}");
                    return Err(wrong(place, what));
                }
            }
        }
    }
    if manifest.filesystem("/").is_none() {
        return Err(wrong("filesystem", "no file system is mounted at /"));
    }
    Ok(())
}
