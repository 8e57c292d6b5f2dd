// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant stage`: puts the files in place, saves the identity, and arms one
//! boot.

use super::arguments::words;
use super::check::judge;
use super::examine::{Checked, Request, examine, replan};
use super::lock::Lock;
use super::output::{Meter, Output, Progress};
use super::places::{self, BOOT_FILES, FORMER_GRUBENV, Places, fresh};
use super::protection::{self, Staging};
use super::revert::{disarm, own_boot_sector, take_back};
use super::rows::Rows;
use super::{Environment, Error, FORMAT, Staged, flush, pinned, space};
use crate::disk::{Disk, table, wipe};
use crate::payload::tmpfs;
use crate::terminal::{ask, complain};
use crate::{paths, program};
use ondisk::lifeboat::{Id, record};
use ondisk::manifest::{INITRAMFS, KERNEL, MANIFEST, PAYLOAD, Protection, TABLE};
use std::io::{BufRead, IsTerminal};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use sys::cannot;

/// The arguments of `replant stage`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The package's directory.
    pub package: PathBuf,
    /// Does not ask for confirmation.
    pub yes: bool,
    /// Restarts the machine at the end.
    pub reboot: bool,
    /// Words for the tiny system's kernel command line.
    pub append: String,
    /// The level of protection asked for; without it the best that is possible.
    pub protection: Option<Protection>,
    /// Prints JSON lines instead of text.
    pub json: bool,
    /// Files of keys that are trusted, beside the installed ones.
    pub trust: Vec<PathBuf>,
}

/// Places the package and arms one boot into the tiny system.
///
/// # Errors
/// [`Error`]. If preparing the files fails, what was staged before is still in
/// force. If putting them in place or making the boot entry fails, nothing is
/// staged any more.
pub fn stage(wish: &Wish) -> Result<(), Error> {
    let output = if wish.json {
        Output::Lines
    } else {
        Output::Text
    };
    let result = staged(wish, output);
    if let (Err(error), Output::Lines) = (&result, output) {
        output.step("stage", Progress::Failed, error);
    }
    result
}

fn staged(wish: &Wish, output: Output) -> Result<(), Error> {
    let append = words(&wish.append)?;
    if !rustix::process::geteuid().is_root() {
        return Err(Error::NotRoot);
    }
    let _lock = Lock::take()?;
    // The remains of an earlier `stage` that was killed take space that is
    // checked below.
    for error in Places::all().discard() {
        complain(format_args!("replant: {error}"));
    }
    for told in own_boot_sector()?.iter() {
        output.step("stage", Progress::Warning, told);
    }
    output.step("check", Progress::Running, "");
    let mut rows = Rows::new(output);
    let request = Request {
        dir: &wish.package,
        append: &append,
        protection: wish.protection,
        thorough: false,
        trust: &wish.trust,
    };
    let checked = examine(&request, &mut rows)?;
    judge(&rows, checked.is_some(), false)?;
    let Some(checked) = checked else {
        return Err(Error::Unchecked(1));
    };
    output.step("check", Progress::Done, "");
    output.text(format_args!("\n{}", checked.describe()));
    let disk = checked.plan.disk.display();
    output.text(format_args!(
        "ALL DATA ON {disk} WILL BE REPLACED by the new system."
    ));
    if !wish.yes && !agreed()? {
        return Err(Error::Declined);
    }
    let places = Places::all();
    if let Err(error) = prepare(&checked, &places, output) {
        for second in places.discard() {
            complain(format_args!("replant: {second}"));
        }
        return Err(error);
    }
    output.step("boot entry", Progress::Running, "");
    if let Err(error) = arm(&checked, &places) {
        output.step(
            "boot entry",
            Progress::Failed,
            "the staging failed at its end and is taken back",
        );
        match take_back() {
            Ok(()) => complain("replant: taken back: nothing is staged"),
            Err(second) => complain(format_args!("replant: {second}")),
        }
        return Err(error);
    }
    output.step("boot entry", Progress::Done, "");
    output.step(
        "stage",
        Progress::Done,
        "staged: the next boot goes into the tiny system, once",
    );
    if wish.reboot {
        output.step(
            "restart",
            Progress::Running,
            "restarting now; do not switch the machine off",
        );
        rustix::fs::sync();
        program::output(&mut Command::new("reboot")).map_err(Error::Restart)?;
    }
    Ok(())
}

