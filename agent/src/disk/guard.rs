// SPDX-License-Identifier: MIT OR Apache-2.0
//! The protected ranges of a disk, as seen from each device on it.

use std::{ops::Range, path::Path};

use ondisk::lifeboat::{Protected, Run, SECTOR};
use ondisk::lvm::Target;

use super::Error;
use crate::block::{DevNo, Mapping, NoMapping, SYS};

/// The protected ranges of a disk, and where on the disk a device lies.
#[derive(Debug, Clone)]
pub struct Guard {
    protected: Protected,
    mapping: Mapping,
}

impl Guard {
    /// The guard of a device that lies on the disk by this way.
    pub fn new(protected: &Protected, mapping: Mapping) -> Guard {
        Guard {
            protected: protected.clone(),
            mapping,
        }
    }

    /// The guard of the device with this number, or of the file of so many bytes
    /// that stands for one.
    ///
    /// # Errors
    /// When it is not known where on the disk it lies.
    pub(super) fn of(
        protected: &Protected,
        path: &Path,
        dev: Option<DevNo>,
        bytes: u64,
    ) -> Result<Guard, Error> {
        let mapping = match dev {
            Some(dev) => Mapping::down(Path::new(SYS), &mut sys::dm::tables(), dev),
            None => Ok(Mapping::of_file(bytes)),
        };
        let mapping = mapping.map_err(|error| unmapped(path, error))?;
        Ok(Guard::new(protected, mapping))
    }

