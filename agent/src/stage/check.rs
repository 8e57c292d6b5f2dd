// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant check`: whether it would go well. Changes nothing.

use super::bootentry::Loader;
use super::old::{Old, Space};
use super::package::Package;
use super::{Error, display};
use crate::payload::memory;
use crate::plan::Plan;
use crate::report::quote;
use ondisk::manifest::{INITRAMFS, KERNEL, PAYLOAD};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// What the tiny system's kernel, its unpacked initramfs and its page tables
/// take of the RAM that the old system sees.
const TINY_SYSTEM: u64 = 96 << 20;

/// What was found to go well.
pub(super) struct Checked {
    pub(super) package: Package,
    pub(super) old: Old,
    pub(super) loader: Loader,
    pub(super) plan: Plan,
    pub(super) budget: memory::Budget,
}

/// Says whether staging and migrating would go well.
///
/// # Errors
/// The first thing that would not.
pub fn check(package: &Path, json: bool) -> Result<(), Error> {
    let checked = match checked(package) {
        Ok(checked) => checked,
        Err(error) => {
            if json {
                println!("{{\"ok\":false,\"error\":{}}}", quote(&error.to_string()));
            }
            return Err(error);
        }
    };
    if json {
        println!(
            "{{\"ok\":true,\"disk\":{},\"root\":{},\"boot_loader\":{},\"memory_needed\":{},\"memory\":{},\"plan\":{}}}",
            quote(&checked.plan.disk.display().to_string()),
            quote(&checked.old.root),
            quote(checked.loader.name()),
            checked.budget.needed(),
            checked.old.memory,
            quote(&checked.plan.to_string()),
        );
    } else {
        println!("{}", checked.describe());
        println!("this machine can be migrated; nothing was changed");
    }
    Ok(())
}

/// All the checks.
pub(super) fn checked(dir: &Path) -> Result<Checked, Error> {
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs());
    let old = Old::survey(time)?;
    let loader = Loader::detect(Path::new("/"))?;
    loader.check()?;
    // What can be said at once is said before gigabytes are read.
    let package = Package::open(dir)?;
    super::place::places().refuse_inside(dir, package.names())?;
    let plan = Plan::compute(&package.manifest, &package.table, &old.facts, &mut |b| {
        b.fill(0x5a)
    })?;
    let size = |name: &str| package.manifest.file(name).map_or(0, |f| f.size);
    let budget = memory::plan(&memory::Input {
        available: old.memory.saturating_sub(TINY_SYSTEM),
        payload: size(PAYLOAD),
        processors: 1,
    })?;
    room(
        &old.boot_mount,
        size(KERNEL).saturating_add(size(INITRAMFS)),
    )?;
    // The big files are linked, not copied, where the package lies on the
    // root file system. What was staged before goes only when this is whole.
    let copied = match super::place::same_filesystem(dir, Path::new("/")) {
        true => 0,
        false => package.names().map(size).fold(0, u64::saturating_add),
    };
    room(Path::new("/"), copied)?;
    let mut meter = display::Meter::new("verifying the package");
    let verified = package.verify(&mut |done, total| meter.show(done, total));
    meter.clear();
    verified?;
    Ok(Checked {
        package,
        old,
        loader,
        plan,
        budget,
    })
}

/// Whether `bytes` more, and a little for the records, can be written.
fn room(path: &Path, bytes: u64) -> Result<(), Error> {
    let space = Space::of(path)?;
    let need = bytes.saturating_add(8 << 20);
    if space.read_only {
        return Err(Error::ReadOnly(path.into()));
    }
    if need <= space.free {
        return Ok(());
    }
    Err(Error::Full {
        path: path.into(),
        need,
        free: space.free,
    })
}

impl Checked {
    pub(super) fn describe(&self) -> String {
        format!(
            "package {} {}\n{}\nmemory: {}\none boot into the tiny system by {}\nstays: {}",
            self.package.manifest.name,
            self.package.manifest.version,
            self.plan,
            self.budget,
            self.loader.name(),
            if self.old.facts.other_groups.is_empty() {
                "every other disk".to_string()
            } else {
                let names: Vec<_> = self
                    .old
                    .facts
                    .other_groups
                    .iter()
                    .map(|g| format!("{} on {}", g.name, g.device))
                    .collect();
                format!(
                    "every other disk, with the volume groups {}",
                    names.join(", ")
                )
            }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_in_the_way_of_writing() {
        let dir = tempfile::tempdir().unwrap();
        room(dir.path(), 0).unwrap();
        let error = room(dir.path(), u64::MAX).unwrap_err().to_string();
        assert!(error.contains("more bytes are needed"), "{error}");
        // Needs root.
        let flags = rustix::mount::MountFlags::RDONLY;
        rustix::mount::mount("replant-test", dir.path(), "tmpfs", flags, None).unwrap();
        let told = room(dir.path(), 0).map_err(|e| e.to_string());
        rustix::mount::unmount(dir.path(), rustix::mount::UnmountFlags::empty()).unwrap();
        let error = told.unwrap_err();
        assert!(error.contains("mount -o remount,rw"), "{error}");
    }
}
