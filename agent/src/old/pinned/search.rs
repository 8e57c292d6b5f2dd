// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds free space in permitted places by allocating it and looking where it is.
//!
//! A file system cannot be told where to put a file. So a file is allocated and
//! grown until enough of it lies in permitted places. The rest stays allocated
//! meanwhile, so that it is not handed out again; before the content is written
//! it is freed, which leaves holes. Permitted space that is not needed is freed
//! at once.

use super::extents::Piece;
use super::release::remove;
use super::site::LEFT;
use super::{Allowed, Error, Obstacle, Reserved, Shape, Site, Wish, holes};
use ondisk::run::SECTOR;
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use sys::cannot;

/// By how many bytes a file grows first; twice as many each time.
const GROWTH: u64 = 16 << 20;
/// With more runs than this, the file is grown a few more times in search of
/// longer ones.
const FEW: usize = 32;
/// How often it is grown for that.
const FEW_TRIES: u32 = 3;
/// Zeros that are written at once on file systems without fallocate.
const ZEROS: usize = 1 << 20;

/// Finds places for the files of one directory. To make several files, reserve
/// them all before filling the first: space that is unsuitable for one is then
/// not offered again for the next.
#[derive(Debug)]
pub struct Search<'a> {
    site: &'a Site,
    dir: PathBuf,
    allowed: Allowed,
}

impl<'a> Search<'a> {
    /// A search for files in `dir` that lie in `allowed`.
    pub fn new(site: &'a Site, dir: &Path, allowed: Allowed) -> Search<'a> {
        Search {
            site,
            dir: dir.into(),
            allowed,
        }
    }

    /// Makes the file `name`, which must not exist, with a place as wished.
    ///
    /// # Errors
    /// [`Obstacle`] if there is no such place; the file does not exist then.
    pub fn reserve(&self, name: &str, wish: &Wish) -> Result<Reserved<'a>, Error> {
        self.site.has_room(wish.room())?;
        let path = self.dir.join(name);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        let file = options.open(&path).map_err(cannot("create", &path))?;
        match self.grow(&file, &path, wish) {
            Ok(content) => Ok(Reserved::new(self.site, file, path, content, wish.bytes)),
            Err(error) => {
                remove(&file, &path)?;
                Err(error)
            }
        }
    }

    /// Allocates until enough lies in permitted places.
    fn grow(&self, file: &File, path: &Path, wish: &Wish) -> Result<Vec<Piece>, Error> {
        let allowed = match &wish.apart {
            Some((runs, distance)) => self.allowed.away_from(runs, *distance),
            None => self.allowed.clone(),
        };
        let (mut length, mut more, mut growth) = (0, wish.room(), GROWTH);
        for round in 0.. {
            crate::stop::check().map_err(crate::disk::Error::from)?;
            let full = match allocate(file, length, more) {
                Ok(()) => false,
                // What could be allocated may be enough.
                Err(Errno::NOSPC) => true,
                Err(errno) => return Err(cannot("allocate", path)(errno).into()),
            };
            length = length.saturating_add(more);
            let pieces = self.site.pieces(file, path, &[])?;
            more = growth.min(self.site.free()?.saturating_sub(LEFT)) / SECTOR * SECTOR;
            growth = growth.saturating_mul(2);
            let last = full || more == 0;
            if let Some(content) = wish.choose(&pieces, &allowed)
                && (last || round >= FEW_TRIES || content.len() <= FEW)
            {
                self.free_permitted(file, path, &pieces, &content)?;
                return Ok(content);
            }
            if last {
                break;
            }
        }
        let (dir, bytes) = (self.dir.clone(), wish.bytes);
        Err(Error::Obstacle(match wish.shape {
            Shape::Runs => Obstacle::NoPlace { dir, bytes },
            Shape::OneRun { .. } => Obstacle::NoRun { dir, bytes },
        }))
    }

    /// Frees permitted space that is not needed, for other files. The unsuitable
    /// rest stays until the content is written.
    fn free_permitted(
        &self,
        file: &File,
        path: &Path,
        pieces: &[Piece],
        content: &[Piece],
    ) -> Result<(), Error> {
        let parts = |piece: &Piece| -> Vec<Piece> {
            let parts = self.allowed.parts(piece.run);
            parts.map(|run| piece.part(run)).collect()
        };
        let parts = pieces.iter().flat_map(parts);
        let rest = parts.flat_map(|part| holes::without(part.offset..part.end(), content));
        let rest: Vec<_> = rest.collect();
        holes::free(file, path, &rest)?;
        // The space can be allocated again only after the journal's commit.
        Ok(file.sync_all().map_err(cannot("flush", path))?)
    }
}

/// Allocates a part of a file.
fn allocate(file: &File, start: u64, bytes: u64) -> Result<(), Errno> {
    match fallocate(file, FallocateFlags::empty(), start, bytes) {
        // ext2 and ext3, whose files have no extents.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
        answer => return answer,
    }
    let zeros = vec![0; ZEROS];
    let end = start.saturating_add(bytes);
    let mut at = start;
    while at < end {
        let length = usize::try_from(end - at).map_or(ZEROS, |left| left.min(ZEROS));
        let piece = zeros.get(..length).unwrap_or_default();
        let written = file.write_all_at(piece, at);
        written.map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::IO))?;
        at = at.saturating_add(length as u64);
    }
    Ok(())
}
