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

/// The number of what has none: an image file, or a map that does not exist yet.
const NONE: DevNo = DevNo { major: 0, minor: 0 };

/// Returns the active table of the map with this name.
pub type Tables<'a> = &'a mut dyn FnMut(&str) -> Result<Vec<TableLine>, DmError>;

/// The way from a device down to one disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    top: DevNo,
    disk: DevNo,
    /// Sectors of the disk.
    sectors: u64,
    /// All devices from the top down, without the disk.
    layers: BTreeMap<DevNo, Layer>,
}

/// Why it is not known where on the disk a device lies.
#[derive(Debug, thiserror::Error)]
pub enum NoMapping {
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

impl Mapping {
    /// From the device `top` down to `disk`.
    ///
    /// # Errors
    /// [`NoMapping`] where anything else lies between, or another disk below.
    pub fn to(
        sys: &Path,
        table: Tables<'_>,
        top: DevNo,
        disk: DevNo,
    ) -> Result<Mapping, NoMapping> {
        walk(list(sys)?, table, top, None, Some(disk))
    }

    /// From the device `top` down to the disk that it lies on.
    ///
    /// # Errors
    /// [`NoMapping`] where anything else lies between, or there are several disks.
    pub fn down(sys: &Path, table: Tables<'_>, top: DevNo) -> Result<Mapping, NoMapping> {
        walk(list(sys)?, table, top, None, None)
    }

    /// The same of the map that a table would make, with its name.
    ///
    /// # Errors
    /// As [`Mapping::down`].
    pub fn of_map(
        sys: &Path,
        table: Tables<'_>,
        name: &str,
        targets: &[Target],
    ) -> Result<Mapping, NoMapping> {
        let kind = mapped(name, targets.to_vec())?;
        let name = name.into();
        walk(list(sys)?, table, NONE, Some(Layer { name, kind }), None)
    }

    /// A file of that many bytes in place of a disk.
    pub fn of_file(bytes: u64) -> Mapping {
        Mapping {
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
    /// [`NoMapping::Table`] where a device ends before its map does.
    pub fn on_disk(&self, run: Run) -> Result<Vec<Run>, NoMapping> {
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
    ) -> Result<(), NoMapping> {
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

fn bad(device: &str, why: &str) -> NoMapping {
    NoMapping::Table {
        device: device.into(),
        why: why.into(),
    }
}

/// Walks down from `top`. `first` is the layer of `top` where that is a map that
/// does not exist yet. Without `disk` the walk ends at the first disk that it
/// finds.
fn walk(
    devices: Vec<BlockDevice>,
    table: Tables<'_>,
    top: DevNo,
    first: Option<Layer>,
    mut disk: Option<DevNo>,
) -> Result<Mapping, NoMapping> {
    let find = |dev: DevNo| {
        let found = devices.iter().find(|device| device.dev == dev);
        found.ok_or_else(|| NoMapping::Layer {
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
            // A device that the kernel builds from others (md, bcache) is not a
            // disk.
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
    Ok(Mapping {
        top,
        disk,
        sectors: find(disk)?.bytes / SECTOR,
        layers,
    })
}

fn name(device: &BlockDevice) -> &str {
    device.dm_name.as_deref().unwrap_or(&device.name)
}

/// The layer that a device makes; `None` if it is neither a partition nor a map.
fn layer(
    device: &BlockDevice,
    devices: &[BlockDevice],
    table: Tables<'_>,
) -> Result<Option<LayerKind>, NoMapping> {
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
                // sysfs shows an extended partition as 2 sectors long.
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
            error => NoMapping::Layer {
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
    let targets: Result<Vec<_>, NoMapping> = table(map)?.iter().map(target).collect();
    mapped(name, targets?).map(Some)
}

/// The layer of a map, if each of its targets lies on some device.
fn mapped(name: &str, targets: Vec<Target>) -> Result<LayerKind, NoMapping> {
    let nowhere = targets.iter().find(|target| legs(target).is_empty());
    if let Some(target) = nowhere {
        return Err(other(name, target.type_name()));
    }
    match targets.is_empty() {
        true => Err(NoMapping::Layer {
            device: name.into(),
            what: "a device-mapper map without a table".into(),
        }),
        false => Ok(LayerKind::Mapped(targets)),
    }
}

fn other(name: &str, kind: &str) -> NoMapping {
    NoMapping::Layer {
        device: name.into(),
        what: format!("a device-mapper target of type {kind}, neither linear nor striped"),
    }
}

/// The error for a device that is neither a partition, nor a map, nor the disk.
fn stranger(device: &BlockDevice, disk: Option<&BlockDevice>) -> NoMapping {
    if let (false, Some(disk)) = (device.is_virtual(), disk) {
        return NoMapping::OtherDisk {
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
    NoMapping::Layer {
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
pub(crate) mod tests;
