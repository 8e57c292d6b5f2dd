// SPDX-License-Identifier: MIT OR Apache-2.0
//! Puts all that the tiny system needs into known places of the disk.
//!
//! All places are reserved before any file is filled: space that is unsuitable
//! for one file then stays taken and is not offered for the next one. The state
//! is written last; without it nothing that lies here is used.

use super::files::Places;
use super::judge::{line, unit};
use super::sums::Summed;
use crate::old::pinned::{self, Allowed, Reserved, Search, Site, Wish, Written};
use crate::payload::verify::{self, Expected};
use crate::plan::Refusal;
use ondisk::bzimage::BzImage;
use ondisk::checksum::crc32;
use ondisk::lifeboat::blob::{File, Parts};
use ondisk::lifeboat::boot_sector::BlobPlace;
use ondisk::lifeboat::record::{self, Chunks, Counts, MAX_CHUNK, Record};
use ondisk::lifeboat::state::State;
use ondisk::lifeboat::{
    Address, AllowedError, BLOCK, Blob, BlobError, BootSector, Filler, Id, Protected, Role, Twin,
};
use ondisk::sha256::Sha256Sum;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use sys::{FileError, cannot};

/// The most runs in which a copy of the record may lie.
const RECORD_RUNS: u64 = 32;

/// Bytes of a chunk with a checksum of its own. The payload has large ones, for
/// it is long; the identity has small ones, so that damage can be located
/// precisely.
fn chunk_bytes(role: Role) -> Option<u64> {
    match role {
        Role::Payload => Some(MAX_CHUNK),
        Role::Identity => Some(BLOCK as u64),
        _ => None,
    }
}

/// What is pinned, and for which machine.
pub struct Staging<'a> {
    pub id: Id,
    /// Seed of all random values of the plan.
    pub seed: [u8; 32],
    pub site: &'a Site,
    /// The directory of the files, which exists and is empty.
    pub dir: &'a Path,
    /// Ranges of the disk, in bytes, where files may lie.
    pub allowed: &'a [Range<u64>],
    pub disk: record::Disk,
    /// Seconds since 1970, the same as in the plan.
    pub time: u64,
    pub host: &'a str,
    /// migration.toml, va.sgdisk, staged.toml.
    pub manifest: &'a [u8],
    pub table_backup: &'a [u8],
    pub staged: &'a [u8],
    pub kernel: &'a [u8],
    pub initramfs: &'a [u8],
    /// The archive of the saved identity.
    pub identity: &'a [u8],
    pub payload: &'a Path,
    pub expected: Expected,
    /// The kernel's command line, without the words that our loader adds.
    pub words: &'a str,
    /// The disk's first sector.
    pub old_sector: [u8; 512],
    /// What will be wiped, in bytes of the disk.
    pub wipe: &'a [Range<u64>],
    /// Whether the new system fits around what is protected.
    pub fits: &'a dyn Fn(Protected) -> Result<(), Refusal>,
}

/// The result: what GRUB needs to know to start it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifeboat {
    /// Where the tiny system finds record and state.
    pub address: Address,
    /// The boot sector that starts it, for a file that GRUB chains.
    pub boot_sector: [u8; 512],
}