    /// Refuses a write (`what`) to these bytes of the device at `path` if it
    /// would change a protected range.
    ///
    /// # Errors
    /// [`Error::Protected`] names the place on the disk; [`Error::Unmapped`].
    pub fn check(&self, path: &Path, what: &str, bytes: &Range<u64>) -> Result<(), Error> {
        if bytes.is_empty() || self.protected.ranges().is_empty() {
            return Ok(());
        }
        for place in self.places(path, bytes)? {
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

    /// The parts of this range of the device at `path` that may be written, in
    /// order.
    ///
    /// # Errors
    /// [`Error::Unmapped`].
    pub fn outside(&self, path: &Path, bytes: &Range<u64>) -> Result<Vec<Range<u64>>, Error> {
        if bytes.is_empty() || self.protected.ranges().is_empty() {
            return Ok(vec![bytes.clone()]);
        }
        let mut free: Vec<Range<u64>> = Vec::new();
        let mut at = bytes.start - bytes.start % SECTOR;
        for place in self.places(path, bytes)? {
            for part in self.protected.outside(&place) {
                let start = (at + (part.start - place.start)).max(bytes.start);
                let end = (at + (part.end - place.start)).min(bytes.end);
                match free.last_mut() {
                    // Two places on the disk that follow each other on the
                    // device.
                    Some(last) if last.end == start => last.end = end,
                    _ => free.push(start..end),
                }
            }
            at += place.end - place.start;
        }
        Ok(free)
    }

    /// Where on the disk these bytes lie, in whole sectors, and in their order.
    fn places(&self, path: &Path, bytes: &Range<u64>) -> Result<Vec<Range<u64>>, Error> {
        let lba = bytes.start / SECTOR;
        let sectors = bytes.end.div_ceil(SECTOR).saturating_sub(lba);
        let runs = self.mapping.on_disk(Run { lba, sectors });
        let runs = runs.map_err(|error| unmapped(path, error))?;
        // A run whose byte offsets do not fit 64 bits counts as the whole disk.
        let bytes = |run: Run| run.bytes().unwrap_or(0..u64::MAX);
        Ok(runs.into_iter().map(bytes).collect())
    }
}

fn unmapped(path: &Path, error: NoMapping) -> Error {
    match error {
        NoMapping::File(error) => Error::File(error),
        why => Error::Unmapped {
            path: path.into(),
            why: why.to_string(),
        },
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
    let mapping = Mapping::of_map(Path::new(SYS), &mut sys::dm::tables(), name, targets);
    let mapping = mapping.map_err(|error| unmapped(&path, error))?;
    Guard::new(protected, mapping).check(&path, "the mapped device", &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::mapping::tests::down;
    use crate::disk::{Disk, erase, ext4, sector_0, wipe};
    use ondisk::ext4::Options;
    use ondisk::lvm::TargetKind;

    const MIB: u64 = 1 << 20;

    /// 8 KiB at 10 MiB of a disk of 64 MiB.
    fn protected() -> Protected {
        let run = Run {
            lba: 20480,
            sectors: 16,
        };
        Protected::new([run], 512, 64 * MIB).unwrap()
    }

    fn disk(dir: &Path, bytes: u64, mapping: Mapping) -> Disk {
        let path = testkit::sparse(dir.join("disk"), bytes);
        Disk::open_writable(path)
            .unwrap()
            .as_volume()
            .with_guard(Guard::new(&protected(), mapping))
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
        let disk = disk(dir.path(), 64 * MIB, Mapping::of_file(64 * MIB));
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
        let disk = disk.with_guard(Guard::new(&first, Mapping::of_file(64 * MIB)));
        assert!(refusal(sector_0::write(&disk, "GRUB", 0, &[1])).contains("GRUB"));
    }

    #[test]
    fn a_partition_and_a_volume_lie_where_the_disk_has_them() {
        let dir = tempfile::tempdir().unwrap();
        let mapping = |top: &str, root: &[&str]| down(top, root).unwrap();
        // From sector 20063 of the disk on.
        let partition = disk(dir.path(), 4 * MIB, mapping("8:5", &[]));
        let at = (20_480 - 20_063) * 512;
        assert!(refusal(partition.write_at("x", at, &[1])).contains("sector 20480"));
        partition.write_at("x", at - 1, &[1]).unwrap();
        partition.write_at("x", at + 8192, &[1]).unwrap();
        // The first half lies behind the second one.
        let swapped = ["0 400 linear 8:5 600", "400 400 linear 8:5 200"];
        let volume = disk(dir.path(), 800 * 512, mapping("253:0", &swapped));
        // It is 417 sectors behind the partition's start, 217 behind that of
        // the second target.
        let at = (400 + 217) * 512;
        assert!(refusal(volume.write_at("x", at, &[1])).contains("sector 20480"));
        volume.write_at("x", 217 * 512, &[1]).unwrap();
        volume.write_at("x", at - 1, &[1]).unwrap();
        let across = volume.write_at("x", at - 1, &[1, 1]);
        assert!(refusal(across).contains("sector 20480"));
        volume.write_at("x", at + 8192, &[1]).unwrap();
        // What ends before the device does, on a map, in a partition or below.
        let last = format!("0 4096 linear 8:5 {}", u64::MAX);
        for mapping in [
            mapping("253:0", &["0 8 linear 8:5 0"]),
            mapping("253:0", &["0 20000 linear 8:5 9999"]),
            mapping("253:0", &[&last]),
            Mapping::of_file(4096),
        ] {
            let unknown = disk(dir.path(), 8 * MIB, mapping);
            let text = refusal(unknown.write_at("x", 4096, &[1]));
            assert!(text.contains("is not known"), "{text}");
        }
    }

    #[test]
    fn what_may_be_written_is_what_is_not_refused() {
        let dir = tempfile::tempdir().unwrap();
        let cut = |top: &str, root: &[&str], sectors: Range<u64>| {
            let volume = disk(dir.path(), MIB, down(top, root).unwrap());
            let free = volume.unprotected(&(sectors.start * 512..sectors.end * 512));
            let free = free.unwrap();
            for range in &free {
                volume.check("x", range.clone()).unwrap();
            }
            let sector = |byte| byte as f64 / 512.0;
            let free = free.iter().map(|r| (sector(r.start), sector(r.end)));
            free.collect::<Vec<_>>()
        };
        // The protected sectors are 417 to 433 of this partition.
        assert_eq!(cut("8:5", &[], 0..100), [(0.0, 100.0)]);
        assert_eq!(cut("8:5", &[], 7..500), [(7.0, 417.0), (433.0, 500.0)]);
        assert_eq!(cut("8:5", &[], 420..430), []);
        assert_eq!(cut("8:5", &[], 433..440), [(433.0, 440.0)]);
        // Half of them lie in the middle of this volume, half at its start.
        let halves = ["0 100 linear 8:5 425", "100 300 linear 8:5 125"];
        assert_eq!(cut("253:0", &halves, 0..400), [(8.0, 392.0)]);
        let whole = ["0 100 linear 8:5 600", "100 400 linear 8:5 200"];
        assert_eq!(
            cut("253:0", &whole, 50..500),
            [(50.0, 317.0), (333.0, 500.0)]
        );
        let volume = disk(dir.path(), 4096, down("253:0", &halves).unwrap());
        let only = 4096..4097;
        assert_eq!(volume.unprotected(&(4095..4097)).unwrap(), [only]);
        assert!(volume.unprotected(&(0..401 * 512)).is_err());
    }

    #[test]
    fn where_nothing_is_protected_nothing_is_asked() {
        let none = Protected::default();
        let nowhere = Target {
            start: 0,
            length: 8,
            kind: TargetKind::Zero,
        };
        check_table(&none, "VA-root", &[nowhere]).unwrap();
        Guard::new(&none, Mapping::of_file(0))
            .check(Path::new("/dev/sda"), "x", &(5..9))
            .unwrap();
    }

    #[test]
    fn a_table_that_leads_nowhere_is_refused() {
        let nowhere = Target {
            start: 0,
            length: 8,
            kind: TargetKind::Zero,
        };
        let text = refusal(check_table(&protected(), "VA-root", &[nowhere]));
        let words = "/dev/mapper/VA-root is not written: where on the disk it lies is not known: \
                     it lies on VA-root, which is a device-mapper target of type zero";
        assert!(text.starts_with(words), "{text}");
    }
}
