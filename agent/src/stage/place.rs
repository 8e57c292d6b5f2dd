// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant stage`: files in place, identity saved, one boot armed; and all
//! of it taken back by `replant revert`.

use super::bootentry::{Entry, Loader};
use super::check::{Checked, checked};
use super::error::file;
use super::swap::{Swap, fresh};
use super::{Error, FORMAT, Staged};
use crate::payload::tmpfs;
use crate::{identity, paths, program};
use ondisk::manifest::{INITRAMFS, KERNEL, MANIFEST};
use std::io::{BufRead, IsTerminal, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Places the package and arms one boot into the tiny system.
///
/// # Errors
/// [`Error`]. As long as files are only made, the machine is as it was then,
/// with what was staged before. If the last moments fail (the files go to
/// their places, the boot entry is made), nothing is staged any more.
pub fn stage(package: &Path, yes: bool, reboot: bool, append: &str) -> Result<(), Error> {
    let append = words(append)?;
    let checked = checked(package)?;
    println!("{}", checked.describe());
    let disk = checked.plan.disk.display();
    println!("ALL DATA ON {disk} WILL BE REPLACED by the new system.");
    if !yes && !agreed()? {
        return Err(Error::Declined);
    }
    let places = places();
    if let Err(error) = prepare(&checked, &places) {
        if let Err(second) = places.discard() {
            eprintln!("replant: {second}");
        }
        return Err(error);
    }
    if let Err(error) = arm(&checked, &places, &append) {
        eprintln!("replant: the staging failed at its end and is taken back: nothing is staged");
        // The first error is the one to tell; what remains is told by revert.
        if let Err(second) = revert() {
            eprintln!("replant: {second}");
        }
        return Err(error);
    }
    println!("staged: the next boot goes into the tiny system, once");
    if reboot {
        println!("restarting now; do not switch the machine off");
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
    print!("Type yes to go on: ");
    let terminal = Path::new("the terminal");
    std::io::stdout().flush().map_err(file(terminal))?;
    let mut line = String::new();
    stdin.lock().read_line(&mut line).map_err(file(terminal))?;
    Ok(line.trim() == "yes")
}

/// All that staging puts somewhere.
pub(super) fn places() -> Swap {
    Swap::new(vec![staged_dir(), boot(KERNEL), boot(INITRAMFS)])
}

fn staged_dir() -> PathBuf {
    Path::new("/").join(paths::STAGED_DIR)
}

fn boot(name: &str) -> PathBuf {
    Path::new("/boot").join(name)
}

/// Makes everything, beside its places.
fn prepare(checked: &Checked, places: &Swap) -> Result<(), Error> {
    places.discard()?;
    let dir = fresh(&staged_dir());
    // Password hashes and private keys will lie in it.
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(&dir)
        .map_err(file(&dir))?;
    let live = identity::live::Network::read()?;
    let report = identity::save(Path::new("/"), Some(&live), &dir.join(paths::IDENTITY))?;
    for line in &report.warnings {
        println!("warning: {line}");
    }
    for name in checked.package.names() {
        link_or_copy(checked, name, &dir.join(name))?;
    }
    let manifest = dir.join(MANIFEST);
    std::fs::copy(checked.package.dir.join(MANIFEST), &manifest).map_err(file(&manifest))?;
    for name in [KERNEL, INITRAMFS] {
        let to = fresh(&boot(name));
        let from = checked.package.dir.join(name);
        tmpfs::load(&from, &to, &checked.package.expected(name)?, &mut |_| {})?;
    }
    let record = Staged {
        format: FORMAT,
        time: checked.old.facts.time,
        manifest_sha256: checked.package.manifest_sha256.clone(),
        identity_sha256: identity::digest(&dir.join(paths::IDENTITY))?.to_string(),
        host: checked.old.facts.host.clone(),
        root: checked.old.root.clone(),
        fingerprint: checked.old.fingerprint.clone(),
    };
    let path = dir.join(paths::STAGED);
    std::fs::write(&path, record.encode()?).map_err(file(&path))
}

/// Puts everything in its place, and chooses it for the next boot.
fn arm(checked: &Checked, places: &Swap, append: &[&str]) -> Result<(), Error> {
    // Whole on the disk before anything refers to it.
    rustix::fs::sync();
    places.commit()?;
    rustix::fs::sync();
    checked.loader.install(&Entry {
        kernel: checked.old.grub_path(KERNEL),
        initramfs: checked.old.grub_path(INITRAMFS),
        boot_uuid: checked.old.boot_uuid.clone(),
        arguments: arguments(&checked.old.root, append)?,
    })?;
    rustix::fs::sync();
    flush_for_grub(&checked.old.boot_mount)
}

/// The tiny system's command line: the consoles of this boot in their order,
/// and a reboot after any panic, which then starts the old system.
fn arguments(root: &str, append: &[&str]) -> Result<String, Error> {
    let path = Path::new("/proc/cmdline");
    let text = std::fs::read_to_string(path).map_err(file(path))?;
    let mut words = vec![format!("root={root}"), "ro".into(), "panic=10".into()];
    words.extend(
        text.split_whitespace()
            .filter(|w| w.starts_with("console="))
            .map(String::from),
    );
    words.extend(["replant=migrate".into(), "quiet".into()]);
    words.extend(append.iter().map(|word| word.to_string()));
    Ok(words.join(" "))
}

/// The words of `--append`, which a line of grub.cfg must be able to carry.
fn words(append: &str) -> Result<Vec<&str>, Error> {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".,:=/_+@%-".contains(c);
    let words: Vec<&str> = append.split_whitespace().collect();
    match words.iter().find(|w| !w.chars().all(plain)) {
        Some(word) => Err(Error::Word(word.to_string())),
        None => Ok(words),
    }
}

/// GRUB does not replay journals: freezing writes everything in place.
fn flush_for_grub(mount: &Path) -> Result<(), Error> {
    let open = std::fs::File::open(mount).map_err(file(mount))?;
    rustix::fs::syncfs(&open).map_err(|e| file(mount)(e.into()))?;
    if mount == Path::new("/") {
        // Freezing the root would stop this very process if anything of it
        // had to be written before the thaw.
        return Ok(());
    }
    let failed = |errno| Error::Freeze {
        path: mount.into(),
        errno,
    };
    sys::freeze::freeze(&open).map_err(failed)?;
    sys::freeze::thaw(&open).map_err(failed)
}

/// A second name costs no space, and the package's own directory may go away.
fn link_or_copy(checked: &Checked, name: &str, to: &Path) -> Result<(), Error> {
    let from = checked.package.dir.join(name);
    if same_filesystem(&from, Path::new("/")) && std::fs::hard_link(&from, to).is_ok() {
        return Ok(());
    }
    tmpfs::load(&from, to, &checked.package.expected(name)?, &mut |_| {})?;
    let copy = std::fs::File::open(to).map_err(file(to))?;
    copy.sync_all().map_err(file(to))?;
    Ok(())
}

pub(super) fn same_filesystem(a: &Path, b: &Path) -> bool {
    let device = |path: &Path| std::fs::metadata(path).map(|m| m.dev()).ok();
    device(a).is_some() && device(a) == device(b)
}

/// Takes back what `stage` did; nothing happens on a machine that was not
/// staged.
///
/// # Errors
/// [`Error`] names what could not be taken back.
pub fn revert() -> Result<(), Error> {
    if !rustix::process::geteuid().is_root() {
        return Err(Error::NotRoot);
    }
    match Loader::detect(Path::new("/")) {
        Ok(loader) => loader.remove()?,
        Err(super::bootentry::Error::NoLoader) => {}
        Err(error) => return Err(error.into()),
    }
    places().remove()?;
    rustix::fs::sync();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_grub_would_read_otherwise_are_refused() {
        let good = " replant=verify  rd.retry=300\treplant.json=ttyS1 console=ttyS0,115200n8";
        assert_eq!(words(good).unwrap().len(), 4);
        assert_eq!(words("").unwrap().len(), 0);
        for bad in [
            "a;b", "x=$y", "it's", "a\"b", "}", "a\\b", "#x", "a|b", "\u{e4}",
        ] {
            assert!(words(&format!("quiet {bad}")).is_err(), "{bad}");
        }
    }
}
