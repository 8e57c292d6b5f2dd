// SPDX-License-Identifier: MIT OR Apache-2.0
//! What of the disk must stay as it is, seen from each device on it.

use std::{collections::BTreeMap, ops::Range, path::Path};

use ondisk::lifeboat::{Protected, Run, SECTOR};
use ondisk::lvm::{BelowError, Target, TargetKind, below};
use sys::dm::Control;

use super::{Disk, Error};
use crate::block::{BlockDevice, DevNo, SYS, by_number};

/// The protected ranges of a disk, and where on the disk a device lies.
#[derive(Debug, Clone)]
pub struct Guard {
    protected: Protected,
    place: Place,
}

/// Where on the disk a device lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// From this byte on: the disk itself, or a partition.
    From(u64),
    /// As this table says; with the first byte of each device that it names.
    Mapped(Vec<Target>, BTreeMap<DevNo, u64>),
}

impl Place {
    /// Where this device lies.
    ///
    /// # Errors
    /// What the kernel says of it; [`Error::Unmapped`] where it does more than
    /// to say where sectors lie.
    fn of(device: &BlockDevice) -> Result<Place, Error> {
        let Some(name) = &device.dm_name else {
            return Ok(Place::From(device.partition.map_or(0, |p| p.start)));
        };
        let unmapped = |why: String| Error::Unmapped {
            path: device.path(),
            why,
        };
        let table = Control::open().and_then(|control| control.table(name));
        let table = table.map_err(|error| unmapped(error.to_string()))?;
        let target = |line: &sys::dm::TableLine| {
            Ok(Target {
                start: line.start,
                length: line.length,
                kind: TargetKind::parse(&line.kind, &line.params)?,
            })
        };
        let targets: Result<Vec<_>, BelowError> = table.iter().map(target).collect();
        Place::mapped(targets.map_err(|error| unmapped(error.to_string()))?)
    }

    /// Where the device of a table lies, before it is made or afterwards. What
    /// stands on another map is not understood.
    ///
    /// # Errors
    /// What the kernel says of a device below it.
    pub fn mapped(targets: Vec<Target>) -> Result<Place, Error> {
        let mut starts = BTreeMap::new();
        for target in &targets {
            let legs = match &target.kind {
                TargetKind::Linear(dev, _) => vec![*dev],
                TargetKind::Striped { legs, .. } => legs.iter().map(|leg| leg.0).collect(),
                TargetKind::Zero | TargetKind::Error => Vec::new(),
            };
            for dev in legs {
                let device = by_number(Path::new(SYS), dev)?;
                if device.dm_name.is_none() {
                    starts.insert(dev, device.partition.map_or(0, |p| p.start));
                }
            }
        }
        Ok(Place::Mapped(targets, starts))
    }

    /// The bytes of the disk under bytes of the device.
    fn on_disk(&self, bytes: &Range<u64>) -> Result<Vec<Range<u64>>, String> {
        const BEYOND: &str = "it leads beyond what any disk has";
        let shifted = |start: u64, bytes: &Range<u64>| -> Result<Range<u64>, &str> {
            let first = start.checked_add(bytes.start).ok_or(BEYOND)?;
            Ok(first..start.checked_add(bytes.end).ok_or(BEYOND)?)
        };
        let (targets, starts) = match self {
            Place::From(start) => return Ok(vec![shifted(*start, bytes)?]),
            Place::Mapped(targets, starts) => (targets, starts),
        };
        let lba = bytes.start / SECTOR;
        let sectors = Run {
            lba,
            sectors: bytes.end.div_ceil(SECTOR).saturating_sub(lba),
        };
        let runs = below(targets, sectors).map_err(|error| error.to_string())?;
        let place = |(dev, run): (DevNo, Run)| {
            let start = starts.get(&dev);
            let start = start.ok_or_else(|| format!("it lies on {dev}, which is no partition"))?;
            Ok(shifted(*start, &run.bytes().ok_or(BEYOND)?)?)
        };
        runs.into_iter().map(place).collect()
    }
}

impl Guard {
    /// The guard of a device that lies there.
    pub fn new(protected: &Protected, place: Place) -> Guard {
        Guard {
            protected: protected.clone(),
            place,
        }
    }

    /// Refuses what would change something protected: `what` on the device at
    /// `path`, in these bytes of it.
    ///
    /// # Errors
    /// [`Error::Protected`] names the place on the disk; [`Error::Unmapped`].
    pub fn check(&self, path: &Path, what: &str, bytes: &Range<u64>) -> Result<(), Error> {
        if bytes.is_empty() || self.protected.ranges().is_empty() {
            return Ok(());
        }
        let places = self.place.on_disk(bytes).map_err(|why| Error::Unmapped {
            path: path.into(),
            why,
        })?;
        for place in places {
            if let Some(range) = self.protected.overlap(&place) {
                return Err(Error::Protected {
                    path: path.into(),
                    what: what.into(),
                    lba: place.start.max(range.start) / SECTOR,
                    range,
                });
            }
        }
        Ok(())
    }
}

/// Refuses a table of device-mapper that would make protected bytes writable.
/// `name` is the device that it is for.
///
/// # Errors
/// As [`Guard::check`].
pub fn check_table(protected: &Protected, name: &str, targets: &[Target]) -> Result<(), Error> {
    if protected.ranges().is_empty() {
        return Ok(());
    }
    let sectors = targets
        .iter()
        .map(|target| target.start.saturating_add(target.length))
        .max();
    let bytes = 0..sectors.unwrap_or(0).saturating_mul(SECTOR);
    let path = Path::new("/dev/mapper").join(name);
    let guard = Guard::new(protected, Place::mapped(targets.to_vec())?);
    guard.check(&path, "the mapped device", &bytes)
}

