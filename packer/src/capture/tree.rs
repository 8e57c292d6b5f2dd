// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes the layout and the partition table for a root that has no disk.

use crate::layout::Layout;
use anyhow::{Result, bail};
use ondisk::document;
use ondisk::gpt::{Backup, Guid, Name, Partition, Table};
use ondisk::manifest::{Device, Filesystem};
use ondisk::sha256::Sha256Sum;
use std::collections::BTreeSet;

/// In blocks of 512 bytes: where partitions begin, what the BIOS boot
/// partition takes, and what the other one has before it grows.
const FIRST: u64 = 2048;
const BIOS_BOOT: u64 = 2 * 2048;
const ROOM: u64 = 64 * 2048;
/// The smallest disk, in bytes: a MiB more for the other copy of the table.
const DISK: u64 = (FIRST + BIOS_BOOT + ROOM + 2048) * 512;

/// A layout with one file system, whose UUID or label come from its fstab.
pub fn layout(name: String, version: &str) -> Layout {
    let root = Filesystem::new("partition 2", "/");
    Layout::new(name, version, Vec::new(), vec![root])
}

/// A table with a BIOS boot partition and the one partition that the layout
/// names, which takes all the rest of a disk.
pub fn table(layout: &Layout) -> Result<Backup> {
    let groups = layout.volume_groups.iter();
    let mut numbers: BTreeSet<u32> = groups.flat_map(|g| g.partitions.clone()).collect();
    let in_group = !numbers.is_empty();
    for filesystem in &layout.filesystems {
        if let Some(Device::Partition(number)) = filesystem.device() {
            numbers.insert(number);
        }
    }
    let numbers: Vec<u32> = numbers.into_iter().collect();
    let &[number @ 1..=128] = &numbers[..] else {
        bail!(
            "layout.toml names the partitions {numbers:?}, and only a table of one partition beside the BIOS boot partition is made; give the partition table with --table FILE (sgdisk --backup=FILE DISK)"
        );
    };
    if !layout.table.grow_last {
        bail!(
            "layout.toml has grow_last = false, and the table that is made has a small last partition; give the partition table with --table FILE (sgdisk --backup=FILE DISK)"
        );
    }
    // The GUIDs are derived from the layout, so the same layout gives the same
    // table.
    let text = document::write(layout)?;
    let guid = |what: &str| {
        let Sha256Sum(sum) = Sha256Sum::of(format!("replant-pack {what}\n{text}").as_bytes());
        let mut guid = [0; 16];
        guid.iter_mut().zip(sum).for_each(|(to, from)| *to = from);
        // Version 8, of its own making (RFC 9562).
        guid[7] = guid[7] & 0x0f | 0x80;
        guid[8] = guid[8] & 0x3f | 0x80;
        Guid(guid)
    };
    let mut table = Table::new(DISK, 512, guid("disk"))?;
    let mut add = |number, type_guid, what: &str, first: u64, blocks: u64| -> Result<()> {
        table.partitions.push(Partition {
            number,
            type_guid,
            guid: guid(what),
            first_lba: first,
            last_lba: first.saturating_add(blocks).saturating_sub(1),
            attributes: 0,
            name: Name::new(what)?,
        });
        Ok(())
    };
    let own = if in_group { Guid::LVM } else { Guid::LINUX };
    let boot = if number == 1 { 2 } else { 1 };
    add(boot, Guid::BIOS_BOOT, "bios", FIRST, BIOS_BOOT)?;
    add(number, own, "system", FIRST + BIOS_BOOT, ROOM)?;
    table.partitions.sort_by_key(|p| p.number);
    let mut sector_0 = [0; 512];
    protective(&mut sector_0);
    Ok(Backup::of(&table, &sector_0)?)
}

/// The protective MBR of the disk (UEFI specification, 5.2.3).
fn protective(sector: &mut [u8; 512]) {
    let last = u32::try_from(DISK / 512 - 1).unwrap_or(u32::MAX);
    let entry = [0x00, 0x00, 0x02, 0x00, 0xee, 0xff, 0xff, 0xff, 1, 0, 0, 0];
    let bytes = entry.into_iter().chain(last.to_le_bytes());
    let places = sector.iter_mut().skip(446);
    places.zip(bytes).for_each(|(to, from)| *to = from);
    sector[510] = 0x55;
    sector[511] = 0xaa;
}

/// Whether a file of a tar archive must be examined: those that lead to kernel
/// and modules.
pub fn is_looked_at(path: &[u8]) -> bool {
    let starts = ["boot/", "lib/modules/", "usr/lib/modules/"];
    let links: [&[u8]; 3] = [b"lib", b"boot", b"lib/modules"];
    links.contains(&path)
        || starts
            .iter()
            .any(|start| path.starts_with(start.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ondisk::manifest::VolumeGroup;

    #[test]
    fn the_table_follows_from_the_layout() {
        let mut own = layout("va".into(), "1");
        let made = table(&own).unwrap();
        assert_eq!(made, table(&own.clone()).unwrap());
        let read = Backup::parse(&made.encode()).unwrap();
        let kinds = |b: &Backup| {
            b.table()
                .partitions
                .iter()
                .map(|p| p.type_guid)
                .collect::<Vec<_>>()
        };
        assert_eq!(kinds(&read), [Guid::BIOS_BOOT, Guid::LINUX]);
        own.version = "2".into();
        assert_ne!(made, table(&own).unwrap());

        own.volume_groups = vec![VolumeGroup {
            name: "VA".into(),
            partitions: vec![1],
            extent_size: ondisk::manifest::Size::Bytes(4 << 20),
            volumes: Vec::new(),
        }];
        let error = table(&own).unwrap_err().to_string();
        assert!(
            error.contains("[1, 2]") && error.contains("--table"),
            "{error}"
        );
        own.filesystems[0].device = "VA/root".into();
        assert_eq!(kinds(&table(&own).unwrap()), [Guid::LVM, Guid::BIOS_BOOT]);
        own.table.grow_last = false;
        let error = table(&own).unwrap_err().to_string();
        assert!(error.contains("grow_last"), "{error}");
    }
}
