// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checks that the parts of a package agree, and that a new system can be made of
//! them on some machine.
//!
//! One judgement for `replant-pack verify` on the build machine and for
//! `replant check` on the old system. What only the machine knows (its disk,
//! its memory, its boot loader) is judged there.

use crate::agreement;
use crate::gpt::{Guid, Table};
use crate::inventory;
use crate::inventory::{Findings, Report};
use crate::manifest::{Device, Filesystem, Manifest, PAYLOAD, TABLE, VolumeGroup};

/// The warning about a manifest without a checksum of its own.
pub const UNSEALED: &str = "migration.toml has no checksum of its own (a package of replant 0.1): whether it was changed is not known";

/// Why a package is of no use on any machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Files of the payload.
    #[error("{PAYLOAD}: {0}")]
    Payload(Findings),
    /// The manifest says something else of the payload.
    #[error(transparent)]
    Facts(#[from] inventory::Disagreement),
    /// GRUB has no place.
    #[error(
        "{TABLE}: no BIOS boot partition (type EF02), which GRUB needs on a GPT disk; make one in the new system and capture it again"
    )]
    NoBiosBoot,
    /// The layout is for another table.
    #[error("layout.toml: there is no partition {number}; {TABLE} has {}", known.iter().map(u32::to_string).collect::<Vec<_>>().join(", "))]
    NoPartition {
        /// What is named.
        number: u32,
        /// What the table has.
        known: Vec<u32>,
    },
    /// Another file system than can be made.
    #[error("{mount} is to be {kind}; this version only makes ext4")]
    Type {
        /// Where it is mounted.
        mount: String,
        /// Its type.
        kind: String,
    },
    /// Texts of the payload.
    #[error(transparent)]
    Texts(#[from] agreement::Disagreement),
}

/// Whether a table has all partitions that are named, and one for GRUB.
///
/// # Errors
/// [`Refusal`] about the first that is missing.
pub fn table(
    table: &Table,
    groups: &[VolumeGroup],
    filesystems: &[Filesystem],
) -> Result<(), Refusal> {
    let partitions = &table.partitions;
    if !partitions.iter().any(|p| p.type_guid == Guid::BIOS_BOOT) {
        return Err(Refusal::NoBiosBoot);
    }
    let on = groups.iter().flat_map(|g| g.partitions.iter().copied());
    let named = filesystems.iter().filter_map(|f| match f.device() {
        Some(Device::Partition(number)) => Some(number),
        _ => None,
    });
    match on.chain(named).find(|n| table.partition(*n).is_none()) {
        None => Ok(()),
        Some(number) => Err(Refusal::NoPartition {
            number,
            known: partitions.iter().map(|p| p.number).collect(),
        }),
    }
}

/// Judges a package whose payload was looked through; what a person should
/// know is returned.
///
/// # Errors
/// [`Refusal`] with what to do.
pub fn judge(manifest: &Manifest, made: &Table, found: &Report) -> Result<Vec<String>, Refusal> {
    if !found.refusals.is_empty() {
        return Err(Refusal::Payload(found.refusals.clone()));
    }
    found.facts.agree(manifest)?;
    table(made, &manifest.volume_groups, &manifest.filesystems)?;
    if let Some(other) = manifest.filesystems.iter().find(|f| f.kind != "ext4") {
        return Err(Refusal::Type {
            mount: other.mount.clone(),
            kind: other.kind.clone(),
        });
    }
    let all = found.warnings.iter();
    let mut warnings: Vec<_> = all.map(|w| format!("{PAYLOAD}: {w}")).collect();
    warnings.extend(agreement::verify(found.texts.iter(), made, manifest)?);
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpt::{Name, Partition};
    use crate::inventory::{Inventory, Target};

    fn disk(types: &[Guid]) -> Table {
        let mut made = Table::new(1 << 30, 512, Guid([7; 16])).unwrap();
        for (n, type_guid) in (1..).zip(types) {
            made.partitions.push(Partition {
                number: n,
                type_guid: *type_guid,
                guid: Guid([u8::try_from(n).unwrap(); 16]),
                first_lba: 2048 * u64::from(n),
                last_lba: 2048 * u64::from(n) + 2047,
                attributes: 0,
                name: Name::new("").unwrap(),
            });
        }
        made
    }

    #[test]
    fn a_table_without_grubs_place_or_a_named_partition_is_refused() {
        let root = [Filesystem::new("partition 2", "/")];
        let both = disk(&[Guid::BIOS_BOOT, Guid::LINUX]);
        assert_eq!(table(&both, &[], &root), Ok(()));
        let none = disk(&[Guid::LINUX, Guid::LINUX]);
        assert_eq!(table(&none, &[], &root), Err(Refusal::NoBiosBoot));
        let group = VolumeGroup {
            name: "VA".into(),
            partitions: vec![3],
            extent_size: crate::manifest::Size::Bytes(4 << 20),
            volumes: vec![],
        };
        let error = table(&both, &[group], &root).unwrap_err().to_string();
        assert_eq!(
            error,
            "layout.toml: there is no partition 3; va.sgdisk has 1, 2"
        );
    }

    #[test]
    fn the_first_thing_wrong_is_what_the_payload_lacks() {
        let manifest = Manifest::parse(&testkit::manifest()).unwrap();
        let found = Inventory::new(Target::of(&manifest)).finish();
        let made = disk(&[]);
        let error = judge(&manifest, &made, &found).unwrap_err();
        assert!(matches!(error, Refusal::Payload(_)), "{error}");
        let mut whole = found;
        whole.refusals = Findings::default();
        whole.facts.payload = manifest.payload.clone();
        let filesystems = manifest.filesystems.iter();
        whole.facts.content = filesystems
            .map(|f| inventory::Content {
                mount: f.mount.clone(),
                bytes: f.content_bytes,
                entries: f.content_entries,
                block: 1024,
                because: String::new(),
            })
            .collect();
        let error = judge(&manifest, &made, &whole).unwrap_err();
        assert_eq!(error, Refusal::NoBiosBoot);
    }
}