impl Disk {
    /// Refuses from now on each write to what is protected on the whole disk
    /// that this is, or lies on.
    ///
    /// # Errors
    /// When it is not known where on the disk it lies.
    pub fn guarded(self, protected: &Protected) -> Result<Disk, Error> {
        if protected.ranges().is_empty() {
            return Ok(self);
        }
        let place = match self.dev() {
            Some(dev) => Place::of(&by_number(Path::new(SYS), dev)?)?,
            None => Place::From(0),
        };
        Ok(self.with_guard(Guard::new(protected, place)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{erase, ext4, sector_0, wipe};
    use ondisk::ext4::Options;

    const MIB: u64 = 1 << 20;
    const PV: DevNo = DevNo { major: 8, minor: 3 };

    /// 8 KiB at 10 MiB of a disk of 64 MiB.
    fn protected() -> Protected {
        let run = Run {
            lba: 20480,
            sectors: 16,
        };
        Protected::new([run], 512, 64 * MIB).unwrap()
    }

    fn disk(dir: &Path, bytes: u64, place: Place) -> Disk {
        let path = testkit::sparse(dir.join("disk"), bytes);
        Disk::open_writable(path)
            .unwrap()
            .as_volume()
            .with_guard(Guard::new(&protected(), place))
    }

    fn linear(start: u64, length: u64, at: u64) -> Target {
        Target {
            start,
            length,
            kind: TargetKind::Linear(PV, at),
        }
    }

    fn refusal<E: std::fmt::Display>(result: Result<(), E>) -> String {
        result
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn no_write_of_ours_reaches_what_is_protected() {
        let dir = tempfile::tempdir().unwrap();
        let disk = disk(dir.path(), 64 * MIB, Place::From(0));
        let at = 10 * MIB;
        disk.write_at("a table", at - 512, &[1; 512]).unwrap();
        disk.write_at("a table", at + 8192, &[1; 512]).unwrap();
        let text = refusal(disk.write_at("a table", at - 512, &[1; 513]));
        let words = "a table would overwrite sector 20480 of the disk, which is protected (bytes \
                     10485760 to 10493951)";
        assert!(text.contains(words), "{text}");
        let wide = wipe::clear(&disk, &[MIB..2 * MIB, at + 4096..at + 9000]);
        assert!(refusal(wide).contains("sector 20488"));
        let all: Vec<_> = std::iter::once(512..64 * MIB).collect();
        let erased = erase::zero(&disk, &all, &mut |_| {});
        assert!(refusal(erased).contains("sector 20480"));
        let options = Options::new(64 * MIB, [7; 16], [8; 16], 1);
        let text = refusal(ext4::format(&disk, &options, &mut |_, _| {}));
        assert!(text.contains("sector 20480"), "{text}");
        // Of all that, only the first two writes were done.
        let bytes = std::fs::read(dir.path().join("disk")).unwrap();
        let ones = bytes.iter().filter(|byte| **byte != 0).count();
        assert_eq!(ones, 1024);
        let run = Run { lba: 0, sectors: 1 };
        let first = Protected::new([run], 512, 64 * MIB).unwrap();
        let disk = disk.with_guard(Guard::new(&first, Place::From(0)));
        assert!(refusal(sector_0::write(&disk, "GRUB", 0, &[1])).contains("GRUB"));
    }

    #[test]
    fn a_partition_and_a_volume_lie_where_the_disk_has_them() {
        let dir = tempfile::tempdir().unwrap();
        let partition = disk(dir.path(), 16 * MIB, Place::From(9 * MIB));
        assert!(refusal(partition.write_at("x", MIB, &[1])).contains("sector 20480"));
        partition.write_at("x", MIB - 1, &[1]).unwrap();
        partition.write_at("x", MIB + 8192, &[1]).unwrap();
        // The first half lies behind the second one, in a PV at 4 MiB.
        let starts = BTreeMap::from([(PV, 4 * MIB)]);
        let targets = vec![linear(0, 8192, 16384), linear(8192, 8192, 8192)];
        let volume = disk(
            dir.path(),
            8 * MIB,
            Place::Mapped(targets.clone(), starts.clone()),
        );
        // 10 MiB of the disk are 6 of the PV, and 2 behind the second target's start.
        assert!(refusal(volume.write_at("x", 6 * MIB, &[1])).contains("sector 20480"));
        volume.write_at("x", 2 * MIB, &[1]).unwrap();
        volume.write_at("x", 6 * MIB - 1, &[1]).unwrap();
        let across = volume.write_at("x", 6 * MIB - 1, &[1, 1]);
        assert!(refusal(across).contains("sector 20480"));
        // A device below that nothing is known of, and a place without one.
        for place in [
            Place::Mapped(targets.clone(), BTreeMap::new()),
            Place::Mapped(vec![linear(0, 8, 0)], starts.clone()),
            Place::Mapped(targets, BTreeMap::from([(PV, u64::MAX)])),
            Place::From(u64::MAX),
        ] {
            let unknown = disk(dir.path(), 8 * MIB, place);
            let text = refusal(unknown.write_at("x", 4096, &[1]));
            assert!(text.contains("is not known"), "{text}");
        }
    }

    #[test]
    fn where_nothing_is_protected_nothing_is_asked() {
        let none = Protected::default();
        let targets = [linear(0, 8, 0)];
        check_table(&none, "VA-root", &targets).unwrap();
        Guard::new(&none, Place::From(u64::MAX))
            .check(Path::new("/dev/sda"), "x", &(5..9))
            .unwrap();
    }
}
