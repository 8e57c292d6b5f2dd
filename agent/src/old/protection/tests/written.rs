// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a staging leaves on the disk.

use crate::old::pinned::tests::ground::{EXT4, EXT4_SMALL_BLOCKS, Ground, KINDS, Kind, XFS};
use crate::old::pinned::{Obstacle, foreseen};
use crate::old::places::Places;
use crate::old::protection::pin::{Error, Lifeboat, Staging, pin};
use crate::old::protection::{DIR, forget};
use crate::payload::verify::Expected;
use crate::plan::Refusal;
use ondisk::checksum::crc32;
use ondisk::lifeboat::record::{self, Head, Record};
use ondisk::lifeboat::state::{self, Phase, StateError, newest};
use ondisk::lifeboat::{Blob, BootSector, Id, Protected, Role, Run, Twin};
use ondisk::sha256::Sha256Sum;
use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use testkit::Random;

const MIB: u64 = 1 << 20;
const ID: Id = Id(*b"0123456789abcdef");
const SIZE: u64 = 640;
/// The new volumes lie from here to here.
const ALLOWED: Range<u64> = 100 * MIB..639 * MIB;

/// As if they were of one MiB.
const NARROW: Range<u64> = 200 * MIB..201 * MIB;

/// What is staged on a disk.
struct Staged {
    ground: Ground,
    kernel: Vec<u8>,
    initramfs: Vec<u8>,
    payload: Vec<u8>,
    identity: Vec<u8>,
    /// The package's payload.
    source: PathBuf,
}

/// A kernel that is none, but has a header: two sectors of setup; it wants
/// 16 MiB from 16 MiB on.
pub(super) fn kernel(random: &mut Random) -> Vec<u8> {
    let mut kernel = vec![0; 1024];
    let mut put = |at: usize, bytes: &[u8]| kernel[at..at + bytes.len()].copy_from_slice(bytes);
    put(0x1f1, &[1]);
    put(0x1fe, &[0x55, 0xaa]);
    put(0x202, b"HdrS\x0f\x02");
    put(0x211, &[1]);
    put(0x22c, &0x7fff_ffffu32.to_le_bytes());
    put(0x238, &2047u32.to_le_bytes());
    put(0x258, &(16 * MIB).to_le_bytes());
    put(0x260, &0x100_0000u32.to_le_bytes());
    kernel.extend(random.bytes(2 << 20));
    kernel
}

impl Staged {
    fn new(kind: Kind) -> Staged {
        let ground = Ground::new(kind, SIZE);
        let mut random = Random(5);
        let payload = random.bytes((9 << 20) + 12_345);
        let source = ground.root().join("va.tar.xz");
        fs::write(&source, &payload).unwrap();
        fs::create_dir_all(ground.root().join("upd").join(DIR)).unwrap();
        Staged {
            kernel: kernel(&mut random),
            initramfs: random.bytes((5 << 20) + 7),
            identity: random.bytes(3000),
            payload,
            source,
            ground,
        }
    }

    fn dir(&self) -> PathBuf {
        self.ground.root().join("upd").join(DIR)
    }

    /// Pins it; `change` makes it another staging.
    fn pin(&self, change: impl FnOnce(&mut Staging)) -> Result<Lifeboat, Error> {
        let dir = self.dir();
        let site = foreseen(&dir, &self.ground.disk.0, &[]).unwrap();
        let mut staging = Staging {
            id: ID,
            seed: [7; 32],
            site: &site,
            dir: &dir,
            allowed: &[ALLOWED],
            disk: record::Disk {
                bytes: SIZE * MIB,
                logical_block: 512,
                physical_block: 512,
                serial: "S1".into(),
                wwn: String::new(),
            },
            time: 1_700_000_000,
            host: "oldbox",
            manifest: b"format = 1\n",
            table_backup: &[3; 20_000],
            staged: b"format = 1\n",
            kernel: &self.kernel,
            initramfs: &self.initramfs,
            identity: &self.identity,
            payload: &self.source,
            expected: Expected {
                size: self.payload.len() as u64,
                sha256: Sha256Sum::of(&self.payload),
            },
            words: "root=UUID=0de0 ro panic=10 replant=migrate quiet",
            old_sector: [0xee; 512],
            wipe: &[446..MIB, 639 * MIB..640 * MIB],
            fits: &|_| Ok(()),
        };
        change(&mut staging);
        pin(&staging, &mut |_| {})
    }

    /// What lies in these places, whatever file system is around them.
    fn raw(&self, runs: &[Run]) -> Vec<u8> {
        let disk = File::open(&self.ground.image).unwrap();
        let mut content = Vec::new();
        for run in runs {
            let mut piece = vec![0; run.sectors as usize * 512];
            disk.read_exact_at(&mut piece, run.lba * 512).unwrap();
            content.extend(piece);
        }
        content
    }

    fn at(&self, lba: u64, sectors: u64) -> Vec<u8> {
        self.raw(&[Run { lba, sectors }])
    }

