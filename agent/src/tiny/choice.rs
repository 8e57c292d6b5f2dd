// SPDX-License-Identifier: MIT OR Apache-2.0
//! Resets GRUB's choice for one boot where GRUB could not do it.
//!
//! GRUB empties `next_entry` before it starts the entry. If it could not write
//! that, every reset would start the tiny system again, and there would be no way
//! back to the old one. The kernel's driver can write it.

use crate::block::{self, BlockDevice, SYS};
use crate::device::Devices;
use crate::locate::identify;
use crate::old::{Environment, bootentry};
use crate::{mount, paths};
use ondisk::grub::EnvError;
use rootdir::RootDir;
use rustix::mount::MountFlags;
use std::path::{Path, PathBuf};
use sys::FileError;

/// Why the choice could not be reset, or not even be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Stays(Box<Error>),
    #[error("{found} file systems of the disk have the UUID {uuid}")]
    FileSystem { found: usize, uuid: String },
    #[error("{0} is missing")]
    Missing(String),
    #[error("{path}: {error}")]
    Block { path: String, error: EnvError },
    #[error("{0} does not keep what is written to it")]
    Kept(String),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Below(#[from] rootdir::Error),
    #[error(transparent)]
    Mount(#[from] mount::Error),
    #[error(transparent)]
    Device(#[from] crate::device::Error),
}

/// Resets our choice if it is still set; returns whether it was. Only then is the
/// file system mounted for writing. A choice of somebody else's entry stays.
///
/// # Errors
/// [`Error::Stays`] if every reset starts our entry again; other errors if the
/// choice could not be read.
pub(super) fn take_back(
    devices: &mut Devices,
    disk: &BlockDevice,
    environment: &Environment,
) -> Result<bool, Error> {
    let (device, kind) = holding(&devices.block_devices()?, disk, &environment.uuid)?;
    devices.ensure(&[&kind])?;
    let at = Path::new(paths::OLD_ROOT);
    take_back_on(&device, &kind, at, &environment.path)
}

/// The one file system of the disk with this UUID, and its type.
fn holding(
    devices: &[BlockDevice],
    disk: &BlockDevice,
    uuid: &str,
) -> Result<(PathBuf, String), Error> {
    let is_on_disk = |device: &&BlockDevice| {
        let disks = block::disks_below(Path::new(SYS), device.dev);
        disks.is_ok_and(|disks| disks.contains(&disk.name))
    };
    let content = |device: &BlockDevice| {
        let content = identify(&device.path()).filter(|content| content.uuid == uuid)?;
        Some((device.path(), content.kind))
    };
    let on_disk = devices.iter().filter(is_on_disk);
    let mut found: Vec<_> = on_disk.filter_map(content).collect();
    match (found.pop(), found.len()) {
        (Some(one), 0) => Ok(one),
        (one, others) => Err(Error::FileSystem {
            found: others.saturating_add(usize::from(one.is_some())),
            uuid: uuid.into(),
        }),
    }
}

fn take_back_on(device: &Path, kind: &str, at: &Path, path: &str) -> Result<bool, Error> {
    let Some(emptied) = look(device, kind, at, path)? else {
        return Ok(false);
    };
    match write(device, kind, at, path, &emptied) {
        Ok(()) => Ok(true),
        Err(error) => Err(Error::Stays(Box::new(error))),
    }
}

fn write(device: &Path, kind: &str, at: &Path, path: &str, block: &[u8]) -> Result<(), Error> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount::device(device, at, kind, flags, "")?;
    let written = put(at, path, block);
    // Unmounting writes everything to its final place, because GRUB replays no
    // journal.
    let unmounted = mount::unmount_tree(at);
    rustix::fs::sync();
    written?;
    unmounted?;
    match look(device, kind, at, path)? {
        None => Ok(()),
        Some(_) => Err(Error::Kept(path.into())),
    }
}

/// The block without our choice, if that is set; read without replaying the
/// journal, as GRUB does.
fn look(device: &Path, kind: &str, at: &Path, path: &str) -> Result<Option<Vec<u8>>, Error> {
    mount::untouched(device, at, kind)?;
    let read = RootDir::open(at).and_then(|root| root.read(path));
    mount::release(device, at)?;
    let block = read?.ok_or_else(|| Error::Missing(path.into()))?;
    bootentry::without_choice(&block).map_err(|error| Error::Block {
        path: path.into(),
        error,
    })
}

fn put(root: &Path, path: &str, block: &[u8]) -> Result<(), Error> {
    let place = RootDir::open(root)?.place(path)?;
    let place = place.ok_or_else(|| Error::Missing(path.into()))?;
    Ok(bootentry::overwrite(
        &place.handle(),
        &root.join(path),
        block,
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ondisk::grub::Env;
    use testkit::{Loop, sparse, tool};

    fn block(text: &str) -> Vec<u8> {
        let mut bytes = format!("# GRUB Environment Block\n{text}").into_bytes();
        bytes.resize(1024, b'#');
        bytes
    }

    #[test]
    fn what_grub_could_not_take_back_is_taken_back_on_the_disk() {
        testkit::needs!("root", "mke2fs");
        let dir = tempfile::tempdir().unwrap();
        let (files, at) = (dir.path().join("files"), dir.path().join("at"));
        std::fs::create_dir_all(files.join("grub2")).unwrap();
        let text = format!("saved_entry=0\nnext_entry={}\n", bootentry::ID);
        for (n, (before, taken)) in [
            (block(&text), true),
            (block("saved_entry=0\nnext_entry=\n"), false),
            (block("next_entry=memtest86\n"), false),
        ]
        .into_iter()
        .enumerate()
        {
            std::fs::write(files.join("grub2/grubenv"), &before).unwrap();
            let image = sparse(dir.path().join(format!("disk{n}")), 16 << 20);
            let [from, to] = [&files, &image].map(|path| path.to_str().unwrap());
            tool("mke2fs", &["-q", "-F", "-t", "ext4", "-d", from, to]);
            let disk = Loop::new(&image);
            let device = block::node(disk.name());
            let untouched = std::fs::read(&image).unwrap();
            let take = || take_back_on(&device, "ext4", &at, "grub2/grubenv");
            assert_eq!(take().unwrap(), taken);
            if !taken {
                assert!(
                    std::fs::read(&image).unwrap() == untouched,
                    "a byte changed"
                );
            }
            assert!(!take().unwrap(), "it is done once");
            mount::untouched(&device, &at, "ext4").unwrap();
            let now = std::fs::read(at.join("grub2/grubenv")).unwrap();
            mount::release(&device, &at).unwrap();
            let value = |bytes: &[u8], name| Env::parse(bytes).unwrap().get(name);
            assert_eq!(value(&now, "saved_entry"), value(&before, "saved_entry"));
            let left = value(&now, "next_entry").unwrap();
            assert_eq!(left, if n == 2 { "memtest86" } else { "" });
            let missing = take_back_on(&device, "ext4", &at, "grub/grubenv").unwrap_err();
            assert_eq!(missing.to_string(), "grub/grubenv is missing");
        }
    }

    #[test]
    fn nothing_is_written_outside_of_the_file_system() {
        let dir = tempfile::tempdir().unwrap();
        let (root, outside) = (dir.path().join("root"), dir.path().join("outside"));
        std::fs::create_dir(&root).unwrap();
        std::fs::write(&outside, "as it was").unwrap();
        std::os::unix::fs::symlink(&outside, root.join("grubenv")).unwrap();
        put(&root, "grubenv", b"x").unwrap_err();
        assert_eq!(std::fs::read_to_string(&outside).unwrap(), "as it was");
    }
}
