// SPDX-License-Identifier: MIT OR Apache-2.0
//! Restores a damaged copy of a file that lies on the disk twice from the other
//! copy. This is done past the point of no return only: before it, any doubt ends
//! in the old system.

use super::look::{TWINS, copy};
use super::repair::{Damage, Repair};
use super::write::rewrite;
use super::{Error, Lifeboat, intact};
use crate::disk::{self, Disk};
use crate::stop;
use ondisk::lifeboat::blob;
use ondisk::lifeboat::record::Pinned;
use ondisk::lifeboat::{Role, SECTOR, Twin, cut};

/// Bytes that are compared at once; in tests every file has several.
const PIECE: u64 = if cfg!(test) { 8192 } else { 1 << 20 };
/// Sectors that are read at once where a place is looked for that cannot be
/// read: a physical block of most disks.
const SMALL: u64 = 8;

impl Lifeboat {
    /// Compares both copies of record, kernel, initramfs and blob, and returns
    /// what was done about damaged ones. [`Lifeboat::starts`] is up to date
    /// afterwards.
    ///
    /// # Errors
    /// A wrong disk, or a person who asks to stop.
    pub fn mend(&mut self) -> Result<Vec<Repair>, Error> {
        let disk = self.open()?;
        let mut repairs = Vec::new();
        // Blobs come last, because a blob is rebuilt from the places of kernel
        // and initramfs.
        for of in [Role::Record, Role::Kernel, Role::Initramfs, Role::Blob] {
            let roles = TWINS.map(of);
            let [a, b] = roles.map(|role| self.is_whole(&disk, role));
            stop::check().map_err(disk::Error::from)?;
            let (bad, good, why) = match (a, b) {
                (Ok(()), Ok(())) => continue,
                (Err(why), Ok(())) => (roles[0], roles[1], why),
                (Ok(()), Err(why)) => (roles[1], roles[0], why),
                (Err(a), Err(b)) => {
                    let damage = |role, why| Damage::of(self.file(role).ok(), why);
                    let at = [damage(roles[0], a), damage(roles[1], b)];
                    repairs.push(Repair::Lost { roles, at });
                    continue;
                }
            };
            repairs.push(match self.mend_one(&disk, bad, good) {
                Ok(places) => Repair::Mended { bad, good, places },
                Err(error) => Repair::Left {
                    bad,
                    at: Damage::of(self.file(bad).ok(), why),
                    error,
                },
            });
        }
        let damaged = |role: &Role| repairs.iter().any(|repair| repair.leaves(*role));
        let starts = |twin| {
            let needs = [Role::Blob(twin), Role::Kernel(twin), Role::Initramfs(twin)];
            !needs.iter().any(damaged)
        };
        self.starts = TWINS.into_iter().any(starts);
        Ok(repairs)
    }

    /// Checks that a file is undamaged.
    pub(super) fn is_whole(&self, disk: &Disk, role: Role) -> Result<(), Error> {
        let file = self.file(role)?;
        let same = match (role, self.address.record) {
            (Role::Record(Twin::A), [lba, _]) | (Role::Record(Twin::B), [_, lba]) => {
                copy(disk, lba, &self.address.id)? == self.record
            }
            _ => Some(disk::sha256(disk, &file.runs, file.bytes)?) == file.sum,
        };
        match same {
            true => Ok(()),
            false => Err(Error::Damaged { role }),
        }
    }

    /// Rewrites one copy, and returns the damaged sectors: the first one of each
    /// piece.
    fn mend_one(&self, disk: &Disk, bad: Role, good: Role) -> Result<Vec<u64>, Error> {
        let (bad_file, good_file) = (self.file(bad)?, self.file(good)?);
        let made = match bad {
            Role::Record(_) => Some(self.record.encode()?),
            Role::Blob(twin) => Some(self.blob_of(disk, twin, good_file)?),
            _ => None,
        };
        let bytes = match &made {
            Some(bytes) => bytes.len() as u64,
            None => good_file.bytes,
        };
        let mut places = Vec::new();
        let mut at = 0;
        while at < bytes {
            stop::check().map_err(disk::Error::from)?;
            let length = (bytes - at).min(PIECE);
            let right = match &made {
                Some(made) => part(made, at, length).to_vec(),
                None => read_at(disk, good_file, at, length)?,
            };
            if let Some(lba) = first_difference(disk, bad_file, at, &right)? {
                places.push(lba);
                rewrite(disk, bad_file, at, &right)?;
            }
            at = at.saturating_add(length);
        }
        self.is_whole(disk, bad).map(|()| places)
    }

