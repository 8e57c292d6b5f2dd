// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant stage`: files in place, identity saved, one boot armed.

use super::arguments::words;
use super::check::{Checked, checked};
use super::lock::Lock;
use super::places::{self, BOOT_FILES, FORMER_GRUBENV, Places, fresh};
use super::revert::{disarm, take_back};
use super::space;
use super::{Error, FORMAT, Staged, flush};
use crate::payload::tmpfs;
use crate::terminal::{ask, complain, say};
use crate::{paths, program};
use ondisk::manifest::{INITRAMFS, KERNEL, MANIFEST, PAYLOAD};
use std::io::{BufRead, IsTerminal};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::Command;
use sys::cannot;

/// Places the package and arms one boot into the tiny system.
///
/// # Errors
/// [`Error`]. As long as files are only made, the machine is as it was then,
/// with what was staged before. If the last moments fail (the files go to
/// their places, the boot entry is made), nothing is staged any more.
pub fn stage(package: &Path, yes: bool, reboot: bool, append: &str) -> Result<(), Error> {
    let append = words(append)?;
    if !rustix::process::geteuid().is_root() {
        return Err(Error::NotRoot);
    }
    let _lock = Lock::take()?;
    // What a staging left that was killed takes room that is counted below.
    for error in Places::all().discard() {
        complain(format_args!("replant: {error}"));
    }
    let checked = checked(package, &append)?;
    say(checked.describe());
    let disk = checked.plan.disk.display();
    say(format_args!(
        "ALL DATA ON {disk} WILL BE REPLACED by the new system."
    ));
    if !yes && !agreed()? {
        return Err(Error::Declined);
    }
    let places = Places::all();
    if let Err(error) = prepare(&checked, &places) {
        for second in places.discard() {
            complain(format_args!("replant: {second}"));
        }
        return Err(error);
    }
    if let Err(error) = arm(&checked, &places) {
        complain("replant: the staging failed at its end and is taken back");
        match take_back() {
            Ok(()) => complain("replant: taken back: nothing is staged"),
            Err(second) => complain(format_args!("replant: {second}")),
        }
        return Err(error);
    }
    say("staged: the next boot goes into the tiny system, once");
    if reboot {
        say("restarting now; do not switch the machine off");
        rustix::fs::sync();
        program::output(&mut Command::new("reboot")).map_err(Error::Restart)?;
    }
    Ok(())
}

fn agreed() -> Result<bool, Error> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        let what = "nobody to ask on standard input; say --yes";
        return Err(Error::Unsupported(what.into()));
    }
    ask("Type yes to go on: ");
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    read.map_err(cannot("read", "the terminal"))?;
    Ok(line.trim() == "yes")
}

/// Makes everything, beside its places.
fn prepare(checked: &Checked, places: &Places) -> Result<(), Error> {
    if let Some(error) = places.discard().into_iter().next() {
        return Err(error);
    }
    let dir = own_directory(&places::staged_dir())?;
    let live = identity::network::kernel::KernelNetwork::read()?;
    let report = identity::save(Path::new("/"), Some(&live), &dir.join(paths::IDENTITY))?;
    for line in &report.warnings {
        say(format_args!("warning: {line}"));
    }
    for name in checked.package.names() {
        link_or_copy(checked, name, &dir.join(name))?;
    }
    let manifest = dir.join(MANIFEST);
    std::fs::copy(checked.package.dir.join(MANIFEST), &manifest)
        .map_err(cannot("write", &manifest))?;
    let boot = own_directory(&places::boot_dir())?;
    for (name, as_name) in [KERNEL, INITRAMFS].into_iter().zip(BOOT_FILES) {
        let (from, to) = (checked.package.dir.join(name), boot.join(as_name));
        tmpfs::load(&from, &to, &checked.package.expected(name)?, &mut |_| {})?;
    }
    if let Some(hash) = &checked.console {
        let [_, initramfs] = BOOT_FILES;
        super::console::protect(&boot.join(initramfs), hash)?;
    }
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
    };
    let path = dir.join(paths::STAGED);
    Ok(std::fs::write(&path, record.encode()?).map_err(cannot("write", &path))?)
}

/// Makes the directory beside `place` that will be moved there, for root
/// alone: password hashes and private keys will lie in it.
fn own_directory(place: &Path) -> Result<std::path::PathBuf, Error> {
    let dir = fresh(place);
    let mut builder = std::fs::DirBuilder::new();
    builder
        .mode(0o700)
        .create(&dir)
        .map_err(cannot("create the directory", &dir))?;
    Ok(dir)
}

/// Puts everything in its place, and chooses it for the next boot.
fn arm(checked: &Checked, places: &Places) -> Result<(), Error> {
    // Whole on the disk before anything refers to it.
    rustix::fs::sync();
    // What was staged before must not boot with files of this one.
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

/// A second name costs no space, and the package's own directory may go away.
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
