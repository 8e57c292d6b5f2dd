// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant status`: what is staged, and how the last attempt ended.

use super::bootentry::{self, Loader, armed_entry};
use super::last::Last;
use super::revert::own_boot_sector;
use super::{Error, Staged};
use crate::paths;
use crate::report::quote;
use crate::terminal::{complain, say};
use std::path::Path;
use sys::FileError;

/// Prints what is staged on this machine.
pub fn status(json: bool) -> Result<(), Error> {
    let dir = Path::new("/").join(paths::STAGED_DIR);
    let path = dir.join(paths::STAGED);
    let staged = match std::fs::read_to_string(&path) {
        Ok(text) => Some(Staged::parse(&text)?),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => return Err(FileError::new("read", path, e).into()),
    };
    let armed = armed(Path::new("/"))?;
    // Only root can put the boot sector back; for others the rest of the status
    // is enough.
    if staged.is_some() && rustix::process::geteuid().is_root() {
        // On standard error, because standard output may be JSON.
        own_boot_sector()?.iter().for_each(complain);
    }
    let last = Last::of(Path::new("/"), staged.is_some(), armed.is_some())?;
    if json {
        let text = |text: Option<&str>| text.map_or("null".into(), quote);
        say(format_args!(
            "{{\"staged\":{},\"armed\":{},\"root\":{},\"protection\":{},\"last_failure\":{},{}}}",
            staged.is_some(),
            armed.is_some(),
            text(staged.as_ref().map(|s| s.root.as_str())),
            text(staged.as_ref().map(|s| s.protection.word())),
            text(last.failure()),
            last.json()
        ));
        return Ok(());
    }
    match &staged {
        None => say("nothing is staged"),
        Some(staged) => say(format_args!(
            "staged: root {}, disk of {} bytes with the table \"{}\", protection {}",
            staged.root,
            staged.fingerprint.disk.bytes,
            staged.fingerprint.disk.table,
            staged.protection
        )),
    }
    match &armed {
        Some(entry) => say(format_args!("the next boot is {entry}")),
        None => say("the next boot is an ordinary one"),
    }
    if let Some(line) = last.line() {
        say(line);
    }
    if let Some(log) = &last.log {
        say(format_args!("its log is {}", log.display()));
    }
    Ok(())
}

/// The entry that is chosen for the next boot of the system below `root`, if any.
/// It is read from GRUB's files; its programs may be missing.
fn armed(root: &Path) -> Result<Option<String>, bootentry::Error> {
    let path = match Loader::detect_files(root) {
        Ok(loader) => loader.environment(),
        // A system that is not staged may have another boot loader.
        Err(bootentry::Error::NoLoader) => return Ok(None),
        Err(error) => return Err(error),
    };
    // It need not have an environment block, either. A dangling link is an error,
    // though.
    if !path.exists() && !path.is_symlink() {
        return Ok(None);
    }
    armed_entry(&path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_armed_entry_is_seen_without_the_programs_of_grub() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        assert_eq!(armed(root).unwrap(), None);
        let directory = root.join("boot/grub");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("grub.cfg"), "").unwrap();
        assert_eq!(armed(root).unwrap(), None);
        let mut block = b"# GRUB Environment Block\nnext_entry=replant-migration\n".to_vec();
        block.resize(1024, b'#');
        std::fs::write(directory.join("grubenv"), block).unwrap();
        assert_eq!(armed(root).unwrap().as_deref(), Some(bootentry::ID));
    }
}