fn agreed() -> Result<bool, Error> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Error::NobodyToAsk);
    }
    ask("Type yes to go on: ");
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    read.map_err(cannot("read", "the terminal"))?;
    Ok(line.trim() == "yes")
}

/// Prepares all files beside their final places.
fn prepare(checked: &Checked, places: &Places, output: Output) -> Result<(), Error> {
    if let Some(error) = places.discard().into_iter().next() {
        return Err(error);
    }
    let dir = own_directory(&places::staged_dir())?;
    output.step("identity", Progress::Running, "");
    let live = identity::network::kernel::KernelNetwork::read()?;
    let report = identity::save_with(
        Path::new("/"),
        Some(&live),
        checked.machine.clone(),
        &dir.join(paths::IDENTITY),
    )?;
    for line in &report.warnings {
        output.step("identity", Progress::Warning, line);
    }
    output.step("identity", Progress::Done, "");
    output.step("files", Progress::Running, "");
    for name in checked.package.names() {
        link_or_copy(checked, name, &dir.join(name))?;
    }
    // What was verified, whatever lies there by now.
    let manifest = dir.join(MANIFEST);
    std::fs::write(&manifest, &checked.package.text).map_err(cannot("write", &manifest))?;
    let boot = own_directory(&places::boot_dir())?;
    for (name, as_name) in [KERNEL, INITRAMFS].into_iter().zip(BOOT_FILES) {
        let (from, to) = (checked.package.dir.join(name), boot.join(as_name));
        tmpfs::load(&from, &to, &checked.package.expected(name)?, &mut |_| {})?;
    }
    if let Some(hash) = &checked.console {
        let [_, initramfs] = BOOT_FILES;
        super::console::protect(&boot.join(initramfs), hash)?;
    }
    output.step("files", Progress::Done, "");
    let record = Staged {
        format: FORMAT,
        time: checked.survey.facts.time,
        manifest_sha256: checked.package.manifest_sha256.clone(),
        payload_sha256: checked.package.expected(PAYLOAD)?.sha256.to_string(),
        identity_sha256: identity::digest(&dir.join(paths::IDENTITY))?.to_string(),
        host: checked.survey.facts.host.clone(),
        root: checked.survey.root.clone(),
        whole: checked
            .survey
            .facts
            .others
            .lost()
            .map(crate::plan::Whole::id)
            .collect(),
        fingerprint: checked.survey.fingerprint.clone(),
        facts: checked.facts.clone(),
        protection: checked.protection,
        signature: checked.signature.clone(),
        environment: environment(checked)?,
    };
    let (path, text) = (dir.join(paths::STAGED), record.encode()?);
    std::fs::write(&path, &text).map_err(cannot("write", &path))?;
    match checked.protection {
        Protection::None => Ok(()),
        Protection::Resume => {
            output.step("protection", Progress::Running, "");
            pin(checked, text.as_bytes(), output)?;
            output.step("protection", Progress::Done, "");
            Ok(())
        }
    }
}

/// Where GRUB's environment block lies, for the tiny system.
fn environment(checked: &Checked) -> Result<Option<Environment>, Error> {
    let path = checked.loader.environment();
    let real = std::fs::canonicalize(&path).map_err(cannot("find", &path))?;
    // `check` has refused one on another file system.
    let below = real.strip_prefix(&checked.survey.boot_mount).ok();
    Ok(below.map(|below| Environment {
        uuid: checked.survey.boot_uuid.clone(),
        path: below.to_string_lossy().into_owned(),
    }))
}

