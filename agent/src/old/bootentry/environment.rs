// SPDX-License-Identifier: MIT OR Apache-2.0
//! GRUB's environment block, as far as staging depends on it.

use super::{Error, ID};
use ondisk::grub::{Env, EnvError};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use sys::{FileError, cannot};

/// The variable that GRUB empties before it boots what it names.
const CHOICE: &str = "next_entry";

fn unfit(path: &Path, why: impl ToString) -> Error {
    Error::Environment {
        path: path.into(),
        why: why.to_string(),
    }
}

fn load(path: &Path) -> Result<(Vec<u8>, Env), Error> {
    let bytes = std::fs::read(path).map_err(cannot("read", path))?;
    let env = Env::parse(&bytes).map_err(|e| unfit(path, e))?;
    Ok((bytes, env))
}

fn differs(path: &Path) -> impl Fn(EnvError) -> Error + '_ {
    |e| unfit(path, e)
}

/// Checks that GRUB finds the block, can write it, and has room to set and reset
/// our choice. GRUB writes in place without a file system driver, so the file
/// must be complete and without holes.
pub(super) fn check(path: &Path) -> Result<(), Error> {
    let (bytes, _) = load(path)?;
    armed(path, &bytes)?;
    in_place(path)?;
    let meta = std::fs::metadata(path).map_err(cannot("look at", path))?;
    if meta.blocks() == 0 {
        return Err(unfit(path, "the file has no block of its own on the disk"));
    }
    Ok(())
}

/// Checks links in the path: GRUB sees one file system without mounts, follows
/// links on it only, and starts absolute ones at its root.
fn in_place(path: &Path) -> Result<(), Error> {
    let elsewhere = |target| Error::Elsewhere {
        path: path.into(),
        target,
    };
    if let Ok(target) = std::fs::read_link(path)
        && target.is_absolute()
    {
        return Err(elsewhere(target));
    }
    let Some(directory) = path.parent() else {
        return Ok(());
    };
    let device = |path: &Path| {
        let meta = std::fs::metadata(path);
        meta.map(|m| m.dev()).map_err(cannot("look at", path))
    };
    if device(path)? != device(directory)? {
        return Err(elsewhere(
            std::fs::canonicalize(path).map_err(cannot("find", path))?,
        ));
    }
    Ok(())
}

/// The block with our entry chosen for the next boot.
pub(super) fn armed(path: &Path, block: &[u8]) -> Result<Vec<u8>, Error> {
    let mut env = Env::parse(block).map_err(differs(path))?;
    env.set_once(CHOICE, ID).map_err(differs(path))?;
    Ok(env.bytes().to_vec())
}

/// The block without our choice. `former` is the block from before it: if nothing
/// else has changed since, exactly those bytes are restored. A choice of somebody
/// else's entry stays.
fn disarmed(block: &[u8], former: Option<&[u8]>, entries: &[&str]) -> Option<Vec<u8>> {
    let mut env = Env::parse(block).ok()?;
    let former = former.and_then(|bytes| Env::parse(bytes).ok());
    let before = former.as_ref().and_then(|env| env.get(CHOICE));
    let rest = |env: &Env| {
        let mut all = env.variables();
        all.retain(|(name, _)| name != CHOICE);
        all
    };
    match env.get(CHOICE).as_deref() {
        None => return None,
        // GRUB has consumed our choice; an older one that it replaced is not
        // restored.
        Some("") if before.as_deref().is_none_or(str::is_empty) && former.is_some() => {}
        Some(choice) if entries.contains(&choice) => {}
        Some(_) => return None,
    }
    match (former, before) {
        (Some(former), _) if rest(&former) == rest(&env) => Some(former.bytes().to_vec()),
        (_, Some(value)) => {
            env.set(CHOICE, &value).ok()?;
            Some(env.bytes().to_vec())
        }
        (_, None) => {
            env.unset(CHOICE);
            Some(env.bytes().to_vec())
        }
    }
}

/// The block as GRUB leaves it when it takes our choice back; `None` if that is
/// not there.
///
/// # Errors
/// Why it is not a valid block.
pub fn without_choice(block: &[u8]) -> Result<Option<Vec<u8>>, EnvError> {
    let mut env = Env::parse(block)?;
    if env.get(CHOICE).as_deref() != Some(ID) {
        return Ok(None);
    }
    env.set(CHOICE, "")?;
    Ok(Some(env.bytes().to_vec()))
}

/// The block without any choice, as GRUB finds it at later boots.
pub(super) fn unchosen(path: &Path) -> Result<Vec<u8>, Error> {
    let (_, mut env) = load(path)?;
    env.unset(CHOICE);
    Ok(env.bytes().to_vec())
}

/// Chooses our entry for the next boot, and reads the choice back.
pub(super) fn arm(path: &Path) -> Result<(), Error> {
    let (block, _) = load(path)?;
    write(path, &armed(path, &block)?)?;
    let found = armed_entry(path)?.unwrap_or_default();
    if found == ID {
        return Ok(());
    }
    Err(Error::NotArmed {
        path: path.into(),
        found,
    })
}

/// Takes our choice back; see [`disarmed`].
pub(super) fn disarm(path: &Path, former: Option<&[u8]>, entries: &[&str]) -> Result<(), Error> {
    let (block, _) = load(path)?;
    match disarmed(&block, former, entries) {
        Some(bytes) if bytes != block => write(path, &bytes),
        _ => Ok(()),
    }
}

