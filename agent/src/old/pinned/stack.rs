// SPDX-License-Identifier: MIT OR Apache-2.0
//! What lies between a file system and the disk: partitions, linear and striped
//! maps of device-mapper, and nothing else.

use super::extents::Piece;
use super::{Error, Obstacle};
use crate::block::{self, BlockDevice, DevNo};
use ondisk::lifeboat::{Run, SECTOR};
use ondisk::lvm::{BelowError, Target, TargetKind, below};
use std::collections::BTreeMap;
use std::path::Path;
use sys::dm::{DmError, TableLine};

/// The way from a device down to one disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    top: DevNo,
    disk: DevNo,
    /// Sectors of the disk.
    sectors: u64,
    /// All devices from the top down, without the disk.
    layers: BTreeMap<DevNo, Layer>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Layer {
    /// For messages.
    name: String,
    kind: LayerKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum LayerKind {
    Partition { of: DevNo, place: Run },
    Mapped(Vec<Target>),
}

impl Stack {
    /// Follows the device `top` down to `disk`. `table` gives the table that is
    /// in force of a map, by its name.
    ///
    /// # Errors
    /// [`Obstacle`] where anything else lies between, or another disk below.
    pub fn follow(
        sys: &Path,
        table: &mut dyn FnMut(&str) -> Result<Vec<TableLine>, DmError>,
        top: DevNo,
        disk: DevNo,
    ) -> Result<Stack, Error> {
        let devices = block::list(sys)?;
        let find = |dev: DevNo| {
            let found = devices.iter().find(|device| device.dev == dev);
            found.ok_or_else(|| Obstacle::Layer {
                device: dev.to_string(),
                what: "no block device of this machine (a network or memory file system?)".into(),
            })
        };
        let base = find(disk)?;
        let mut layers = BTreeMap::new();
        let mut todo = vec![top];
        while let Some(dev) = todo.pop() {
            if dev == disk || layers.contains_key(&dev) {
                continue;
            }
            let device = find(dev)?;
            let kind = layer(device, base, &devices, table)?;
            match &kind {
                LayerKind::Partition { of, .. } => todo.push(*of),
                LayerKind::Mapped(targets) => todo.extend(targets.iter().flat_map(legs)),
            }
            let name = device.dm_name.clone();
            let name = name.unwrap_or_else(|| device.name.clone());
            layers.insert(dev, Layer { name, kind });
        }
        Ok(Stack {
            top,
            disk,
            sectors: base.bytes / SECTOR,
            layers,
        })
    }

    /// The number of the device that the file system is on.
    pub(super) fn top(&self) -> DevNo {
        self.top
    }

    /// Pieces of a file on the file system's device as pieces on the disk.
    ///
    /// # Errors
    /// [`Obstacle::Table`] where a device ends before its map does.
    pub fn on_disk(&self, pieces: &[Piece]) -> Result<Vec<Piece>, Obstacle> {
        let mut found = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let mut offset = piece.offset;
            let mut runs = Vec::new();
            self.descend(self.top, piece.run, self.layers.len(), &mut runs)?;
            for run in runs {
                let piece = Piece { offset, run };
                offset = piece.end();
                found.push(piece);
            }
        }
        Ok(found)
    }

    /// `depth` is how many layers may still follow.
    fn descend(
        &self,
        dev: DevNo,
        run: Run,
        depth: usize,
        found: &mut Vec<Run>,
    ) -> Result<(), Obstacle> {
        let fits = |sectors: u64| run.end().is_some_and(|end| end <= sectors);
        if dev == self.disk {
            if !fits(self.sectors) {
                return Err(bad("the disk", "it is beyond the disk's end"));
            }
            found.push(run);
            return Ok(());
        }
        let Some(layer) = self.layers.get(&dev) else {
            return Err(bad(&dev.to_string(), "nothing is known of it"));
        };
        let Some(depth) = depth.checked_sub(1) else {
            return Err(bad(&layer.name, "it lies on itself"));
        };
        match &layer.kind {
            LayerKind::Partition { of, place } => {
                let lba = place
                    .lba
                    .checked_add(run.lba)
                    .filter(|_| fits(place.sectors));
                let lba = lba.ok_or_else(|| bad(&layer.name, "it is beyond its end"))?;
                let sectors = run.sectors;
                self.descend(*of, Run { lba, sectors }, depth, found)
            }
            LayerKind::Mapped(targets) => {
                let pieces = below(targets, run);
                let pieces = pieces.map_err(|e| bad(&layer.name, &e.to_string()))?;
                pieces
                    .into_iter()
                    .try_for_each(|(dev, run)| self.descend(dev, run, depth, found))
            }
        }
    }
}

