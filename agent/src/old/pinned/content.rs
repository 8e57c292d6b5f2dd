// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes content into a reserved place, and proves that it is there.

use super::extents::{Piece, places};
use super::release::remove;
use super::{Error, Obstacle, Pinned, Site, holes};
use ondisk::run::{Run, join};
use ondisk::sha256::{Sha256, Sha256Sum};
use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use sys::cannot;

/// Bytes that are copied at once.
const PIECE: usize = 1 << 20;

/// An allocated file without content.
#[derive(Debug)]
pub struct Reserved<'a> {
    site: &'a Site,
    file: File,
    path: PathBuf,
    /// Where the content goes, in the file and on the disk.
    content: Vec<Piece>,
    /// Length of the content in bytes.
    bytes: u64,
}

impl<'a> Reserved<'a> {
    pub(super) fn new(
        site: &'a Site,
        file: File,
        path: PathBuf,
        content: Vec<Piece>,
        bytes: u64,
    ) -> Reserved<'a> {
        Reserved {
            site,
            file,
            path,
            content,
            bytes,
        }
    }

    /// Where the content will lie.
    pub fn runs(&self) -> Vec<Run> {
        let runs: Vec<Run> = self.content.iter().map(|piece| piece.run).collect();
        join(&runs)
    }

    /// Length of the content in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Copies the content, which must have exactly the wished length; makes the
    /// file immutable, so that no defragmenter moves it; and reads it back from
    /// the disk. Superfluous space of the file is freed.
    ///
    /// # Errors
    /// The file stays, perhaps immutable; use [`super::release`] before removing
    /// it.
    pub fn fill(self, content: impl Read) -> Result<Pinned, Error> {
        self.write(content)?.seal()
    }

    /// As [`Reserved::fill`], but neither makes the file immutable nor reads it
    /// back; the caller does that.
    ///
    /// # Errors
    /// As [`Reserved::fill`].
    pub fn write(self, content: impl Read) -> Result<Written<'a>, Error> {
        self.free_the_rest()?;
        let sha256 = self.copy(content)?;
        self.sync()?;
        self.is_unmoved()?;
        let pinned = Pinned {
            runs: self.runs(),
            bytes: self.bytes,
            sha256,
        };
        Ok(Written {
            reserved: self,
            pinned,
        })
    }

    fn sync(&self) -> Result<(), Error> {
        Ok(self.file.sync_all().map_err(cannot("flush", &self.path))?)
    }

    /// Frees the parts of the file without content.
    fn free_the_rest(&self) -> Result<(), Error> {
        let end = self.content.last().map_or(0, Piece::end);
        // Truncating also works where holes cannot be punched.
        self.file
            .set_len(end)
            .map_err(cannot("shorten", &self.path))?;
        let rest = holes::without(0..end, &self.content);
        Ok(holes::free(&self.file, &self.path, &rest)?)
    }

    /// The parts of the file that get the content.
    fn parts(&self) -> Vec<Range<u64>> {
        let mut left = self.bytes;
        let part = |piece: &Piece| {
            let length = (piece.end() - piece.offset).min(left);
            left -= length;
            piece.offset..piece.offset + length
        };
        self.content.iter().map(part).collect()
    }

    fn copy(&self, mut content: impl Read) -> Result<Sha256Sum, Error> {
        let mut hash = Sha256::new();
        let mut buffer = vec![0; PIECE];
        let mut done: u64 = 0;
        for part in self.parts() {
            let mut at = part.start;
            while at < part.end {
                crate::stop::check().map_err(crate::disk::Error::from)?;
                let most = usize::try_from(part.end - at).map_or(PIECE, |left| left.min(PIECE));
                let buffer = buffer.get_mut(..most).unwrap_or_default();
                let read = self.read(&mut content, buffer)?;
                if read == 0 {
                    return Err(self.length(done));
                }
                let piece = buffer.get(..read).unwrap_or_default();
                let written = self.file.write_all_at(piece, at);
                written.map_err(cannot("write", &self.path))?;
                hash.update(piece);
                at += read as u64;
                done += read as u64;
            }
        }
        match self.read(&mut content, &mut [0])? {
            0 => Ok(hash.finish()),
            _ => Err(self.length(done.saturating_add(1))),
        }
    }

    fn read(&self, content: &mut impl Read, buffer: &mut [u8]) -> Result<usize, Error> {
        loop {
            match content.read(buffer) {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                read => {
                    return Ok(read.map_err(cannot("read what belongs into", &self.path))?);
                }
            }
        }
    }

    fn length(&self, found: u64) -> Error {
        Error::Length {
            file: self.path.clone(),
            found,
            expected: self.bytes,
        }
    }

    /// Fails if the content lies elsewhere than [`Reserved::runs`] said.
    fn is_unmoved(&self) -> Result<(), Error> {
        let parts = self.parts();
        let pieces = self.site.pieces(&self.file, &self.path, &parts)?;
        let mut now = Vec::new();
        for part in &parts {
            now.extend(places(&pieces, part).map_err(|flaw| Obstacle::Extent {
                file: self.path.clone(),
                flaw,
            })?);
        }
        match join(&now) == self.runs() {
            true => Ok(()),
            false => Err(Obstacle::Moved {
                file: self.path.clone(),
            }
            .into()),
        }
    }

    /// Fails if the disk has other bytes at these places.
    fn is_there(&self, pinned: &Pinned) -> Result<(), Error> {
        // With data=journal, asking for the extents has moved the content from
        // the journal into its place. A kernel that leaves it in the journal
        // fails here.
        match pinned.is_on(self.site.disk())? {
            true => Ok(()),
            false => Err(Obstacle::NotThere {
                file: self.path.clone(),
            }
            .into()),
        }
    }

    /// Removes the file and frees its place.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn give_up(self) -> Result<(), Error> {
        Ok(remove(&self.file, &self.path)?)
    }
}

