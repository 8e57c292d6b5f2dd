// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 2: the package from the old root into RAM, every byte verified.

use super::{Context, Error, Loaded, Step};
use crate::machine::{DiskId, Fingerprint, MemInfo, table_id};
use crate::payload::memory;
use crate::payload::verify::{self, Expected};
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
        super::openat2::require()?;
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
        let text = staged_text(&from.join(MANIFEST))?;
        let mut sum = Sha256::new();
        sum.update(text.as_bytes());
        if sum.finish().to_string() != staged.manifest_sha256 {
            return Err(spoilt(MANIFEST, "is not the file that was staged"));
        }
        let manifest = Manifest::parse(&text)?;
        let size = |name: &str| manifest.file(name).map_or(0, |f| f.size);

        let budget = memory::plan(&room(size(PAYLOAD))?)?;
        context.reporter.detail(&format!("memory: {budget}"));

        // Identity and table are small; 8 MiB hold any of them.
        let to = Path::new(paths::PAYLOAD_DIR);
        tmpfs::mount(to, size(PAYLOAD).saturating_add(8 << 20))?;
        let goal = size(PAYLOAD).saturating_add(size(TABLE));
        let mut before = 0;
        for name in [TABLE, PAYLOAD] {
            context.reporter.activity(name);
            let expected = Expected::of(&manifest, name)?;
            tmpfs::load(&from.join(name), &to.join(name), &expected, &mut |done| {
                let done = done.saturating_add(before);
                context.reporter.progress(done, goal, Unit::Bytes);
            })
            .map_err(|error| told(name, error))?;
            before = before.saturating_add(expected.size);
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
    let staged = Staged::parse(&staged_text(&record)?)?;
    let here = Fingerprint::of(old, disk_id(&found.disk)?).map_err(|error| match error {
        crate::machine::Error::Read { path, source } => unreadable(&path, &source),
        crate::machine::Error::Odd { path, what } => Error::StagedFile {
            path: at_home(&path),
            why: what,
        },
        other => other.into(),
    })?;
    match here.differs(&staged.fingerprint) {
        None => Ok(staged),
        Some(difference) => Err(Error::OtherMachine(difference)),
    }
}

/// The copy of the identity is the staged one, and can be read: a store that
/// is damaged must not come to light when the old system is gone.
fn usable_identity(copy: &Path, sha256: &str) -> Result<(), Error> {
    if crate::identity::digest(copy)?.to_string() != sha256 {
        let why = "is not what was staged: its files were changed or damaged";
        return Err(spoilt(paths::IDENTITY, why));
    }
    match crate::identity::load(copy) {
        Ok(_) => Ok(()),
        // The copy is known to nobody: the file is told by its own name.
        Err(crate::identity::Error::Damaged { path, reason }) => Err(Error::StagedFile {
            path: at_home(&path),
            why: format!("is damaged: {reason}"),
        }),
        Err(error) => Err(error.into()),
    }
}

/// A file of `/etc/upd` that cannot be used, and why.
fn spoilt(name: &str, why: impl Into<String>) -> Error {
    Error::StagedFile {
        path: Path::new("/").join(paths::STAGED_DIR).join(name),
        why: why.into(),
    }
}

/// Where a file lies on the old system, whose root is mounted elsewhere here
/// and whose package is copied.
fn at_home(path: &Path) -> PathBuf {
    let root = Path::new("/");
    if let Ok(below) = path.strip_prefix(paths::OLD_ROOT) {
        return root.join(below);
    }
    match path.strip_prefix(paths::PAYLOAD_DIR) {
        Ok(below) => root.join(paths::STAGED_DIR).join(below),
        Err(_) => path.into(),
    }
}

/// What went wrong with a staged file, in the words of the old system.
fn told(name: &str, error: tmpfs::Error) -> Error {
    use tmpfs::Error::{Missing, Open, Verify};
    use verify::Error::{Changed, Read, TooLong, TooShort};
    let why = match error {
        Missing { .. } => "is missing".into(),
        Open { path, error } if path.starts_with(paths::OLD_ROOT) => {
            format!("cannot be opened: {error}")
        }
        Verify(Read { at, error, .. }) => {
            format!("cannot be read at byte {at}: {error}; check the disk")
        }
        Verify(TooShort {
            found, expected, ..
        }) => format!("is cut: it has {found} bytes, the manifest says {expected}"),
        Verify(TooLong { expected, .. }) => {
            format!("has more than the {expected} bytes that the manifest says")
        }
        Verify(Changed {
            found, expected, ..
        }) => format!("is damaged: its SHA-256 is {found}, the manifest says {expected}"),
        // The copy in memory failed: nothing is wrong with the file.
        other => return other.into(),
    };
    spoilt(name, why)
}