    /// The records, found by the heads that the address names.
    fn records(&self, lifeboat: &Lifeboat) -> [Record; 2] {
        let [a, b] = lifeboat.address.record;
        let heads = [a, b].map(|lba| Head::decode(&self.at(lba, 8), &ID).unwrap());
        assert_eq!(heads[0], heads[1]);
        let [head, _] = heads;
        assert_eq!([head.runs[0][0].lba, head.runs[1][0].lba], [a, b]);
        head.runs
            .map(|runs| Record::decode(&self.raw(&runs), &ID).unwrap())
    }

    fn states(&self, lifeboat: &Lifeboat) -> [Vec<u8>; 2] {
        lifeboat.address.state.map(|lba| self.at(lba, 8))
    }
}

fn distance(a: &Run, b: &Run) -> u64 {
    let (first, second) = if a.lba < b.lba { (a, b) } else { (b, a) };
    (second.lba - first.end().unwrap()) * 512
}

/// All of it, read by what the kernel's command line says.
fn round_trip(kind: Kind) {
    let staged = Staged::new(kind);
    let lifeboat = staged
        .pin(|_| {})
        .unwrap_or_else(|e| panic!("{kind:?}: {e}"));
    let [record, second] = staged.records(&lifeboat);
    assert!(record == second, "{kind:?}");
    let roles: Vec<Role> = record.files.iter().map(|file| file.role).collect();
    assert_eq!(roles, Role::ALL);
    assert_eq!(record.seed, [7; 32]);
    assert_eq!((record.time, &record.host[..]), (1_700_000_000, "oldbox"));
    assert_eq!((record.wipe.len(), &record.old), (2, &None));
    assert_eq!(record.table_backup, [3; 20_000]);

    let content = |role: Role| {
        let file = record.file(role).unwrap();
        let mut bytes = staged.raw(&file.runs);
        bytes.truncate(file.bytes as usize);
        assert_eq!(file.sum.is_none(), role.changes());
        assert!(file.sum.is_none_or(|sum| sum == Sha256Sum::of(&bytes)));
        bytes
    };
    for twin in [Twin::A, Twin::B] {
        assert!(content(Role::Kernel(twin)) == staged.kernel, "{kind:?}");
        assert!(content(Role::Initramfs(twin)) == staged.initramfs);
    }
    assert!(content(Role::Identity) == staged.identity);
    assert!(content(Role::Payload) == staged.payload);
    let payload = record.file(Role::Payload).unwrap();
    let chunks = payload.chunks.as_ref().unwrap();
    assert_eq!((chunks.bytes, chunks.sums.len()), (1 << 20, 10));
    for index in 0..10 {
        let read = staged.raw(&payload.chunk_runs(index).unwrap());
        payload.checked(index, &read).unwrap();
    }

    let identity = record.file(Role::Identity).unwrap();
    let chunks = identity.chunks.as_ref().unwrap();
    assert_eq!(chunks.bytes, 4096);
    for index in 0..chunks.sums.len() as u64 {
        let read = staged.raw(&identity.chunk_runs(index).unwrap());
        identity.checked(index, &read).unwrap();
    }

    // There is room for what the tiny system adds.
    let room = record.file(Role::Record(Twin::A)).unwrap().bytes;
    assert!(room >= record.length() + 67 * 512 + 512, "{room}");

    let states = staged.states(&lifeboat);
    let newest = newest([&states[0], &states[1]], &ID).unwrap();
    assert_eq!((newest.state.phase, newest.damage), (Phase::Staged, None));
    let physical = record.disk.physical_block;
    for (twin, lba) in [Twin::A, Twin::B].into_iter().zip(lifeboat.address.state) {
        let runs = &record.file(Role::State(twin)).unwrap().runs;
        assert_eq!(state::place(runs, physical), Ok(Some(lba)));
    }

    let sector = BootSector::decode(&lifeboat.boot_sector).unwrap();
    assert_eq!(
        (&sector.start, sector.way_back),
        (b"file", Some(crc32(&[0xee; 512])))
    );
    for (twin, place) in [Twin::A, Twin::B].into_iter().zip(sector.blobs) {
        let bytes = staged.at(place.lba, place.sectors.into());
        assert!(bytes == content(Role::Blob(twin)), "{kind:?}");
        assert_eq!(crc32(&bytes), place.crc32);
        let blob = Blob::decode(&bytes).unwrap();
        assert_eq!(
            (blob.id, blob.twin, blob.old_sector),
            (ID, twin, [0xee; 512])
        );
        let line = String::from_utf8(blob.line.text().to_vec()).unwrap();
        let words = format!(
            "root=UUID=0de0 ro panic=10 replant=migrate quiet edd=off replant.lifeboat={} \
             replant.drive=?? replant.start=????",
            lifeboat.address
        );
        assert_eq!(line, words);
        for (load, whole) in [
            (&blob.kernel, &staged.kernel[1024..]),
            (&blob.initramfs, &staged.initramfs[..]),
        ] {
            let mut loaded = staged.raw(&load.runs);
            loaded.truncate(load.bytes as usize);
            assert!(loaded == whole, "{kind:?}");
            assert_eq!(load.crc32, crc32(whole));
        }
    }

    // All of it lies where it may, is protected, and twins lie apart.
    let runs = |role| &record.file(role).unwrap().runs;
    for run in roles.iter().flat_map(|role| runs(*role)) {
        let bytes = run.bytes().unwrap();
        assert!(ALLOWED.start <= bytes.start && bytes.end <= ALLOWED.end);
        assert!(record.protected.outside(&bytes).is_empty());
    }
    let kinds: [fn(Twin) -> Role; 5] = [
        Role::Record,
        Role::State,
        Role::Blob,
        Role::Kernel,
        Role::Initramfs,
    ];
    for role in kinds {
        let (a, b) = (runs(role(Twin::A)), runs(role(Twin::B)));
        let pairs = a.iter().flat_map(|a| b.iter().map(move |b| distance(a, b)));
        assert!(pairs.min() >= Some(8 * MIB), "{kind:?} {}", role(Twin::A));
    }
}

