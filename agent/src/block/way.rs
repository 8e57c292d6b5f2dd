// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where on the disk a device lies: down through partitions, linear and striped
//! maps of device-mapper, and nothing else.

use super::sysfs::entries;
use super::{BlockDevice, DevNo, list};
use ondisk::lvm::{BelowError, Target, TargetKind, below};
use ondisk::run::{Run, SECTOR};
use std::collections::BTreeMap;
use std::path::Path;
use sys::FileError;
use sys::dm::{DmError, TableLine};

/// What is no device: an image file, or a map that is not made yet.
const NONE: DevNo = DevNo { major: 0, minor: 0 };

/// The table that is in force of a map, by its name.
pub type Tables<'a> = &'a mut dyn FnMut(&str) -> Result<Vec<TableLine>, DmError>;

/// The way from a device down to one disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    top: DevNo,
    disk: DevNo,
    /// Sectors of the disk.
    sectors: u64,
    /// All devices from the top down, without the disk.
    layers: BTreeMap<DevNo, Layer>,
}

/// Why it is not known where on the disk a device lies.
#[derive(Debug, thiserror::Error)]
pub enum NoWay {
    #[error("it lies on {device}, which is {what}")]
    Layer { device: String, what: String },
    #[error("a part of it lies on {device}, which is not the disk {disk}")]
    OtherDisk { device: String, disk: String },
    #[error("{device} has places that the device below it does not have: {why}")]
    Table { device: String, why: String },
    #[error(transparent)]
    Mapper(#[from] DmError),
    #[error(transparent)]
    File(#[from] FileError),
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

impl Way {
    /// From the device `top` down to `disk`.
    ///
    /// # Errors
    /// [`NoWay`] where anything else lies between, or another disk below.
    pub fn to(sys: &Path, table: Tables<'_>, top: DevNo, disk: DevNo) -> Result<Way, NoWay> {
        walk(list(sys)?, table, top, None, Some(disk))
    }

    /// From the device `top` down to the disk that it lies on.
    ///
    /// # Errors
    /// [`NoWay`] where anything else lies between, or there are several disks.
    pub fn down(sys: &Path, table: Tables<'_>, top: DevNo) -> Result<Way, NoWay> {
        walk(list(sys)?, table, top, None, None)
    }

    /// The same of the map that a table would make, with its name.
    ///
    /// # Errors
    /// As [`Way::down`].
    pub fn of_map(
        sys: &Path,
        table: Tables<'_>,
        name: &str,
        targets: &[Target],
    ) -> Result<Way, NoWay> {
        let kind = mapped(name, targets.to_vec())?;
        let name = name.into();
        walk(list(sys)?, table, NONE, Some(Layer { name, kind }), None)
    }

    /// A file of that many bytes in place of a disk.
    pub fn of_file(bytes: u64) -> Way {
        Way {
            top: NONE,
            disk: NONE,
            sectors: bytes.div_ceil(SECTOR),
            layers: BTreeMap::new(),
        }
    }

    /// The number of the device that it begins at.
    pub fn top(&self) -> DevNo {
        self.top
    }

    /// Where sectors of the device lie on the disk, in their order.
    ///
    /// # Errors
    /// [`NoWay::Table`] where a device ends before its map does.
    pub fn on_disk(&self, run: Run) -> Result<Vec<Run>, NoWay> {
        let mut found = Vec::new();
        self.descend(self.top, run, self.layers.len(), &mut found)?;
        Ok(found)
    }

    /// `depth` is how many layers may still follow.
    fn descend(
        &self,
        dev: DevNo,
        run: Run,
        depth: usize,
        found: &mut Vec<Run>,
    ) -> Result<(), NoWay> {
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
            return Err(bad(&layer.name, ON_ITSELF));
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

const ON_ITSELF: &str = "it lies on itself";

fn bad(device: &str, why: &str) -> NoWay {
    NoWay::Table {
        device: device.into(),
        why: why.into(),
    }
}

/// Goes from `top` down. `first` is its layer where it is no device yet; without
/// a `disk` it is the one that is found.
fn walk(
    devices: Vec<BlockDevice>,
    table: Tables<'_>,
    top: DevNo,
    first: Option<Layer>,
    mut disk: Option<DevNo>,
) -> Result<Way, NoWay> {
    let find = |dev: DevNo| {
        let found = devices.iter().find(|device| device.dev == dev);
        found.ok_or_else(|| NoWay::Layer {
            device: dev.to_string(),
            what: "no block device of this machine (a network or memory file system?)".into(),
        })
    };
    if let Some(disk) = disk {
        find(disk)?;
    }
    let mut todo = first.as_ref().map_or(vec![top], |layer| layer.kind.below());
    let mut layers = BTreeMap::new();
    layers.extend(first.map(|layer| (top, layer)));
    while let Some(dev) = todo.pop() {
        if Some(dev) == disk || layers.contains_key(&dev) {
            continue;
        }
        let device = find(dev)?;
        let Some(kind) = layer(device, &devices, table)? else {
            // What the kernel makes of other devices is none.
            if disk.is_none() && entries(&device.sysfs.join("slaves"))?.is_empty() {
                disk = Some(dev);
                continue;
            }
            let disk = disk.and_then(|disk| find(disk).ok());
            return Err(stranger(device, disk));
        };
        todo.extend(kind.below());
        let name = name(device).into();
        layers.insert(dev, Layer { name, kind });
    }
    let disk = disk.ok_or_else(|| bad(&top.to_string(), ON_ITSELF))?;
    Ok(Way {
        top,
        disk,
        sectors: find(disk)?.bytes / SECTOR,
        layers,
    })
}

fn name(device: &BlockDevice) -> &str {
    device.dm_name.as_deref().unwrap_or(&device.name)
}

/// What one device is; `None` of what is neither a partition nor a map.
fn layer(
    device: &BlockDevice,
    devices: &[BlockDevice],
    table: Tables<'_>,
) -> Result<Option<LayerKind>, NoWay> {
    let name = name(device);
    if let Some(partition) = device.partition {
        let parent = devices
            .iter()
            .find(|d| device.parent.as_ref() == Some(&d.name));
        let parent = parent.ok_or_else(|| bad(name, "its disk is gone"))?;
        return Ok(Some(LayerKind::Partition {
            of: parent.dev,
            place: Run {
                lba: partition.start / SECTOR,
                // Of an extended partition sysfs has 2 sectors.
                sectors: partition.length / SECTOR,
            },
        }));
    }
    let Some(map) = &device.dm_name else {
        return Ok(None);
    };
    let target = |line: &TableLine| {
        let kind = TargetKind::parse(&line.kind, &line.params);
        let kind = kind.map_err(|error| match error {
            BelowError::Kind { kind } => other(name, &kind),
            error => NoWay::Layer {
                device: name.into(),
                what: format!("a map that cannot be followed ({error})"),
            },
        })?;
        Ok(Target {
            start: line.start,
            length: line.length,
            kind,
        })
    };
    let targets: Result<Vec<_>, NoWay> = table(map)?.iter().map(target).collect();
    mapped(name, targets?).map(Some)
}

/// A map of this name, if all of it lies somewhere.
fn mapped(name: &str, targets: Vec<Target>) -> Result<LayerKind, NoWay> {
    let nowhere = targets.iter().find(|target| legs(target).is_empty());
    if let Some(target) = nowhere {
        return Err(other(name, target.type_name()));
    }
    match targets.is_empty() {
        true => Err(NoWay::Layer {
            device: name.into(),
            what: "a device-mapper map without a table".into(),
        }),
        false => Ok(LayerKind::Mapped(targets)),
    }
}

fn other(name: &str, kind: &str) -> NoWay {
    NoWay::Layer {
        device: name.into(),
        what: format!("a device-mapper target of type {kind}, neither linear nor striped"),
    }
}

/// What is neither a partition, nor a map, nor the disk.
fn stranger(device: &BlockDevice, disk: Option<&BlockDevice>) -> NoWay {
    if let (false, Some(disk)) = (device.is_virtual(), disk) {
        return NoWay::OtherDisk {
            device: device.name.clone(),
            disk: disk.name.clone(),
        };
    }
    // Documentation/admin-guide/devices.txt
    let what = match device.dev.major {
        7 => "a loop device",
        9 => "software RAID",
        _ => "a device made by software",
    };
    NoWay::Layer {
        device: device.name.clone(),
        what: what.into(),
    }
}

impl LayerKind {
    /// The devices that it lies on.
    fn below(&self) -> Vec<DevNo> {
        match self {
            LayerKind::Partition { of, .. } => vec![*of],
            LayerKind::Mapped(targets) => targets.iter().flat_map(legs).collect(),
        }
    }
}

fn legs(target: &Target) -> Vec<DevNo> {
    match &target.kind {
        TargetKind::Linear(dev, _) => vec![*dev],
        TargetKind::Striped { legs, .. } => legs.iter().map(|leg| leg.0).collect(),
        TargetKind::Zero | TargetKind::Error => Vec::new(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::block;

    /// sda with a primary and a logical partition, sdb, and maps.
    fn sysfs() -> tempfile::TempDir {
        let disk = "pci0000:00/host0/block";
        let at = |path: &str| format!("{disk}/{path}");
        let files = [
            (at("sda/dev"), "8:0\n"),
            (at("sda/size"), "131072\n"),
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

    /// The table of vg-root; `upper` lies on it.
    fn table(root: &[&str]) -> impl FnMut(&str) -> Result<Vec<TableLine>, DmError> {
        let lines: Vec<TableLine> = root.iter().map(|text| line(text)).collect();
        move |name| {
            Ok(match name {
                "vg-root" => lines.clone(),
                _ => vec![line("0 100 linear 253:0 40")],
            })
        }
    }

    fn follow(top: &str, root: &[&str]) -> Result<Way, String> {
        let (sys, disk) = (sysfs(), DevNo { major: 8, minor: 0 });
        let way = Way::to(sys.path(), &mut table(root), top.parse().unwrap(), disk);
        way.map_err(|e| e.to_string())
    }

    /// Down to whatever disk of the sample that is.
    pub(crate) fn down(top: &str, root: &[&str]) -> Result<Way, NoWay> {
        Way::down(sysfs().path(), &mut table(root), top.parse().unwrap())
    }

    fn on_disk(way: &Way, lba: u64, sectors: u64) -> Result<Vec<(u64, u64)>, String> {
        let found = way
            .on_disk(Run { lba, sectors })
            .map_err(|e| e.to_string())?;
        Ok(found.iter().map(|run| (run.lba, run.sectors)).collect())
    }

    #[test]
    fn partitions_and_disks() {
        let on = |top, lba, sectors| on_disk(&follow(top, &[]).unwrap(), lba, sectors);
        assert_eq!(on("8:0", 7, 9), Ok(vec![(7, 9)]));
        assert_eq!(on("8:1", 8, 16), Ok(vec![(2056, 16)]));
        // A logical partition has its place on the disk in sysfs, too.
        assert_eq!(on("8:5", 8, 16), Ok(vec![(20_071, 16)]));
        assert!(on("8:1", 9999, 2).unwrap_err().contains("beyond its end"));
        assert!(on("8:0", 131_071, 2).unwrap_err().contains("the disk"));
        assert!(on("8:0", u64::MAX, 2).is_err());
    }

    #[test]
    fn maps_on_maps_on_partitions() {
        let root = ["0 64 linear 8:1 384", "64 128 striped 2 16 8:5 1 8:1 1000"];
        let way = follow("253:1", &root).unwrap();
        // Sectors 10..46 of upper are 50..86 of the root.
        assert_eq!(
            on_disk(&way, 10, 36),
            Ok(vec![(2048 + 384 + 50, 14), (20_064, 16), (3048, 6),])
        );
        assert!(on_disk(&way, 99, 2).unwrap_err().contains("upper"));
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
        let way = follow("253:1", &["0 900 linear 253:1 0"]).unwrap();
        assert!(on_disk(&way, 0, 1).unwrap_err().contains("lies on itself"));
    }

    #[test]
    fn without_a_disk_it_is_the_one_that_is_found() {
        for (top, root) in [("8:0", ""), ("8:5", ""), ("253:1", "0 900 linear 8:1 0")] {
            let root: Vec<&str> = [root].into_iter().filter(|t| !t.is_empty()).collect();
            assert_eq!(down(top, &root).unwrap(), follow(top, &root).unwrap());
        }
        let error = |top, root: &[&str]| down(top, root).unwrap_err().to_string();
        let two = error("253:0", &["0 8 linear 8:1 0", "8 8 linear 8:16 0"]);
        assert!(two.starts_with("a part of it lies on sd"), "{two}");
        let round = error("253:1", &["0 900 linear 253:1 0"]);
        assert!(round.contains("lies on itself"), "{round}");
        // A loop device has no device below it, a RAID has.
        assert_eq!(on_disk(&down("7:3", &[]).unwrap(), 9, 1), Ok(vec![(9, 1)]));
        let sys = sysfs();
        let slaves = sys.path().join("devices/virtual/block/md0/slaves/sda1");
        std::fs::create_dir_all(slaves).unwrap();
        let dev = DevNo { major: 9, minor: 0 };
        let raid = Way::down(sys.path(), &mut table(&[]), dev).unwrap_err();
        assert_eq!(raid.to_string(), "it lies on md0, which is software RAID");
    }

    #[test]
    fn a_map_before_it_is_made_lies_where_it_will() {
        let of = |lines: &[&str]| {
            let targets: Vec<_> = lines.iter().map(|text| line(text)).collect();
            let targets: Vec<_> = targets
                .iter()
                .map(|line| Target {
                    start: line.start,
                    length: line.length,
                    kind: TargetKind::parse(&line.kind, &line.params).unwrap(),
                })
                .collect();
            let root = &mut table(&["0 64 linear 8:1 384"]);
            Way::of_map(sysfs().path(), root, "vg-new", &targets).map_err(|e| e.to_string())
        };
        let way = of(&["0 8 linear 8:5 16", "8 8 linear 253:0 4"]).unwrap();
        assert_eq!(
            on_disk(&way, 4, 8),
            Ok(vec![(20_063 + 20, 4), (2048 + 388, 4)])
        );
        assert!(on_disk(&way, 15, 2).unwrap_err().contains("vg-new has"));
        for (lines, words) in [
            (&["0 8 linear 8:1 0", "8 8 zero "][..], "vg-new, which is"),
            (&[], "vg-new, which is a device-mapper map without"),
            (&["0 8 linear 8:1 0", "8 8 linear 8:16 0"], "not the disk"),
            (&["0 8 linear 8:9 0"], "8:9, which is no block device"),
        ] {
            let error = of(lines).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_file_is_its_own_disk() {
        let way = Way::of_file(1025);
        assert_eq!(on_disk(&way, 1, 2), Ok(vec![(1, 2)]));
        assert!(on_disk(&way, 2, 2).unwrap_err().contains("beyond"));
    }
}
