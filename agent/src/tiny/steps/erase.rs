// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 11: zeroes free space, where the old system's data may still be, if the
//! package asks for it (`[wipe] erase = "free"`).
//!
//! It comes after the boot step has been confirmed, because it may take hours,
//! and before that the machine has no system. As the new system is complete by
//! then, an error is only a warning, which goes into the new system's log.

use super::mounts::mount_new_root;
use super::{Context, Error, Step};
use crate::disk::{Disk, erase};
use crate::locate::identify;
use crate::plan::{Space, Unused};
use crate::report::Unit;
use crate::{mount, paths};
use ondisk::manifest;
use std::ops::Range;
use std::path::Path;

/// Zeroes free space.
pub struct Erase;

impl Step for Erase {
    fn name(&self) -> &'static str {
        "erase"
    }

    fn run(&self, context: &mut Context) -> Result<(), Error> {
        if context.loaded()?.manifest.wipe.erase != Some(manifest::Erase::Free) {
            return Ok(());
        }
        // Free space is known only while nobody writes to the file systems.
        mount::unmount_tree(Path::new(paths::NEW_ROOT))?;
        rustix::fs::sync();
        let done = erase_all(context);
        mount_new_root(context)?;
        let bytes = match done {
            Ok(bytes) => bytes,
            Err(error) if crate::stop::requested() => return Err(error),
            Err(error) => {
                let what = "warning: the disk's free space is not erased";
                context.reporter.line(&format!("{what}: {error}"));
                return Ok(());
            }
        };
        let gib = bytes >> 30;
        context
            .reporter
            .detail(&format!("{bytes} bytes ({gib} GiB) of free space are zero"));
        Ok(())
    }

    /// [`Step::run`] has read back samples; now the file systems are in use
    /// again.
    fn confirm(&self, _context: &mut Context) -> Result<(), Error> {
        let mounts = crate::machine::mounts()?;
        match mounts.iter().any(|m| m.target == paths::NEW_ROOT) {
            true => Ok(()),
            false => Err(Error::Unverified {
                what: paths::NEW_ROOT.into(),
                found: "it is not mounted".into(),
            }),
        }
    }
}

/// Erases all unused space, device by device; returns the bytes.
fn erase_all(context: &Context) -> Result<u64, Error> {
    let mut places = Vec::new();
    for unused in context.plan()?.unused()? {
        let disk = match unused.device == context.plan()?.disk {
            true => context.disk()?,
            false => context.part(&unused.device)?,
        };
        if let Some(kind) = filled(&unused) {
            context.reporter.line(&format!(
                "{} is not erased: by now it holds {kind}, which the package's [boot] commands made",
                unused.device.display()
            ));
            continue;
        }
        let ranges = ranges(&disk, &unused)?;
        places.push((disk, ranges));
    }
    let length = |range: &Range<u64>| range.end - range.start;
    let goal = places
        .iter()
        .flat_map(|(_, ranges)| ranges.iter().map(length));
    let goal = goal.sum();
    let mut done = 0;
    for (disk, ranges) in &places {
        context
            .reporter
            .activity(&disk.path().display().to_string());
        erase::zero(disk, ranges, &mut |bytes| {
            done += bytes;
            context.reporter.progress(done, goal, Unit::Bytes);
        })?;
        if let Some(at) = erase::not_zero(disk, ranges)? {
            return Err(Error::Unverified {
                what: disk.path().display().to_string(),
                found: format!("byte {at} is not zero"),
            });
        }
    }
    Ok(done)
}

/// Describes the contents of a device on which the layout makes nothing. Old
/// contents were cleared, so the package's own commands made them.
fn filled(unused: &Unused) -> Option<String> {
    match unused.space {
        Space::Whole => Some(identify(&unused.device)?.kind),
        Space::Bytes(_) | Space::Filesystem(_) => None,
    }
}

/// The ranges of a device to zero. Protected ranges are free space of the new
/// system, too, but stay.
fn ranges(disk: &Disk, unused: &Unused) -> Result<Vec<Range<u64>>, Error> {
    let free = match &unused.space {
        Space::Bytes(ranges) => ranges.clone(),
        Space::Whole => std::iter::once(0..disk.bytes()).collect(),
        Space::Filesystem(options) => erase::unused(disk, options)?,
    };
    let free = free.iter().map(|range| disk.unprotected(range));
    let free: Result<Vec<_>, _> = free.collect();
    Ok(free?.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ondisk::lifeboat::{Protected, Run};
    use std::process::Command;

    #[test]
    fn what_is_protected_stays_and_all_around_it_is_zero() {
        const MIB: u64 = 1 << 20;
        let file = tempfile::NamedTempFile::new().unwrap();
        let content = vec![0xee; 4 << 20];
        let disk = |runs: &[Run]| {
            std::fs::write(file.path(), &content).unwrap();
            let protected = Protected::new(runs.iter().copied(), 512, 4 * MIB).unwrap();
            let disk = Disk::open_writable(file.path()).unwrap().as_volume();
            disk.guarded(&protected).unwrap()
        };
        let run = Run {
            lba: 4096,
            sectors: 8,
        };
        for (space, runs, kept) in [
            (Space::Whole, &[run][..], 2 * MIB..2 * MIB + 4096),
            (
                Space::Bytes(vec![0..MIB, MIB..2 * MIB + 512, 2 * MIB + 1024..4 * MIB]),
                &[run],
                2 * MIB..2 * MIB + 4096,
            ),
            (Space::Whole, &[], 0..0),
        ] {
            let disk = disk(runs);
            let unused = Unused {
                device: file.path().into(),
                space,
            };
            let ranges = ranges(&disk, &unused).unwrap();
            erase::zero(&disk, &ranges, &mut |_| {}).unwrap();
            assert_eq!(erase::not_zero(&disk, &ranges).unwrap(), None);
            let bytes = std::fs::read(file.path()).unwrap();
            let left = (0u64..).zip(&bytes).filter(|(_, byte)| **byte != 0);
            let left: Vec<u64> = left.map(|(at, _)| at).collect();
            assert_eq!(left, kept.collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_the_package_s_commands_made_is_kept() {
        testkit::needs!("mkswap", "mke2fs");
        for program in ["mkswap", "mke2fs"] {
            let file = tempfile::NamedTempFile::new().unwrap();
            file.as_file().set_len(16 << 20).unwrap();
            let whole = |space| Unused {
                device: file.path().into(),
                space,
            };
            assert_eq!(filled(&whole(Space::Whole)), None);
            let path = "/usr/sbin:/sbin:/usr/bin:/bin";
            let mut command = Command::new(program);
            command.env("PATH", path).arg(file.path());
            assert!(command.output().unwrap().status.success());
            assert!(filled(&whole(Space::Whole)).is_some(), "{program}");
            let all = std::iter::once(0..16 << 20).collect();
            assert_eq!(filled(&whole(Space::Bytes(all))), None);
        }
    }
}