/// A file with content that may still be replaced.
#[derive(Debug)]
pub struct Written<'a> {
    reserved: Reserved<'a>,
    pinned: Pinned,
}

impl Written<'_> {
    /// Proves that the content is on the disk, at its places.
    ///
    /// # Errors
    /// [`Obstacle::NotThere`].
    pub fn prove(&self) -> Result<(), Error> {
        self.reserved.is_there(&self.pinned)
    }

    /// Writes other bytes over the beginning of the content; the rest stays.
    ///
    /// # Errors
    /// When they are more than the content, or the file has moved.
    pub fn rewrite(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let reserved = &self.reserved;
        let mut left = bytes;
        for part in reserved.parts() {
            let length = usize::try_from(part.end - part.start).unwrap_or(usize::MAX);
            let (now, later) = left.split_at(length.min(left.len()));
            let written = reserved.file.write_all_at(now, part.start);
            written.map_err(cannot("write", &reserved.path))?;
            left = later;
        }
        if !left.is_empty() {
            return Err(reserved.length(bytes.len() as u64));
        }
        reserved.sync()?;
        reserved.is_unmoved()?;
        // The checksum is taken from the file as it is now.
        let mut hash = Sha256::new();
        for part in reserved.parts() {
            let mut at = part.start;
            while at < part.end {
                let length = (part.end - at).min(PIECE as u64);
                let mut piece = vec![0; length as usize];
                let read = reserved.file.read_exact_at(&mut piece, at);
                read.map_err(cannot("read", &reserved.path))?;
                hash.update(&piece);
                at += length;
            }
        }
        self.pinned.sha256 = hash.finish();
        Ok(())
    }

    /// Makes the file immutable, and proves that the content is on the disk.
    ///
    /// # Errors
    /// As [`Reserved::fill`].
    pub fn seal(self) -> Result<Pinned, Error> {
        let Written { reserved, pinned } = self;
        let path = &reserved.path;
        let flags = ioctl_getflags(&reserved.file).map_err(cannot("read the flags of", path))?;
        ioctl_setflags(&reserved.file, flags | IFlags::IMMUTABLE)
            .map_err(cannot("make immutable", path))?;
        reserved.sync()?;
        // It may have been moved before it became immutable.
        reserved.is_unmoved()?;
        reserved.is_there(&pinned)?;
        Ok(pinned)
    }
}