#[test]
fn all_of_it_is_found_by_the_command_line_alone() {
    testkit::needs!("root", "time", "mke2fs", "mkfs.xfs");
    KINDS.iter().for_each(|kind| round_trip(*kind));
}

#[test]
fn all_of_it_is_found_on_the_usual_ones() {
    testkit::needs!("root", "mke2fs", "mkfs.xfs");
    [EXT4, XFS].into_iter().for_each(round_trip);
}

/// A staging that was taken back is none, whoever reads the disk.
#[test]
fn nothing_is_staged_when_it_was_taken_back() {
    testkit::needs!("root", "mke2fs", "mkfs.xfs");
    for kind in [EXT4, EXT4_SMALL_BLOCKS, XFS] {
        let staged = Staged::new(kind);
        let lifeboat = staged.pin(|_| {}).unwrap();
        let upd = staged.ground.root().join("upd");
        let places = Places(vec![upd.clone()]);
        assert!(places.remove().is_empty() && !upd.exists(), "{kind:?}");
        for copy in staged.states(&lifeboat) {
            let found = state::State::decode(&copy, &ID);
            assert_eq!(found, Err(StateError::NoMagic), "{kind:?}");
        }
        // Twice, and where nothing is.
        forget(&upd).unwrap();
        fs::create_dir_all(upd.join(DIR)).unwrap();
        forget(&upd).unwrap();
    }
}

/// A link in the place of the directory leads to what is another one's.
#[test]
fn what_lies_behind_a_link_is_not_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let (theirs, upd) = (dir.path().join("theirs"), dir.path().join("upd"));
    fs::create_dir_all(theirs.join(DIR)).unwrap();
    let state = theirs.join(DIR).join("state-a");
    fs::write(&state, "theirs").unwrap();
    std::os::unix::fs::symlink(&theirs, &upd).unwrap();
    forget(&upd).unwrap();
    fs::remove_file(&upd).unwrap();
    fs::create_dir(&upd).unwrap();
    std::os::unix::fs::symlink(theirs.join(DIR), upd.join(DIR)).unwrap();
    forget(&upd).unwrap();
    assert_eq!(fs::read(&state).unwrap(), b"theirs");
    forget(&theirs).unwrap();
    assert_eq!(fs::read(&state).unwrap(), [0; 6]);
}

#[test]
fn what_cannot_be_pinned_is_named() {
    testkit::needs!("root", "mke2fs");
    let staged = Staged::new(EXT4);
    let clear = || {
        let places = Places(vec![staged.ground.root().join("upd")]);
        assert!(places.remove().is_empty());
        fs::create_dir_all(staged.dir()).unwrap();
    };
    let failed = |change: &dyn Fn(&mut Staging)| {
        let error = staged.pin(|staging| change(staging)).unwrap_err();
        clear();
        error
    };
    fn full(_: Protected) -> Result<(), Refusal> {
        Err(Refusal::NoKernel)
    }
    let error = failed(&|s| s.fits = &full).to_string();
    assert!(error.contains("does not fit around") && error.contains("has no kernel"));
    let error = failed(&|s| s.expected.sha256 = Sha256Sum([1; 32])).to_string();
    assert!(error.contains("va.tar.xz is damaged"), "{error}");
    let error = failed(&|s| s.expected.size -= 1).to_string();
    assert!(error.contains("payload: its content has"), "{error}");
    // Room for one copy of the state, but not for two that are apart.
    let error = failed(&|s| s.allowed = &[NARROW]);
    assert!(
        matches!(
            error,
            Error::Pinned(crate::old::pinned::Error::Obstacle(Obstacle::NoRun { .. }))
        ),
        "{error}"
    );
    let error = failed(&|s| s.kernel = &[0; 4096]).to_string();
    assert!(error.contains("kernel cannot be started"), "{error}");
    let long = "x".repeat(2000).leak();
    let error = failed(&|s| s.words = long).to_string();
    assert!(error.contains("command line has"), "{error}");
    // After all that it still can.
    staged.pin(|_| {}).unwrap();
}
