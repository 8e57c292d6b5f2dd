// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 2: copies the package from the old root into RAM, verifying every byte.

use super::{Context, Error, Loaded, Step, elsewhere, staged};
use crate::cmdline::Mode;
use crate::fingerprint::Fingerprint;
use crate::machine::{self, MemInfo};
use crate::old::{Staged, StagedError};
use crate::payload::memory;
use crate::payload::verify::Expected;
use crate::payload::{Payload, tmpfs};
use crate::report::Unit;
use crate::tiny::choice;
use crate::tiny::lifeboat::Contents;
use crate::{mount, paths};
use ondisk::gpt::Backup;
use ondisk::lifeboat::record::Record;
use ondisk::manifest::{MANIFEST, Manifest, PAYLOAD, TABLE};
use rootdir::RootDir;
use std::path::Path;
use sys::cannot;

/// Space for manifest, table and identity, in bytes; they are small.
const SMALL_FILES: u64 = 8 << 20;

/// Copies manifest, table, identity and payload into a tmpfs of their own; where
/// the migration survives a power cut, the payload stays on the disk.
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
        context.environment = None;
        let result = recognize(context, old).and_then(|staged| {
            context.recognized = true;
            context.environment.clone_from(&staged.environment);
            match &context.lifeboat {
                Some(lifeboat) => agrees(old, lifeboat.record()).map(|()| None),
                None => self.load(context, old, staged).map(Some),
            }
        });
        // The old root is unmounted whatever happened: the machine may go back
        // to it, or its disk is wiped.
        let released = mount::release(&root.device, old);
        take_choice_back(context);
        let loaded = result?;
        released?;
        context.loaded = Some(match loaded {
            Some(loaded) => loaded,
            None => recorded(context)?,
        });
        Ok(())
    }

    fn confirm(&self, context: &mut Context) -> Result<(), Error> {
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
        let old = RootDir::open(old)?;
        // Before anything else of the package is used.
        let manifest = staged.manifest(&staged::bytes(&old, &staged::path(MANIFEST))?);
        let manifest = manifest.map_err(|error| match error {
            StagedError::OtherManifest => {
                staged::unusable(MANIFEST, "is not the file that was staged")
            }
            error => error.into(),
        })?;
        let size = |name: &str| manifest.file(name).map_or(0, |f| f.size);

        let budget = memory::plan(&memory_for(memory::Medium::Ram(size(PAYLOAD)))?)?;
        context.reporter.detail(&format!("memory: {budget}"));

        let to = Path::new(paths::PAYLOAD_DIR);
        tmpfs::mount(to, size(PAYLOAD).saturating_add(SMALL_FILES))?;
        let goal = size(PAYLOAD).saturating_add(size(TABLE));
        let mut before = 0;
        for name in [TABLE, PAYLOAD] {
            context.reporter.activity(name);
            let expected = Expected::of(&manifest, name)?;
            staged::copy_verified(&old, name, &to.join(name), &expected, &mut |done| {
                let done = done.saturating_add(before);
                context.reporter.progress(done, goal, Unit::Bytes);
            })?;
            before = before.saturating_add(expected.size);
        }
        let saved = staged::path(paths::IDENTITY);
        staged::copy_tree(&old, &saved, &to.join(paths::IDENTITY))?;
        usable_identity(&to.join(paths::IDENTITY), &staged.identity_sha256)?;
        for name in [MANIFEST, paths::STAGED] {
            staged::copy(&old, &staged::path(name), &to.join(name))?;
        }
        loaded(manifest, staged, budget)
    }
}

/// Resets GRUB's choice for one boot if GRUB could not, as soon as the machine is
/// recognised. A rehearsal writes nothing.
fn take_choice_back(context: &mut Context) {
    let (Some(environment), Some(found)) = (&context.environment, &context.found) else {
        return;
    };
    if context.cmdline.mode != Mode::Migrate {
        return;
    }
    let line = match choice::take_back(&mut context.devices, &found.disk, environment) {
        Ok(false) => return,
        Ok(true) => "GRUB could not take back the choice for one boot, so this was done now: a reset starts the old system".to_string(),
        Err(choice::Error::Stays(error)) => format!(
            "warning: GRUB could not take back the choice for one boot, and this could not either: {error}; a reset starts the tiny system again"
        ),
        Err(error) => {
            let what = "GRUB's choice for one boot could not be looked at";
            context.reporter.detail(&format!("{what}: {error}"));
            return;
        }
    };
    context.reporter.line(&line);
}

/// The staged record below the old root, if it was made on this machine.
fn recognize(context: &Context, old: &Path) -> Result<Staged, Error> {
    let found = context.found()?;
    let record = staged::path(paths::STAGED);
    let below = RootDir::open(old)?;
    if !below.exists(&record)? {
        let device = found.root.as_ref().map(|r| r.device.display().to_string());
        return Err(Error::NotStaged {
            path: Path::new("/").join(record),
            device: device.unwrap_or_default(),
        });
    }
    let staged = Staged::parse(&staged::text(&below, &record)?)?;
    let here = Fingerprint::of(old, found.id.clone()).map_err(|error| match error {
        crate::machine::Error::File(error) => staged::unreadable(&error),
        crate::machine::Error::Unexpected { path, what } => Error::StagedFile {
            path: staged::old_path(&path),
            why: what,
        },
    })?;
    match here.differs(&staged.fingerprint) {
        None => Ok(staged),
        Some(difference) => Err(Error::OtherMachine(difference)),
    }
}