/// Why it could not be pinned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(transparent)]
    Pinned(#[from] pinned::Error),
    #[error("va.tar.xz, while it was copied: {0}")]
    Payload(#[from] verify::Error),
    #[error(
        "the new system does not fit around the files that stay on the disk until the end: {0}"
    )]
    Room(#[from] Refusal),
    /// The permitted ranges could not be computed.
    #[error(transparent)]
    Allowed(#[from] AllowedError),
    #[error("the record of the staging cannot be made: {0}")]
    Record(#[from] record::RecordError),
    #[error(transparent)]
    Protected(#[from] ondisk::lifeboat::ProtectedError),
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error(transparent)]
    BootSector(#[from] ondisk::lifeboat::BootSectorError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{}: was not made; this is a fault of replant, please report it", .0.display())]
    NoFile(PathBuf),
}

/// Makes the pinned files. `progress` gets the bytes of the payload that were
/// copied.
///
/// # Errors
/// Files that were made before stay, and are removed together with the directory.
pub fn pin(staging: &Staging, progress: &mut dyn FnMut(u64)) -> Result<Lifeboat, Error> {
    let allowed = Allowed::new(staging.allowed.iter().cloned());
    let mut places = Places::new(Search::new(staging.site, staging.dir, allowed));
    staging.reserve(&mut places)?;
    let address = staging.address(&places);
    let [a, b] = staging.blobs(&places, &address)?;
    let wish = |blob: &[u8]| Wish::one_run(blob.len() as u64, staging.unit());
    places.twins(Role::Blob, [&[wish(&a)], &[wish(&b)]])?;
    // All places are known from here on.
    let record = staging.record(&places)?;
    record.encode()?;
    (staging.fits)(record.protected.clone())?;
    let boot_sector = staging.boot_sector(&places, [&a, &b])?;
    staging.fill(places, [&a, &b], record, progress)?;
    Ok(Lifeboat {
        address,
        boot_sector,
    })
}

impl Staging<'_> {
    /// The disk's unit of writing, in bytes.
    fn unit(&self) -> u64 {
        unit(self.disk.physical_block)
    }

    /// Reserves the places of all files but the blobs, whose size is known only
    /// afterwards.
    fn reserve(&self, places: &mut Places) -> Result<(), Error> {
        let state = [Wish::one_run(self.unit(), self.unit())];
        places.twins(Role::State, [&state, &state])?;
        let kernel = [Wish::runs(self.kernel.len() as u64)];
        places.twins(Role::Kernel, [&kernel, &kernel])?;
        let initramfs = [Wish::runs(self.initramfs.len() as u64)];
        places.twins(Role::Initramfs, [&initramfs, &initramfs])?;
        places.one(Role::Payload, &Wish::runs(self.expected.size))?;
        places.one(Role::Identity, &Wish::runs(self.identity.len() as u64))?;
        // Two blobs in one run each, and the record's own two copies.
        let runs = places
            .all()
            .values()
            .map(|reserved| reserved.runs().len() as u64);
        let bytes = self.record(places)?.reserve(Counts {
            runs: runs.sum::<u64>().saturating_add(2 + 2 * RECORD_RUNS),
            chunks: self.chunks(),
        })?;
        // Its first block must be contiguous, so the whole is asked for in one
        // run first. Between stripes there may be no such place.
        let record = [Wish::one_run(bytes, self.unit()), Wish::runs(bytes)];
        places.twins(Role::Record, [&record, &record])
    }

    /// How many chunk checksums the record will have.
    fn chunks(&self) -> u64 {
        let of = |role, bytes: u64| chunk_bytes(role).map_or(0, |chunk| bytes.div_ceil(chunk));
        let identity = of(Role::Identity, self.identity.len() as u64);
        of(Role::Payload, self.expected.size).saturating_add(identity)
    }

    /// The address for the kernel's command line.
    fn address(&self, places: &Places) -> Address {
        let begins = |role: fn(Twin) -> Role| {
            [Twin::A, Twin::B].map(|twin| {
                let runs = places.runs(role(twin));
                runs.first().map_or(0, |run| run.lba)
            })
        };
        Address {
            id: self.id,
            record: begins(Role::Record),
            state: begins(Role::State),
        }
    }

    fn blobs(&self, places: &Places, address: &Address) -> Result<[Vec<u8>; 2], Error> {
        let setup = BzImage::parse(self.kernel).map_err(BlobError::from)?;
        let code = self.kernel.get(setup.setup_bytes..).unwrap_or_default();
        let (code, initramfs) = (crc32(code), crc32(self.initramfs));
        let line = line(self.words, address)?;
        let blob = |twin: Twin| {
            let runs = [Role::Kernel, Role::Initramfs].map(|role| places.runs(role(twin)));
            let file = |runs, bytes: &[u8], crc32| File {
                runs,
                bytes: bytes.len() as u64,
                crc32,
            };
            let [kernel_runs, initramfs_runs] = &runs;
            let parts = Parts {
                id: self.id,
                twin,
                kernel_head: self.kernel,
                kernel: file(kernel_runs, self.kernel, code),
                initramfs: file(initramfs_runs, self.initramfs, initramfs),
                line: line.clone(),
                old_sector: self.old_sector,
            };
            Blob::new(&parts)?.encode(&loader::STAGE2)
        };
        Ok([blob(Twin::A)?, blob(Twin::B)?])
    }

    /// What GRUB's `chainloader` starts: it goes back to the old system where
    /// neither blob can start the tiny one.
    fn boot_sector(&self, places: &Places, blobs: [&[u8]; 2]) -> Result<[u8; 512], Error> {
        let [a, b] = blobs;
        let place = |twin, number, blob: &[u8]| {
            let runs = places.runs(Role::Blob(twin));
            let lba = runs.first().map_or(0, |run| run.lba);
            BlobPlace::of(lba, number, blob)
        };
        let sector = BootSector {
            start: *contract::cmdline::Start::File.letters(),
            blobs: [place(Twin::A, 1, a)?, place(Twin::B, 2, b)?],
            way_back: Some(crc32(&self.old_sector)),
        };
        Ok(sector.encode(&loader::STAGE1, &self.old_sector)?)
    }

    /// The record with placeholder checksums: as long as the final one, as far as
    /// places are reserved.
    fn record(&self, places: &Places) -> Result<Record, Error> {
        let runs = places.all().values().flat_map(Reserved::runs);
        let disk = &self.disk;
        let protected = Protected::new(runs, disk.physical_block, disk.bytes)?;
        let none = Sha256Sum([0xff; 32]);
        let file = |(role, reserved): (&Role, &Reserved)| {
            let chunks = chunk_bytes(*role).map(|bytes| {
                let count = usize::try_from(reserved.bytes().div_ceil(bytes));
                Chunks {
                    bytes,
                    sums: vec![none; count.unwrap_or_default()],
                }
            });
            record::Pinned {
                role: *role,
                bytes: reserved.bytes(),
                sum: (!role.changes()).then_some(none),
                runs: reserved.runs(),
                chunks,
            }
        };
        Ok(Record {
            id: self.id,
            disk: disk.clone(),
            time: self.time,
            host: self.host.to_owned(),
            seed: self.seed,
            manifest: self.manifest.to_vec(),
            table_backup: self.table_backup.to_vec(),
            staged: self.staged.to_vec(),
            // The map iterates in the order of roles, which the record needs.
            files: places.all().iter().map(file).collect(),
            protected,
            wipe: self.wipe.to_vec(),
            // The tiny system adds it after the old system's last mount.
            old: None,
        })
    }

    /// Writes all files; the record and then the state come last.
    fn fill(
        &self,
        mut places: Places,
        [blob_a, blob_b]: [&[u8]; 2],
        mut record: Record,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), Error> {
        let mut later: Vec<(Role, Written)> = Vec::new();
        for file in &mut record.files {
            let reserved = places.take(self.dir, file.role)?;
            let content = match file.role {
                Role::Record(_) | Role::State(_) => {
                    let filler = filler(&self.id, file.role, file.bytes);
                    let written = reserved.write(&filler[..])?;
                    // Detects a wrong mapping from file to disk.
                    written.prove()?;
                    later.push((file.role, written));
                    continue;
                }
                Role::Payload => {
                    let (sum, chunks) = self.fill_payload(reserved, progress)?;
                    (file.sum, file.chunks) = (Some(sum), Some(chunks));
                    continue;
                }
                Role::Blob(Twin::A) => blob_a,
                Role::Blob(Twin::B) => blob_b,
                Role::Kernel(_) => self.kernel,
                Role::Initramfs(_) => self.initramfs,
                Role::Identity => self.identity,
            };
            let mut summed =
                Summed::new(content, file.chunks.as_ref().map_or(MAX_CHUNK, |c| c.bytes));
            file.sum = Some(reserved.fill(&mut summed)?.sha256);
            file.chunks = file.chunks.take().map(|_| summed.finish());
        }
        let bytes = record.encode()?;
        let state = State::staged(self.id).encode();
        for (role, mut written) in later {
            written.rewrite(match role {
                Role::State(_) => &state,
                _ => &bytes,
            })?;
            written.seal()?;
        }
        Ok(())
    }

    /// Copies the payload, and compares it with the manifest's checksum.
    fn fill_payload(
        &self,
        reserved: Reserved,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(Sha256Sum, Chunks), Error> {
        let path = self.payload;
        let source = std::fs::File::open(path).map_err(cannot("open", path))?;
        let reporting = Reporting {
            inner: source,
            done: 0,
            progress,
        };
        let mut summed = Summed::new(reporting, MAX_CHUNK);
        let found = reserved.fill(&mut summed)?.sha256;
        let expected = self.expected.sha256;
        match found == expected {
            true => Ok((found, summed.finish())),
            false => Err(verify::Error::Changed {
                file: path.into(),
                found,
                expected,
            }
            .into()),
        }
    }
}

/// The initial content of a file, by which a wrong mapping is recognised.
fn filler(id: &Id, role: Role, bytes: u64) -> Vec<u8> {
    let blocks = bytes.div_ceil(BLOCK as u64);
    let filler = (0..blocks).flat_map(|number| Filler::block(id, role, number));
    let mut filler: Vec<u8> = filler.collect();
    filler.truncate(usize::try_from(bytes).unwrap_or(usize::MAX));
    filler
}

/// A reader that reports its progress.
struct Reporting<'a, R> {
    inner: R,
    done: u64,
    progress: &'a mut dyn FnMut(u64),
}

impl<R: Read> Read for Reporting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.done = self.done.saturating_add(read as u64);
        (self.progress)(self.done);
        Ok(read)
    }
}