/// Overwrites the file in place with the same length, as GRUB and its programs do
/// it; everything else about the file stays the same. `path` is its name in
/// messages.
///
/// # Errors
/// When the file cannot be opened or written.
pub fn overwrite(place: &Path, path: &Path, block: &[u8]) -> Result<(), FileError> {
    let file = std::fs::File::options().write(true).open(place);
    let written = file.and_then(|file| {
        file.write_all_at(block, 0)?;
        file.sync_all()
    });
    written.map_err(cannot("write", path))
}

fn write(path: &Path, block: &[u8]) -> Result<(), Error> {
    Ok(overwrite(path, path, block)?)
}

/// The value of a variable.
pub(super) fn value(path: &Path, name: &str) -> Result<Option<String>, Error> {
    Ok(load(path)?.1.get(name))
}

/// Sets a variable, or unsets it.
pub(super) fn set(path: &Path, name: &str, value: Option<&str>) -> Result<(), Error> {
    let (_, mut env) = load(path)?;
    match value {
        Some(value) => env.set(name, value).map_err(differs(path))?,
        None => env.unset(name),
    }
    write(path, env.bytes())
}

/// The entry that is chosen for the next boot only.
pub fn armed_entry(path: &Path) -> Result<Option<String>, Error> {
    Ok(value(path, CHOICE)?.filter(|choice| !choice.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn block(text: &str) -> Vec<u8> {
        let mut bytes = format!("# GRUB Environment Block\n{text}").into_bytes();
        bytes.resize(1024, b'#');
        bytes
    }

    /// The block as GRUB leaves it after booting the choice.
    fn used_up(bytes: &[u8]) -> Vec<u8> {
        let mut env = Env::parse(bytes).unwrap();
        env.set(CHOICE, "").unwrap();
        env.bytes().to_vec()
    }

    #[test]
    fn the_block_is_what_it_was() {
        let path = Path::new("grubenv");
        for text in [
            "",
            "saved_entry=0\n",
            "next_entry=\nsaved_entry=a\n",
            "saved_entry=a\nnext_entry=memtest86\nboot_success=1\n",
        ] {
            let before = block(text);
            let armed = armed(path, &before).unwrap();
            assert_eq!(Env::parse(&armed).unwrap().get(CHOICE).as_deref(), Some(ID));
            let back = disarmed(&armed, Some(&before), &[ID]).unwrap();
            assert_eq!(back, before, "{text:?}");
            let booted = used_up(&armed);
            assert_eq!(without_choice(&armed), Ok(Some(booted.clone())));
            assert_eq!(without_choice(&booted), Ok(None));
            let back = disarmed(&booted, Some(&before), &[ID]);
            if text.contains("memtest86") {
                assert_eq!(back, None);
            } else {
                assert_eq!(back.unwrap(), before, "{text:?}");
            }
        }
    }

    #[test]
    fn what_others_wrote_meanwhile_stays() {
        let path = Path::new("grubenv");
        let before = block("saved_entry=0\n");
        let mut env = Env::parse(&armed(path, &before).unwrap()).unwrap();
        env.set("saved_entry", "newer").unwrap();
        let want = block("saved_entry=newer\n");
        let back = disarmed(env.bytes(), Some(&before), &[ID]).unwrap();
        assert_eq!(back, want);
        // By version 0.1.0, which kept no copy.
        let back = disarmed(env.bytes(), None, &["f0c-0-convert", ID]).unwrap();
        assert_eq!(back, want);
        env.set(CHOICE, "memtest86").unwrap();
        assert_eq!(disarmed(env.bytes(), Some(&before), &[ID]), None);
        assert_eq!(without_choice(env.bytes()), Ok(None));
        without_choice(b"no block").unwrap_err();
        assert_eq!(disarmed(&before, Some(&before), &[ID]), None);
    }

    #[test]
    fn a_block_that_grub_does_not_find_or_cannot_write_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("grub2/grubenv");
        std::fs::create_dir(dir.path().join("grub2")).unwrap();
        let result = || check(&path).map_err(|e| e.to_string());
        std::fs::write(&path, block("saved_entry=0\n")).unwrap();
        result().unwrap();
        // On the same file system, by a path that GRUB follows.
        let real = dir.path().join("real");
        std::fs::rename(&path, &real).unwrap();
        symlink("../real", &path).unwrap();
        result().unwrap();
        std::fs::remove_file(&path).unwrap();
        symlink(&real, &path).unwrap();
        let error = result().unwrap_err();
        assert!(error.contains("is a link to"), "{error}");
        testkit::needs!("root");
        // On another one.
        let esp = dir.path().join("efi");
        std::fs::create_dir(&esp).unwrap();
        let flags = rustix::mount::MountFlags::empty();
        rustix::mount::mount("replant-test", &esp, "tmpfs", flags, None).unwrap();
        std::fs::rename(&real, esp.join("grubenv")).unwrap_err();
        std::fs::copy(&real, esp.join("grubenv")).unwrap();
        std::fs::remove_file(&path).unwrap();
        symlink("../efi/grubenv", &path).unwrap();
        let error = result();
        rustix::mount::unmount(&esp, rustix::mount::UnmountFlags::empty()).unwrap();
        let error = error.unwrap_err();
        assert!(error.contains("efi/grubenv, which GRUB"), "{error}");
    }
}
