// SPDX-License-Identifier: MIT OR Apache-2.0
//! Formats block devices for a person: for `survey` and the console's `disks`.

use crate::block::BlockDevice;
use crate::locate;
use crate::report::bytes;

/// A line for each device that has a size: disks with their partitions below
/// them, then what the device-mapper and others have made.
pub(super) fn lines(blocks: &[BlockDevice]) -> Vec<String> {
    let whole = blocks.iter().filter(|b| b.parent.is_none() && b.bytes > 0);
    let (made, disks): (Vec<_>, Vec<_>) = whole.partition(|b| b.is_virtual());
    let parts = |disk: &BlockDevice| {
        let mut parts: Vec<_> = blocks
            .iter()
            .filter(|b| b.parent.as_ref() == Some(&disk.name))
            .collect();
        parts.sort_by_key(|b| b.partition.map(|p| p.start));
        parts
    };
    let all = disks.into_iter().chain(made);
    let all = all.flat_map(|disk| std::iter::once(disk).chain(parts(disk)));
    all.map(line).collect()
}

fn line(block: &BlockDevice) -> String {
    let indent = if block.parent.is_some() { "  " } else { "" };
    let name = format!("{indent}{}", block.name);
    let mode = if block.read_only { " read-only" } else { "" };
    let content = locate::identify(&block.path());
    let content = content.map(|c| format!("{} {} {}", c.kind, c.uuid, c.label));
    // sysfs gives a partition its disk's model and serial number; they are shown
    // once.
    let own = |word: &Option<String>| word.clone().filter(|_| block.parent.is_none());
    let words = [
        block.dm_name.clone(),
        own(&block.model),
        own(&block.serial),
        content,
    ];
    let words: Vec<String> = words.into_iter().flatten().collect();
    let text = format!(
        "{name:<14} {:>9}{mode}  {}",
        bytes(block.bytes),
        words.join("  ")
    );
    text.trim_end().to_string()
}

/// The reasons why each disk is not the right one, for the end of a message.
pub(super) fn why_none(others: &[String]) -> String {
    match others {
        [] => "there is no disk".into(),
        others => others.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Partition;
    use crate::block::tests::sample;

    #[test]
    fn partitions_are_below_their_disk_in_its_order() {
        let part = |name: &str, start| BlockDevice {
            parent: Some("vda".into()),
            partition: Some(Partition {
                number: 1,
                start,
                length: 1 << 20,
            }),
            bytes: 1 << 20,
            serial: Some("S1".into()),
            ..sample(name)
        };
        let blocks = [
            BlockDevice {
                sysfs: "/sys/devices/virtual/block/dm-0".into(),
                dm_name: Some("vg-root".into()),
                bytes: 4096,
                read_only: true,
                ..sample("dm-0")
            },
            BlockDevice {
                bytes: 0,
                ..sample("loop0")
            },
            BlockDevice {
                model: Some("QEMU".into()),
                serial: Some("S1".into()),
                bytes: 8 << 30,
                ..sample("vda")
            },
            part("vda2", 4096),
            part("vda10", 2048),
        ];
        assert_eq!(
            lines(&blocks),
            [
                "vda              8.0 GiB  QEMU  S1",
                "  vda10          1.0 MiB",
                "  vda2           1.0 MiB",
                "dm-0             4.0 KiB read-only  vg-root",
            ]
        );
    }
}