fn bad(device: &str, why: &str) -> Obstacle {
    Obstacle::Table {
        device: device.into(),
        why: why.into(),
    }
}

/// What one device is.
fn layer(
    device: &BlockDevice,
    disk: &BlockDevice,
    devices: &[BlockDevice],
    table: &mut dyn FnMut(&str) -> Result<Vec<TableLine>, DmError>,
) -> Result<LayerKind, Error> {
    let name = device.dm_name.as_deref().unwrap_or(&device.name);
    if let Some(partition) = device.partition {
        let parent = devices
            .iter()
            .find(|d| device.parent.as_ref() == Some(&d.name));
        let parent = parent.ok_or_else(|| bad(name, "its disk is gone"))?;
        return Ok(LayerKind::Partition {
            of: parent.dev,
            place: Run {
                lba: partition.start / SECTOR,
                // Of an extended partition sysfs has 2 sectors.
                sectors: partition.length / SECTOR,
            },
        });
    }
    let what = |what: &str| Obstacle::Layer {
        device: name.into(),
        what: what.into(),
    };
    let other = |kind: &str| {
        let kind = format!("a device-mapper target of type {kind}, neither linear nor striped");
        what(&kind)
    };
    if let Some(map) = &device.dm_name {
        let lines = table(map)?;
        let targets = lines.iter().map(|line| {
            let kind = TargetKind::parse(&line.kind, &line.params);
            let kind = kind.map_err(|error| match error {
                BelowError::Kind { kind } => other(&kind),
                error => what(&format!("a map that cannot be followed ({error})")),
            })?;
            Ok(Target {
                start: line.start,
                length: line.length,
                kind,
            })
        });
        let targets = targets.collect::<Result<Vec<_>, Obstacle>>()?;
        let nowhere = targets.iter().find(|target| legs(target).is_empty());
        if let Some(target) = nowhere {
            return Err(other(target.type_name()).into());
        }
        return match targets.is_empty() {
            true => Err(what("a device-mapper map without a table").into()),
            false => Ok(LayerKind::Mapped(targets)),
        };
    }
    if !device.is_virtual() {
        return Err(Error::Obstacle(Obstacle::OtherDisk {
            device: device.name.clone(),
            disk: disk.name.clone(),
        }));
    }
    // Documentation/admin-guide/devices.txt
    let kind = match device.dev.major {
        7 => "a loop device",
        9 => "software RAID",
        _ => "a device made by software",
    };
    Err(what(kind).into())
}

