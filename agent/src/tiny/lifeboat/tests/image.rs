// SPDX-License-Identifier: MIT OR Apache-2.0
//! A disk as `stage` leaves it, made by the encoders of ondisk alone.

use super::super::{Lifeboat, find};
use crate::disk::{Disk, DiskId, table, wipe};
use crate::fingerprint::Fingerprint;
use crate::old::Staged;
use crate::plan;
use ondisk::checksum::crc32;
use ondisk::inventory::{Content, Facts};
use ondisk::lifeboat::blob::{CommandLine, File, Parts};
use ondisk::lifeboat::record::{self, Chunks, Pinned, Record};
use ondisk::lifeboat::state::State;
use ondisk::lifeboat::{Address, Blob, Filler, Id, Protected, Role, Run, Twin};
use ondisk::manifest::{Manifest, PAYLOAD, Protection, TABLE};
use ondisk::sha256::Sha256Sum;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

pub(super) const ID: Id = Id([0x1d; 16]);
/// The size that the sample plan is for.
pub(super) const BYTES: u64 = 8 << 30;
/// Sector at 4 GiB, in the new physical volume.
const BASE: u64 = 8 << 20;
const CHUNK: u64 = 64 << 10;

/// Bytes that are no others anywhere.
pub(super) fn noise(seed: u8, length: usize) -> Vec<u8> {
    let byte = |at: usize| (at as u32).wrapping_mul(2_654_435_761).to_be_bytes()[1] ^ seed;
    (0..length).map(byte).collect()
}

/// A kernel with two sectors of setup that wants 2 MiB from 3 MiB on.
fn kernel() -> Vec<u8> {
    let mut kernel = vec![0; 1024];
    let mut put = |at: usize, bytes: &[u8]| kernel[at..at + bytes.len()].copy_from_slice(bytes);
    put(0x1f1, &[1]);
    put(0x202, b"HdrS\x0f\x02");
    put(0x211, &[1]);
    put(0x22c, &0x7fff_ffffu32.to_le_bytes());
    put(0x238, &255u32.to_le_bytes());
    put(0x258, &(3u64 << 20).to_le_bytes());
    put(0x260, &0x20_0000u32.to_le_bytes());
    kernel.extend(noise(1, 20_000));
    kernel
}

/// The old disk: a boot sector with a DOS table, an active partition on all of
/// it, and something where GRUB's core image and a GPT would be.
fn old_disk(path: &Path) -> std::fs::File {
    testkit::sparse(path, BYTES);
    let disk = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut head = noise(2, 34 * 512);
    head[440..446].copy_from_slice(&[1, 2, 3, 4, 0, 0]);
    head[446..510].fill(0);
    head[446] = 0x80;
    head[450] = 0x83;
    head[454..458].copy_from_slice(&2048u32.to_le_bytes());
    head[458..462].copy_from_slice(&(15u32 << 20).to_le_bytes());
    head[510..512].copy_from_slice(&[0x55, 0xaa]);
    disk.write_all_at(&head, 0).unwrap();
    disk.write_all_at(&noise(3, 33 * 512), BYTES - 33 * 512)
        .unwrap();
    // What would be taken for something of the new system.
    disk.write_all_at(&noise(4, 1 << 20), 1 << 20).unwrap();
    disk
}

fn identity(dir: &Path) -> (Vec<u8>, String) {
    let (root, saved) = (dir.join("root"), dir.join("identity"));
    std::fs::create_dir_all(root.join("etc")).unwrap();
    std::fs::write(root.join("etc/hostname"), "oldbox\n").unwrap();
    identity::save(&root, None, &saved).unwrap();
    let sum = identity::digest(&saved).unwrap().to_string();
    (identity::archive::pack(&saved).unwrap(), sum)
}

fn staged(manifest: &[u8], identity_sha256: String) -> Vec<u8> {
    let text = std::str::from_utf8(manifest).unwrap();
    let read = Manifest::parse(text).unwrap();
    let content = |f: &ondisk::manifest::Filesystem| Content {
        mount: f.mount.clone(),
        bytes: f.content_bytes,
        entries: f.content_entries,
        block: 1024,
        because: String::new(),
    };
    let record = Staged {
        environment: None,
        signature: None,
        format: crate::old::FORMAT,
        time: 1_700_000_000,
        manifest_sha256: Sha256Sum::of(manifest).to_string(),
        payload_sha256: read.file(PAYLOAD).unwrap().sha256.clone(),
        identity_sha256,
        host: "oldbox".into(),
        root: "UUID=0de0".into(),
        whole: Default::default(),
        protection: Protection::Resume,
        fingerprint: Fingerprint {
            machine_id: "0123".into(),
            disk: DiskId {
                bytes: BYTES,
                ..DiskId::default()
            },
        },
        facts: Facts {
            payload: read.payload.clone(),
            content: read.filesystems.iter().map(content).collect(),
        },
    };
    record.encode().unwrap().into_bytes()
}

/// The manifest with the sums of these files.
fn naming(manifest: &[u8], files: [(&str, &[u8]); 2]) -> Vec<u8> {
    let mut read = Manifest::parse(std::str::from_utf8(manifest).unwrap()).unwrap();
    for (name, bytes) in files {
        let mut named = read.files.iter_mut().filter(|file| file.name == name);
        named.next().unwrap().sha256 = Sha256Sum::of(bytes).to_string();
    }
    read.encode().unwrap().into_bytes()
}

/// What lies where; each file in its own MiB, most in two runs of which the
/// second one lies first.
fn places(role: Role, bytes: u64) -> Vec<Run> {
    let number = Role::ALL.iter().position(|r| *r == role).unwrap() as u64;
    let first = BASE + number * 16_384;
    let sectors = bytes.div_ceil(4096) * 8;
    let run = |lba, sectors| Run { lba, sectors };
    match role {
        Role::State(_) | Role::Blob(_) => vec![run(first, sectors)],
        _ if sectors > 8 => vec![run(first + 8192, 8), run(first, sectors - 8)],
        _ => vec![run(first, sectors)],
    }
}