    /// Builds a blob from its twin.
    fn blob_of(&self, disk: &Disk, twin: Twin, other: &Pinned) -> Result<Vec<u8>, Error> {
        let role = Role::Blob(twin);
        let other = intact::read(disk, other)?;
        let places = |role| Ok::<_, Error>(self.file(role)?.runs.as_slice());
        let (kernel, initramfs) = (places(Role::Kernel(twin))?, places(Role::Initramfs(twin))?);
        let bytes = blob::twin(&other, twin, kernel, initramfs);
        let bytes = bytes.map_err(|error| Error::blob(role, error))?;
        let sum = ondisk::sha256::Sha256Sum::of(&bytes);
        match self.file(role)?.sum == Some(sum) {
            true => Ok(bytes),
            false => Err(Error::Damaged { role }),
        }
    }
}

fn part(bytes: &[u8], at: u64, length: u64) -> &[u8] {
    let start = usize::try_from(at).unwrap_or(usize::MAX);
    let end = start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
    bytes.get(start..end.min(bytes.len())).unwrap_or_default()
}

/// The sectors that have `length` bytes of a file from `at` on, a multiple of
/// 512, as pieces: where on the disk they begin, and how many bytes they have.
fn sectors(file: &Pinned, at: u64, length: u64) -> Result<Vec<(u64, usize)>, Error> {
    let role = file.role;
    let runs = cut(&file.runs, at / SECTOR, length.div_ceil(SECTOR));
    let runs = runs.map_err(|short| Error::Places { role, short })?;
    let piece = |run: ondisk::lifeboat::Run| {
        let bytes = run.bytes().ok_or(Error::Damaged { role })?;
        let length = usize::try_from(bytes.end - bytes.start).unwrap_or_default();
        Ok((bytes.start, length))
    };
    runs.into_iter().map(piece).collect()
}

pub(super) fn read_at(disk: &Disk, file: &Pinned, at: u64, length: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    for (start, length) in sectors(file, at, length)? {
        bytes.extend(disk.read_fresh(start, length)?);
    }
    bytes.truncate(usize::try_from(length).unwrap_or_default());
    Ok(bytes)
}

/// The first sector (of 512 bytes) of the disk that differs from its part of
/// `right`, or cannot be read.
pub(super) fn first_difference(
    disk: &Disk,
    file: &Pinned,
    at: u64,
    right: &[u8],
) -> Result<Option<u64>, Error> {
    let mut rest = right;
    for (start, length) in sectors(file, at, right.len() as u64)? {
        let (expected, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        rest = behind;
        let found = match disk.read_fresh(start, length) {
            Ok(found) => found,
            Err(_) => return Ok(Some(unreadable(disk, start, length) / SECTOR)),
        };
        if let Some(at) = found.iter().zip(expected).position(|(a, b)| a != b) {
            return Ok(Some(start.saturating_add(at as u64) / SECTOR));
        }
    }
    Ok(None)
}

/// The first unreadable byte of a range, as precisely as the disk tells.
fn unreadable(disk: &Disk, start: u64, length: usize) -> u64 {
    let end = start.saturating_add(length as u64);
    let fails = |from: u64, to: u64, step: u64| {
        let mut at = from;
        while at < to {
            let length = usize::try_from((to - at).min(step)).unwrap_or_default();
            if disk.read_fresh(at, length).is_err() {
                return Some(at);
            }
            at = at.saturating_add(step);
        }
        None
    };
    let block = u64::from(disk.block_size()).max(SECTOR);
    let small = (SMALL * SECTOR).max(block);
    // The error may have passed by itself.
    let Some(near) = fails(start, end, small) else {
        return start;
    };
    fails(near, end.min(near.saturating_add(small)), block).unwrap_or(near)
}
