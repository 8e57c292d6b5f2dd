// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 2: the package from the old root into RAM, every byte verified.

use super::{Context, Error, Loaded, Step};
use crate::lvm::Mapper;
use crate::machine::{DiskId, Fingerprint, MemInfo, table_id};
use crate::payload::memory;
use crate::payload::verify::Expected;
use crate::payload::{Payload, Sha256, tmpfs};
use crate::report::Unit;
use crate::stage::Staged;
use crate::{mount, paths};
use ondisk::gpt::Backup;
use ondisk::manifest::{MANIFEST, Manifest, PAYLOAD, TABLE};
use std::path::{Path, PathBuf};

/// Brings manifest, table, identity and payload into a tmpfs of their own.
pub struct Load;

impl Step for Load {
    fn name(&self) -> &'static str {
        "load"
    }

    fn run(&self, context: &mut Context) -> Result<(), Error> {
        if paths::begun() {
            return Err(Error::Begun);
        }
        super::preflight::new_kernel()?;
        let Some(root) = context.found()?.root.clone() else {
            return Err(Error::Missing("the old root"));
        };
        let old = Path::new(paths::OLD_ROOT);
        mount::unmount_tree(old)?;
        if tmpfs_is_mounted()? {
            mount::unmount_tree(Path::new(paths::PAYLOAD_DIR))?;
        }
        context.devices.ensure(&[&root.kind])?;
        mount::untouched(&root.device, old, &root.kind)?;
        context.recognized = false;
        let result = recognize(context, old).and_then(|staged| {
            context.recognized = true;
            self.load(context, old, staged)
        });
        // The old root is let go whatever happened: nothing is mounted when
        // the machine goes back to it, or when its disk is wiped.
        let released = mount::release(&root.device, old);
        let loaded = result?;
        released?;
        Mapper::open()?.deactivate_disk(super::context::lvm_device(&context.found()?.disk).dev)?;
        context.loaded = Some(loaded);
        Ok(())
    }

    fn verify(&self, context: &mut Context) -> Result<(), Error> {
        let loaded = context.loaded()?;
        let expected = loaded.manifest.file(PAYLOAD).map_or(0, |f| f.size);
        if loaded.payload.size() == expected {
            return Ok(());
        }
        let found = format!("{} bytes instead of {expected}", loaded.payload.size());
        Err(Error::Unverified {
            what: PAYLOAD.into(),
            found,
        })
    }
}

impl Load {
    fn load(&self, context: &Context, old: &Path, staged: Staged) -> Result<Loaded, Error> {
        let from = old.join(paths::STAGED_DIR);
        let text = read(&from.join(MANIFEST))?;
        let mut sum = Sha256::new();
        sum.update(text.as_bytes());
        if sum.finish().to_string() != staged.manifest_sha256 {
            return Err(Error::ManifestChanged(
                Path::new("/").join(paths::STAGED_DIR).join(MANIFEST),
            ));
        }
        let manifest = Manifest::parse(&text)?;
        let size = |name: &str| manifest.file(name).map_or(0, |f| f.size);

        let meminfo = MemInfo::read()?;
        let processors = std::thread::available_parallelism().map_or(1, |n| n.get());
        let input = memory::Input {
            available: meminfo.available,
            payload: size(PAYLOAD),
            processors: u32::try_from(processors).unwrap_or(1),
        };
        let budget = memory::plan(&input)?;
        context.reporter.detail(&format!("memory: {budget}"));

        // Identity and table are small; 8 MiB hold any of them.
        let to = Path::new(paths::PAYLOAD_DIR);
        tmpfs::mount(to, size(PAYLOAD).saturating_add(8 << 20))?;
        let goal = size(PAYLOAD).saturating_add(size(TABLE));
        let mut before = 0;
        for name in [TABLE, PAYLOAD] {
            context.reporter.activity(name);
            let expected = expected(&manifest, name)?;
            tmpfs::load(&from.join(name), &to.join(name), &expected, &mut |done| {
                context.reporter.progress(before + done, goal, Unit::Bytes);
            })?;
            before += expected.size;
        }
        copy_tree(&from.join(paths::IDENTITY), &to.join(paths::IDENTITY))?;
        usable_identity(&to.join(paths::IDENTITY), &staged.identity_sha256)?;
        for name in [MANIFEST, paths::STAGED] {
            copy(&from.join(name), &to.join(name))?;
        }
        loaded(manifest, staged, budget)
    }
}

/// The staged record below the old root, if it was made on this machine.
fn recognize(context: &Context, old: &Path) -> Result<Staged, Error> {
    let found = context.found()?;
    let record = old.join(paths::STAGED_DIR).join(paths::STAGED);
    if !record.exists() {
        let device = found.root.as_ref().map(|r| r.device.display().to_string());
        return Err(Error::NotStaged {
            path: Path::new("/").join(paths::STAGED_DIR).join(paths::STAGED),
            device: device.unwrap_or_default(),
        });
    }
    let staged = Staged::parse(&read(&record)?)?;
    let here = Fingerprint::of(old, disk_id(&found.disk)?)?;
    match here.differs(&staged.fingerprint) {
        None => Ok(staged),
        Some(difference) => Err(Error::OtherMachine(difference)),
    }
}