fn pinned(role: Role, content: &[u8]) -> Pinned {
    let chunks = match role {
        Role::Payload => Some(CHUNK),
        Role::Identity => Some(512),
        _ => None,
    };
    Pinned {
        role,
        bytes: content.len() as u64,
        sum: (!role.changes()).then(|| Sha256Sum::of(content)),
        runs: places(role, content.len() as u64),
        chunks: chunks.map(|bytes| Chunks {
            bytes,
            sums: content.chunks(bytes as usize).map(Sha256Sum::of).collect(),
        }),
    }
}

/// All of the disk where something is, or may have been written: from where, and
/// what.
pub(super) fn data(path: &Path) -> Vec<(u64, Vec<u8>)> {
    let disk = std::fs::File::open(path).unwrap();
    let files = (BASE * 512, Role::ALL.len() << 23);
    let places = [(0, 4 << 20), files, (BYTES - (1 << 20), 1 << 20)];
    let read = |(at, length)| {
        let mut bytes = vec![0; length];
        disk.read_exact_at(&mut bytes, at).unwrap();
        (at, bytes)
    };
    places.into_iter().map(read).collect()
}

pub(super) fn put(disk: &std::fs::File, file: &Pinned, content: &[u8]) {
    let mut rest = content;
    for run in &file.runs {
        let length = rest.len().min(run.sectors as usize * 512);
        let (part, behind) = rest.split_at(length);
        disk.write_all_at(part, run.lba * 512).unwrap();
        rest = behind;
    }
    assert!(rest.is_empty());
}

/// A machine that was staged: its disk, and where the record lies.
pub(super) fn staged_disk(dir: &Path) -> (PathBuf, Address) {
    let path = dir.join("disk");
    let disk = old_disk(&path);
    let mut old_sector = [0; 512];
    disk.read_exact_at(&mut old_sector, 0).unwrap();
    let (manifest, table_backup) = plan::sample_files();
    let payload = noise(6, 300_001);
    let manifest = naming(&manifest, [(TABLE, &table_backup), (PAYLOAD, &payload)]);
    let (identity, sum) = identity(dir);
    let (kernel, initramfs) = (kernel(), noise(5, 30_001));
    let blob = |twin| {
        let file = |role, bytes: &[u8], crc32| File {
            runs: places(role, bytes.len() as u64).leak(),
            bytes: bytes.len() as u64,
            crc32,
        };
        let parts = Parts {
            id: ID,
            twin,
            kernel_head: &kernel,
            kernel: file(Role::Kernel(twin), &kernel, crc32(&kernel[1024..])),
            initramfs: file(Role::Initramfs(twin), &initramfs, crc32(&initramfs)),
            line: CommandLine::new("quiet", "replant.drive=", "replant.start=").unwrap(),
            old_sector,
        };
        Blob::new(&parts).unwrap().encode(&loader::STAGE2).unwrap()
    };
    let contents: Vec<(Role, Vec<u8>)> = Role::ALL
        .into_iter()
        .map(|role| {
            let content = match role {
                Role::Record(_) => filler(role, 128 << 10),
                Role::State(_) => State::staged(ID).encode().to_vec(),
                Role::Blob(twin) => blob(twin),
                Role::Kernel(_) => kernel.clone(),
                Role::Initramfs(_) => initramfs.clone(),
                Role::Payload => payload.clone(),
                Role::Identity => identity.clone(),
            };
            (role, content)
        })
        .collect();
    let files: Vec<Pinned> = contents.iter().map(|(role, c)| pinned(*role, c)).collect();
    let runs = files.iter().flat_map(|file| file.runs.iter().copied());
    let protected = Protected::new(runs, 512, BYTES).unwrap();
    let open = Disk::open(&path).unwrap();
    let new = plan::sample_with(protected.clone()).1.table;
    let wipe = wipe::ranges(&open, &table::read(&open).unwrap(), &new).unwrap();
    let record = Record {
        id: ID,
        disk: record::Disk {
            bytes: BYTES,
            logical_block: 512,
            physical_block: 512,
            serial: String::new(),
            wwn: String::new(),
        },
        time: 1_700_000_000,
        host: "oldbox".into(),
        seed: [7; 32],
        staged: staged(&manifest, sum),
        manifest,
        table_backup,
        files,
        protected,
        wipe,
        old: None,
    };
    for (role, content) in &contents {
        put(&disk, record.file(*role).unwrap(), content);
    }
    let bytes = record.encode().unwrap();
    for twin in [Twin::A, Twin::B] {
        put(&disk, record.file(Role::Record(twin)).unwrap(), &bytes);
    }
    let first = |role: fn(Twin) -> Role| {
        [Twin::A, Twin::B].map(|twin| record.file(role(twin)).unwrap().runs[0].lba)
    };
    let address = Address {
        id: ID,
        record: first(Role::Record),
        state: first(Role::State),
    };
    (path, address)
}

fn filler(role: Role, bytes: u64) -> Vec<u8> {
    let blocks = (0..bytes / 4096).flat_map(|number| Filler::block(&ID, role, number));
    blocks.collect()
}

/// The same, found.
pub(super) fn staged_boat(dir: &Path) -> Lifeboat {
    let (path, address) = staged_disk(dir);
    find(&[path], &address).unwrap()
}

/// The same, armed.
pub(crate) fn armed(dir: &Path) -> Lifeboat {
    let mut boat = staged_boat(dir);
    boat.arm(&mut |_, _| {}).unwrap();
    boat
}