/// What lies in RAM already, for a migration that is resumed.
pub(super) fn from_memory() -> Result<Loaded, Error> {
    let dir = Path::new(paths::PAYLOAD_DIR);
    let manifest = Manifest::parse(&read(&dir.join(MANIFEST))?)?;
    let staged = Staged::parse(&read(&dir.join(paths::STAGED))?)?;
    let payload = manifest.file(PAYLOAD).map_or(0, |f| f.size);
    let mut room = room(payload)?;
    room.available = room.available.saturating_add(payload);
    loaded(manifest, staged, enough(&room)?)
}

/// The budget of a migration that has begun. It went on with this much memory
/// before, and giving it up would not give the old system back: what is short
/// now is no reason to stop, and the decoder gets the least that it needs.
fn enough(room: &memory::Input) -> Result<memory::Budget, Error> {
    match memory::plan(room) {
        Ok(budget) => Ok(budget),
        Err(short) => Ok(memory::plan(&memory::Input {
            available: short.budget.needed(),
            ..*room
        })?),
    }
}

/// The memory that there is for a payload of this size.
fn room(payload: u64) -> Result<memory::Input, Error> {
    let meminfo = MemInfo::read()?;
    let processors = std::thread::available_parallelism().map_or(1, |n| n.get());
    Ok(memory::Input {
        available: meminfo.available,
        payload,
        processors: u32::try_from(processors).unwrap_or(1),
    })
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

/// Reads a staged file.
fn staged_text(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::StagedFile {
        path: at_home(path),
        why: match error.kind() {
            std::io::ErrorKind::NotFound => "is missing".into(),
            _ => format!("cannot be read: {error}"),
        },
    }
}

/// Copies a small staged file into memory.
fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let bytes = std::fs::read(from).map_err(|error| unreadable(from, &error))?;
    std::fs::write(to, bytes).map_err(|source| Error::File {
        path: to.into(),
        source,
    })
}

/// Copies a small directory; links are not followed and not copied.
fn copy_tree(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(to).map_err(|source| Error::File {
        path: to.into(),
        source,
    })?;
    let failed = |error: std::io::Error| unreadable(from, &error);
    for entry in std::fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
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
        let error = usable_identity(&copied, &sum).unwrap_err().to_string();
        assert!(
            error.starts_with("/etc/upd/identity is not what was staged"),
            "{error}"
        );

        // The sum is right, and yet nobody could apply it.
        std::fs::write(&file, "version = 1\nhost = [").unwrap();
        let sum = crate::identity::digest(&copied).unwrap().to_string();
        let error = usable_identity(&copied, &sum).unwrap_err().to_string();
        assert!(error.contains("identity.toml is damaged: "), "{error}");
        assert!(error.ends_with(AGAIN), "{error}");
    }

    const AGAIN: &str = "; stage the package again on the old system";

    #[test]
    fn files_are_named_as_the_old_system_knows_them() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().join("va.tar.xz");
        let expected = |bytes: &[u8]| {
            let mut sum = Sha256::new();
            sum.update(bytes);
            Expected {
                size: bytes.len() as u64,
                sha256: sum.finish(),
            }
        };
        let say = |bytes: &[u8]| {
            let (to, known) = (dir.path().join("copy"), expected(bytes));
            let error = tmpfs::load(&here, &to, &known, &mut |_| {}).unwrap_err();
            told("va.tar.xz", error).to_string()
        };
        let file = "/etc/upd/va.tar.xz";
        assert_eq!(say(b"payload"), format!("{file} is missing{AGAIN}"));
        std::fs::write(&here, "payload").unwrap();
        assert_eq!(
            say(b"payloads"),
            format!("{file} is cut: it has 7 bytes, the manifest says 8{AGAIN}")
        );
        assert_eq!(
            say(b"pay"),
            format!("{file} has more than the 3 bytes that the manifest says{AGAIN}")
        );
        let changed = say(b"paYload");
        let start = format!("{file} is damaged: its SHA-256 is ");
        assert!(
            changed.starts_with(&start) && changed.ends_with(AGAIN),
            "{changed}"
        );

        let error = staged_text(Path::new("/run/replant/old/etc/upd/none")).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("/etc/upd/none is missing{AGAIN}")
        );
        for (path, home) in [
            ("/run/replant/old/etc/machine-id", "/etc/machine-id"),
            ("/run/replant/payload/identity/x", "/etc/upd/identity/x"),
            ("/proc/meminfo", "/proc/meminfo"),
        ] {
            assert_eq!(at_home(Path::new(path)), Path::new(home));
        }
    }

    #[test]
    fn a_migration_that_has_begun_does_not_stop_for_memory() {
        let room = memory::Input {
            available: 1,
            payload: 1 << 30,
            processors: 2,
        };
        assert!(memory::plan(&room).is_err());
        let budget = enough(&room).unwrap();
        assert_eq!(budget.decoder.memory, ondisk::manifest::DECODER_BYTES);
    }
}