/// Puts all that the tiny system needs in known places of the disk, and the
/// boot sector that starts it into /boot.
fn pin(checked: &Checked, staged: &[u8], output: Output) -> Result<(), Error> {
    let (package, facts) = (&checked.package, &checked.survey.facts);
    let [root, boot] = [places::staged_dir(), places::boot_dir()].map(|place| fresh(&place));
    let dir = own_directory_at(&root.join(protection::DIR))?;
    let site = pinned::foreseen(&dir, &checked.plan.disk, &[]).map_err(protection::Error::from)?;
    let disk = Disk::open(&checked.plan.disk)?;
    let physical = disk.physical_block();
    let allowed = checked.plan.allowed(&package.manifest, physical);
    let allowed = allowed.map_err(protection::Error::from)?;
    let present = match table::read(&disk) {
        Ok(present) => present,
        // The step `wipe` treats an unreadable table in the same way.
        Err(_) => table::Present::None,
    };
    let wipe = wipe::ranges(&disk, &present, &checked.plan.table)?;
    let [kernel, initramfs] = BOOT_FILES.map(|name| boot.join(name));
    let (kernel, initramfs) = (protection::read(&kernel)?, protection::read(&initramfs)?);
    let identity = identity::archive::pack(&root.join(paths::IDENTITY))?;
    let known = &checked.survey.fingerprint.disk;
    let (mut id, mut seed) = ([0; 16], [0; 32]);
    crate::random::fill(&mut id);
    crate::random::fill(&mut seed);
    let mut meter = Meter::new(output, "protection", "copying the payload to its places");
    let expected = package.expected(PAYLOAD)?;
    let lifeboat = protection::pin(
        &Staging {
            id: Id(id),
            seed,
            site: &site,
            dir: &dir,
            allowed: &allowed,
            disk: record::Disk {
                bytes: disk.bytes(),
                logical_block: disk.block_size(),
                physical_block: physical,
                serial: known.serial.clone(),
                wwn: known.wwn.clone(),
            },
            time: facts.time,
            host: &facts.host,
            manifest: &protection::read(&root.join(MANIFEST))?,
            table_backup: &protection::read(&root.join(TABLE))?,
            staged,
            kernel: &kernel,
            initramfs: &initramfs,
            identity: &identity,
            payload: &package.dir.join(PAYLOAD),
            expected,
            words: &checked.words,
            old_sector: protection::first_sector(&disk)?,
            wipe: &wipe,
            fits: &|protected| replan(package, &checked.survey, protected)?.holds(&checked.facts),
        },
        &mut |done| meter.show(done, expected.size),
    );
    meter.clear();
    let lifeboat = lifeboat?;
    let path = boot.join(protection::BOOT_SECTOR);
    Ok(std::fs::write(&path, lifeboat.boot_sector).map_err(cannot("write", &path))?)
}

/// Makes the directory that will be moved to `place`. Only root may read it, for
/// it will hold password hashes and private keys.
fn own_directory(place: &Path) -> Result<PathBuf, Error> {
    own_directory_at(&fresh(place))
}

fn own_directory_at(dir: &Path) -> Result<PathBuf, Error> {
    let made = std::fs::DirBuilder::new().mode(0o700).create(dir);
    made.map_err(cannot("create the directory", dir))?;
    Ok(dir.into())
}

/// Moves all files to their places, and chooses our entry for the next boot.
fn arm(checked: &Checked, places: &Places) -> Result<(), Error> {
    // Whole on the disk before anything refers to it.
    rustix::fs::sync();
    // An entry from an earlier staging must not boot with the new files.
    let errors = disarm();
    if !errors.is_empty() {
        return Err(Error::Remains(errors));
    }
    let (loader, view) = (&checked.loader, &checked.view);
    let normal = view.normal(loader)?;
    let former = fresh(&places::staged_dir()).join(FORMER_GRUBENV);
    std::fs::write(&former, loader.former()?).map_err(cannot("write", &former))?;
    places.commit()?;
    if let Some(error) = Places::earlier().remove().into_iter().next() {
        return Err(error);
    }
    rustix::fs::sync();
    loader.install(&checked.entry)?;
    view.confirm(&checked.entry, &normal)?;
    rustix::fs::sync();
    flush::for_grub(&checked.survey.boot_mount)
}

/// Makes a hard link, which takes no space and stays when the package's directory
/// is removed; copies where that is not possible.
fn link_or_copy(checked: &Checked, name: &str, to: &Path) -> Result<(), Error> {
    let from = checked.package.dir.join(name);
    if space::can_be_linked(&from) && std::fs::hard_link(&from, to).is_ok() {
        return Ok(());
    }
    tmpfs::load(&from, to, &checked.package.expected(name)?, &mut |_| {})?;
    let copy = std::fs::File::open(to).map_err(cannot("open", to))?;
    copy.sync_all().map_err(cannot("flush", to))?;
    Ok(())
}
