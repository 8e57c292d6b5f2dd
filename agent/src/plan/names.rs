// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of the package that another disk has already.

use super::{Name, Refusal};
use ondisk::gpt::Table;
use ondisk::manifest::Manifest;

/// Refuses names that would be ambiguous in the new system. Names drawn for this
/// migration are random and new.
pub(super) fn refuse_taken(
    manifest: &Manifest,
    table: &Table,
    taken: &[(Name, String)],
) -> Result<(), Refusal> {
    let refuse = |name: &Name, of: String| {
        let holder = taken.iter().find(|(other, _)| same(other, name));
        holder.map_or(Ok(()), |(_, device)| {
            Err(Refusal::NameTaken {
                name: name.to_string(),
                of,
                device: device.clone(),
                remedy: remedy(name, device),
            })
        })
    };
    for filesystem in &manifest.filesystems {
        let of = || format!("the file system of {}", filesystem.mount);
        if let Some(uuid) = filesystem.uuid.clone() {
            refuse(&Name::Uuid(uuid), of())?;
        }
        if !filesystem.label.is_empty() {
            refuse(&Name::Label(filesystem.label.clone()), of())?;
        }
    }
    refuse(
        &Name::Table(table.disk_guid),
        "the new partition table".into(),
    )?;
    for partition in &table.partitions {
        let of = format!("the new partition {}", partition.number);
        refuse(&Name::Partition(partition.guid), of)?;
    }
    Ok(())
}

/// Compares names; UUIDs are numbers, so capital letters make no difference.
fn same(one: &Name, other: &Name) -> bool {
    match (one, other) {
        (Name::Uuid(one), Name::Uuid(other)) => one.eq_ignore_ascii_case(other),
        _ => one == other,
    }
}

fn remedy(name: &Name, device: &str) -> String {
    match name {
        Name::Uuid(_) => {
            format!("tune2fs -U random {device} for ext, xfs_admin -U generate {device} for XFS")
        }
        Name::Label(_) => {
            format!("e2label {device} NEW for ext, xfs_admin -L NEW {device} for XFS")
        }
        Name::Table(_) | Name::Partition(_) => format!("sgdisk -G {device}"),
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Name::Uuid(uuid) => write!(f, "UUID {uuid}"),
            Name::Label(label) => write!(f, "label \"{label}\""),
            Name::Table(guid) => write!(f, "GUID {guid}"),
            Name::Partition(guid) => write!(f, "PARTUUID {guid}"),
        }
    }
}