/// The copy of the identity is the staged one, and can be read: a store that
/// is damaged must not come to light when the old system is gone.
fn usable_identity(copy: &Path, sha256: &str) -> Result<(), Error> {
    if crate::identity::digest(copy)?.to_string() != sha256 {
        let staged = Path::new("/").join(paths::STAGED_DIR).join(paths::IDENTITY);
        return Err(Error::IdentityChanged(staged));
    }
    crate::identity::load(copy)?;
    Ok(())
}

/// What lies in RAM already, for a migration that is resumed.
pub(super) fn from_memory() -> Result<Loaded, Error> {
    let dir = Path::new(paths::PAYLOAD_DIR);
    let manifest = Manifest::parse(&read(&dir.join(MANIFEST))?)?;
    let staged = Staged::parse(&read(&dir.join(paths::STAGED))?)?;
    let processors = std::thread::available_parallelism().map_or(1, |n| n.get());
    let meminfo = MemInfo::read()?;
    let payload = manifest.file(PAYLOAD).map_or(0, |f| f.size);
    let budget = memory::plan(&memory::Input {
        available: meminfo.available.saturating_add(payload),
        payload,
        processors: u32::try_from(processors).unwrap_or(1),
    })?;
    loaded(manifest, staged, budget)
}

fn loaded(manifest: Manifest, staged: Staged, budget: memory::Budget) -> Result<Loaded, Error> {
    let dir = Path::new(paths::PAYLOAD_DIR);
    let path = dir.join(TABLE);
    let bytes = std::fs::read(&path).map_err(|source| Error::File { path, source })?;
    let table = Backup::parse(&bytes)?;
    let payload = Payload::file(dir.join(PAYLOAD))?;
    Ok(Loaded {
        manifest,
        table,
        staged,
        payload,
        budget,
    })
}

/// Size and checksum of a file of the package.
fn expected(manifest: &Manifest, name: &str) -> Result<Expected, Error> {
    let missing = || ondisk::manifest::Error::Value {
        place: "file".into(),
        what: format!("{name} is not listed; make the package again"),
    };
    let file = manifest.file(name).ok_or_else(missing)?;
    let sha256 = file.sha256.parse().map_err(|_| missing())?;
    Ok(Expected {
        size: file.size,
        sha256,
    })
}

/// The disk's identity, as `replant stage` recorded it.
fn disk_id(disk: &crate::device::BlockDevice) -> Result<DiskId, Error> {
    let open = crate::disk::Disk::open(disk.path())?;
    let block = usize::try_from(open.block_size()).unwrap_or(512);
    let head = open.read_fresh(0, block.saturating_mul(2).max(4096))?;
    let serial = disk.serial.clone().unwrap_or_default();
    Ok(DiskId {
        bytes: disk.bytes(),
        table: table_id(&head, block),
        serial,
    })
}

fn tmpfs_is_mounted() -> Result<bool, Error> {
    Ok(crate::machine::mounts()?
        .iter()
        .any(|m| m.target == paths::PAYLOAD_DIR))
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::File {
        path: path.into(),
        source,
    })
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::copy(from, to).map_err(|source| Error::File {
        path: from.into(),
        source,
    })?;
    Ok(())
}

/// Copies a small directory; links are not followed and not copied.
fn copy_tree(from: &Path, to: &Path) -> Result<(), Error> {
    let failed = |path: &Path| {
        let path: PathBuf = path.into();
        move |source| Error::File { path, source }
    };
    std::fs::create_dir_all(to).map_err(failed(to))?;
    for entry in std::fs::read_dir(from).map_err(failed(from))? {
        let entry = entry.map_err(failed(from))?;
        let kind = entry.file_type().map_err(failed(&entry.path()))?;
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else if kind.is_file() {
            copy(&entry.path(), &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_identity_is_refused_before_anything_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let (root, saved) = (dir.path().join("root"), dir.path().join("saved"));
        std::fs::create_dir_all(root.join("etc")).unwrap();
        std::fs::write(root.join("etc/hostname"), "oldbox\n").unwrap();
        crate::identity::save(&root, None, &saved).unwrap();
        let sum = crate::identity::digest(&saved).unwrap().to_string();
        let copied = dir.path().join("copy");
        copy_tree(&saved, &copied).unwrap();
        usable_identity(&copied, &sum).unwrap();

        let file = copied.join("identity.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("oldbox", "newbox")).unwrap();
        let error = usable_identity(&copied, &sum).unwrap_err();
        assert!(matches!(error, Error::IdentityChanged(_)), "{error}");

        // The sum is right, and yet nobody could apply it.
        std::fs::write(&file, "version = 1\nhost = [").unwrap();
        let sum = crate::identity::digest(&copied).unwrap().to_string();
        let error = usable_identity(&copied, &sum).unwrap_err();
        assert!(matches!(error, Error::Identity(_)), "{error}");
    }
}