fn legs(target: &Target) -> Vec<DevNo> {
    match &target.kind {
        TargetKind::Linear(dev, _) => vec![*dev],
        TargetKind::Striped { legs, .. } => legs.iter().map(|leg| leg.0).collect(),
        TargetKind::Zero | TargetKind::Error => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// sda with a primary and a logical partition, sdb, and maps.
    fn sysfs() -> tempfile::TempDir {
        let disk = "pci0000:00/host0/block";
        let at = |path: &str| format!("{disk}/{path}");
        let files = [
            (at("sda/dev"), "8:0\n"),
            (at("sda/size"), "100000\n"),
            (at("sda/sda1/dev"), "8:1\n"),
            (at("sda/sda1/partition"), "1\n"),
            (at("sda/sda1/start"), "2048\n"),
            (at("sda/sda1/size"), "10000\n"),
            (at("sda/sda5/dev"), "8:5\n"),
            (at("sda/sda5/partition"), "5\n"),
            (at("sda/sda5/start"), "20063\n"),
            (at("sda/sda5/size"), "10000\n"),
            (at("sdb/dev"), "8:16\n"),
            (at("sdb/size"), "100000\n"),
            ("virtual/block/dm-0/dev".into(), "253:0\n"),
            ("virtual/block/dm-0/size".into(), "16000\n"),
            ("virtual/block/dm-0/dm/name".into(), "vg-root\n"),
            ("virtual/block/dm-1/dev".into(), "253:1\n"),
            ("virtual/block/dm-1/size".into(), "100\n"),
            ("virtual/block/dm-1/dm/name".into(), "upper\n"),
            ("virtual/block/md0/dev".into(), "9:0\n"),
            ("virtual/block/md0/size".into(), "100\n"),
            ("virtual/block/loop3/dev".into(), "7:3\n"),
            ("virtual/block/loop3/size".into(), "100\n"),
        ];
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (path.as_str(), *text))
            .collect();
        block::tests::sysfs(&files)
    }

    fn line(text: &str) -> TableLine {
        let words: Vec<&str> = text.splitn(4, ' ').collect();
        TableLine {
            start: words[0].parse().unwrap(),
            length: words[1].parse().unwrap(),
            kind: words[2].into(),
            params: words[3].into(),
        }
    }

    fn follow(top: &str, root: &[&str]) -> Result<Stack, String> {
        let sys = sysfs();
        let disk = DevNo { major: 8, minor: 0 };
        let mut table = |name: &str| {
            let lines: Vec<TableLine> = root.iter().map(|text| line(text)).collect();
            Ok(match name {
                "vg-root" => lines,
                _ => vec![line("0 100 linear 253:0 40")],
            })
        };
        Stack::follow(sys.path(), &mut table, top.parse().unwrap(), disk).map_err(|e| e.to_string())
    }

    fn on_disk(stack: &Stack, lba: u64, sectors: u64) -> Result<Vec<(u64, u64, u64)>, String> {
        let piece = Piece {
            offset: 4096,
            run: Run { lba, sectors },
        };
        let found = stack.on_disk(&[piece]).map_err(|e| e.to_string())?;
        Ok(found
            .iter()
            .map(|p| (p.offset, p.run.lba, p.run.sectors))
            .collect())
    }

    #[test]
    fn partitions_and_disks() {
        let on = |top, lba, sectors| on_disk(&follow(top, &[]).unwrap(), lba, sectors);
        assert_eq!(on("8:0", 7, 9), Ok(vec![(4096, 7, 9)]));
        assert_eq!(on("8:1", 8, 16), Ok(vec![(4096, 2056, 16)]));
        // A logical partition has its place on the disk in sysfs, too.
        assert_eq!(on("8:5", 8, 16), Ok(vec![(4096, 20_071, 16)]));
        assert!(on("8:1", 9999, 2).unwrap_err().contains("beyond its end"));
        assert!(on("8:0", 99_999, 2).unwrap_err().contains("the disk"));
        assert!(on("8:0", u64::MAX, 2).is_err());
    }

    #[test]
    fn maps_on_maps_on_partitions() {
        let root = ["0 64 linear 8:1 384", "64 128 striped 2 16 8:5 1 8:1 1000"];
        let stack = follow("253:1", &root).unwrap();
        // Sectors 10..46 of upper are 50..86 of the root.
        assert_eq!(
            on_disk(&stack, 10, 36),
            Ok(vec![
                (4096, 2048 + 384 + 50, 14),
                (4096 + 14 * 512, 20_064, 16),
                (4096 + 30 * 512, 3048, 6),
            ])
        );
        assert!(on_disk(&stack, 99, 2).unwrap_err().contains("upper"));
    }

    #[test]
    fn what_cannot_be_followed_is_named() {
        for (top, root, words) in [
            (
                "253:0",
                "0 8 crypt x",
                "vg-root, which is a device-mapper target of type crypt",
            ),
            ("253:0", "0 8 thin 253:4 1", "of type thin"),
            (
                "253:0",
                "0 8 snapshot-origin 8:1",
                "of type snapshot-origin",
            ),
            ("253:0", "0 8 zero ", "of type zero"),
            ("253:0", "0 8 linear 8:1", "cannot be read"),
            (
                "253:0",
                "0 8 linear 8:16 0",
                "lies on sdb, which is not the disk sda",
            ),
            ("8:16", "", "lies on sdb"),
            ("253:0", "0 8 linear 9:0 0", "md0, which is software RAID"),
            ("7:3", "", "loop3, which is a loop device"),
            ("0:44", "", "0:44, which is no block device"),
            (
                "253:0",
                "0 8 linear 253:9 0",
                "253:9, which is no block device",
            ),
        ] {
            let root: Vec<&str> = [root].into_iter().filter(|t| !t.is_empty()).collect();
            let error = follow(top, &root).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        let error = follow("253:0", &[]).unwrap_err();
        assert!(
            error.contains("vg-root, which is a device-mapper map without"),
            "{error}"
        );
        // A map on itself, which the kernel has not, ends.
        let stack = follow("253:1", &["0 900 linear 253:1 0"]).unwrap();
        assert!(
            on_disk(&stack, 0, 1)
                .unwrap_err()
                .contains("lies on itself")
        );
    }
}
