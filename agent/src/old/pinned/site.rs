// SPDX-License-Identifier: MIT OR Apache-2.0
//! The file system in which files are pinned, and whether it is suitable.

use super::extents::{Piece, on_disk, pieces};
use super::obstacle::KINDS;
use super::{Error, Obstacle, Wish};
use crate::block::{DevNo, Mapping, SYS};
use crate::disk::Disk;
use crate::machine;
use crate::old::space::Space;
use crate::old::survey::holding;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use sys::cannot;

/// Bytes that stay free for other programs.
pub const LEFT: u64 = 64 << 20;

/// A file system whose files' places on the disk can be known.
#[derive(Debug)]
pub struct Site {
    pub(super) mount: PathBuf,
    pub(super) mapping: Mapping,
    pub(super) disk: Disk,
}

/// Checks whether files for these wishes can probably be pinned in `dir`, which
/// need not exist, on the disk with this node. Writes nothing; whether the free
/// space lies in permitted places shows only when it is allocated.
///
/// # Errors
/// [`Obstacle`] names what is in the way.
pub fn foreseen(dir: &Path, disk: &Path, wishes: &[Wish]) -> Result<Site, Error> {
    let site = Site::of(dir, disk)?;
    let room = wishes.iter().map(Wish::room).fold(0, u64::saturating_add);
    site.has_room(room)?;
    Ok(site)
}

impl Site {
    fn of(dir: &Path, disk: &Path) -> Result<Site, Error> {
        let mounts = machine::mounts()?;
        let mount = holding(&mounts, dir).map_err(Box::new)?;
        let target = PathBuf::from(&mount.target);
        if !KINDS.contains(&mount.kind.as_str()) {
            let kind = mount.kind.clone();
            return Err(Obstacle::FileSystem {
                mount: target,
                kind,
            }
            .into());
        }
        if mount.options.split(',').any(|o| o.starts_with("rtdev=")) {
            return Err(Obstacle::Realtime { mount: target }.into());
        }
        let disk = Disk::open(disk)?;
        let Some(dev) = disk.dev() else {
            let path = disk.path().into();
            return Err(crate::disk::Error::NotADisk { path }.into());
        };
        let mapping = Mapping::to(Path::new(SYS), &mut sys::dm::tables(), mount.device, dev)?;
        Ok(Site {
            mount: target,
            mapping,
            disk,
        })
    }

    /// The disk, for reading pinned files back.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Bytes that may be allocated.
    pub(super) fn free(&self) -> Result<u64, Error> {
        let space = Space::of(&self.mount).map_err(Box::new)?;
        if space.read_only {
            let mount = self.mount.clone();
            return Err(Obstacle::ReadOnly { mount }.into());
        }
        Ok(space.free)
    }

    pub(super) fn has_room(&self, bytes: u64) -> Result<(), Error> {
        let (free, need) = (self.free()?, bytes.saturating_add(LEFT));
        match need <= free {
            true => Ok(()),
            false => Err(self.no_room(need, free)),
        }
    }

    pub(super) fn no_room(&self, need: u64, free: u64) -> Error {
        let dir = self.mount.clone();
        Obstacle::NoRoom { dir, need, free }.into()
    }

    /// The pieces of a file on the disk. The `written` parts must have content,
    /// and not only be reserved.
    ///
    /// # Errors
    /// [`Obstacle::Extent`] names what is wrong with the file.
    pub(super) fn pieces(
        &self,
        file: &File,
        path: &Path,
        written: &[Range<u64>],
    ) -> Result<Vec<Piece>, Error> {
        let meta = file.metadata().map_err(cannot("look at", path))?;
        if DevNo::from(meta.dev()) != self.mapping.top() {
            return Err(Obstacle::Layer {
                device: path.display().to_string(),
                what: "not on the file system that was looked at".into(),
            }
            .into());
        }
        let extents = sys::fiemap::extents(file).map_err(cannot("ask for the places of", path))?;
        let found = pieces(&extents, written).map_err(|flaw| Obstacle::Extent {
            file: path.into(),
            flaw,
        })?;
        on_disk(&self.mapping, &found)
    }
}