/// Checks that the record has the staged files; otherwise two stagings were mixed
/// up.
fn agrees(old: &Path, record: &Record) -> Result<(), Error> {
    let old = RootDir::open(old)?;
    let files = [
        (MANIFEST, &record.manifest),
        (TABLE, &record.table_backup),
        (paths::STAGED, &record.staged),
    ];
    for (name, recorded) in files {
        if staged::bytes(&old, &staged::path(name))? != *recorded {
            return Err(staged::unusable(name, "is not the file of the record"));
        }
    }
    Ok(())
}

/// The package, from the record and its places on the disk. The old root is not
/// needed, so this serves past the point of no return, too.
pub(super) fn recorded(context: &Context) -> Result<Loaded, Error> {
    let lifeboat = context.lifeboat.as_ref();
    let lifeboat = lifeboat.ok_or(Error::Missing("the record"))?;
    let Contents {
        manifest,
        table,
        staged,
    } = Contents::of(lifeboat.record())?;
    let room = memory_for(memory::Medium::Disk)?;
    let budget = match paths::begun() {
        true => budget_when_begun(&room)?,
        false => memory::plan(&room)?,
    };
    context.reporter.detail(&format!("memory: {budget}"));
    let to = Path::new(paths::PAYLOAD_DIR);
    if !tmpfs_is_mounted()? {
        tmpfs::mount(to, SMALL_FILES)?;
    }
    let record = lifeboat.record();
    for (name, bytes) in [
        (MANIFEST, &record.manifest),
        (paths::STAGED, &record.staged),
    ] {
        let path = to.join(name);
        std::fs::write(&path, bytes).map_err(cannot("write", &path))?;
    }
    let saved = to.join(paths::IDENTITY);
    // A copy that is in memory already is not read again.
    if usable_identity(&saved, &staged.identity_sha256).is_err() {
        identity::archive::unpack(&lifeboat.identity()?, &saved)?;
        usable_identity(&saved, &staged.identity_sha256)?;
    }
    Ok(Loaded {
        manifest,
        table,
        staged,
        payload: match &context.elsewhere {
            Some(from) => elsewhere::open(context, from)?,
            None => lifeboat.payload()?,
        },
        budget,
    })
}

/// Checks that the copy of the identity is the staged one, and can be parsed:
/// damage must not be discovered only after the old system is gone.
fn usable_identity(copy: &Path, sha256: &str) -> Result<(), Error> {
    if identity::digest(copy)?.to_string() != sha256 {
        let why = "is not what was staged: its files were changed or damaged";
        return Err(staged::unusable(paths::IDENTITY, why));
    }
    match identity::load(copy) {
        Ok(_) => Ok(()),
        // The message names the staged file, for the path of the copy helps
        // nobody.
        Err(identity::Error::Damaged { path, reason }) => Err(Error::StagedFile {
            path: staged::old_path(&path),
            why: format!("is damaged: {reason}"),
        }),
        Err(error) => Err(error.into()),
    }
}

/// The package that is in RAM already, for a migration that is resumed.
pub(super) fn from_memory() -> Result<Loaded, Error> {
    let dir = Path::new(paths::PAYLOAD_DIR);
    let staged = Staged::parse(&read(&dir.join(paths::STAGED))?)?;
    let manifest = staged.manifest(read(&dir.join(MANIFEST))?.as_bytes())?;
    let payload = manifest.file(PAYLOAD).map_or(0, |f| f.size);
    let mut room = memory_for(memory::Medium::Ram(payload))?;
    room.available = room.available.saturating_add(payload);
    loaded(manifest, staged, budget_when_begun(&room)?)
}

/// The memory budget of a migration that has begun. It started with this much
/// memory, and giving it up would not bring the old system back. So a shortage is
/// no reason to stop now, and the decoder gets its minimum.
fn budget_when_begun(room: &memory::Input) -> Result<memory::Budget, Error> {
    match memory::plan(room) {
        Ok(budget) => Ok(budget),
        Err(short) => Ok(memory::plan(&memory::Input {
            available: short.budget.needed(),
            ..*room
        })?),
    }
}

/// The memory that there is for a payload in this place.
fn memory_for(payload: memory::Medium) -> Result<memory::Input, Error> {
    let meminfo = MemInfo::read()?;
    Ok(memory::Input {
        available: meminfo.available,
        payload,
        processors: machine::processors(),
    })
}

fn loaded(manifest: Manifest, staged: Staged, budget: memory::Budget) -> Result<Loaded, Error> {
    let dir = Path::new(paths::PAYLOAD_DIR);
    let path = dir.join(TABLE);
    let bytes = std::fs::read(&path).map_err(cannot("read", &path))?;
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

fn tmpfs_is_mounted() -> Result<bool, Error> {
    Ok(crate::machine::mounts()?
        .iter()
        .any(|m| m.target == paths::PAYLOAD_DIR))
}

fn read(path: &Path) -> Result<String, Error> {
    Ok(std::fs::read_to_string(path).map_err(cannot("read", path))?)
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
        identity::save(&root, None, &saved).unwrap();
        let sum = identity::digest(&saved).unwrap().to_string();
        let copied = dir.path().join("copy");
        staged::copy_tree(&RootDir::open(dir.path()).unwrap(), "saved", &copied).unwrap();
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
        let sum = identity::digest(&copied).unwrap().to_string();
        let error = usable_identity(&copied, &sum).unwrap_err().to_string();
        assert!(error.contains("identity.toml is damaged: "), "{error}");
        assert!(error.ends_with("; stage the package again on the old system"));
    }

    #[test]
    fn a_migration_that_has_begun_does_not_stop_for_memory() {
        let room = memory::Input {
            available: 1,
            payload: memory::Medium::Ram(1 << 30),
            processors: 2,
        };
        assert!(memory::plan(&room).is_err());
        let budget = budget_when_begun(&room).unwrap();
        assert_eq!(budget.decoder.memory, ondisk::manifest::DECODER_BYTES);
    }
}
