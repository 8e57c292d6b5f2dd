// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which disk has the record and the state, and what more than one leads to.

use super::super::*;
use super::image::{BYTES, ID, armed, data, noise, put, staged_boat, staged_disk};
use ondisk::lifeboat::state::State;
use ondisk::lifeboat::{Id, SECTOR, Twin};
use ondisk::sha256::Sha256Sum;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;

pub(super) fn open(path: &Path) -> File {
    OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap()
}

/// A copy with its holes.
pub(super) fn copy(from: &Path, to: &Path) {
    testkit::tool(
        "cp",
        &[
            "--sparse=always",
            from.to_str().unwrap(),
            to.to_str().unwrap(),
        ],
    );
}

fn nothing(_: u64, _: u64) {}

/// Changes a bit in the first place of a file.
fn flip(boat: &Lifeboat, role: Role) {
    let at = boat.record().file(role).unwrap().runs[0].lba * SECTOR + 100;
    let (file, mut byte) = (open(boat.path()), [0]);
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
}

#[test]
fn the_one_disk_is_found_and_a_clone_is_not_chosen() {
    let dir = tempfile::tempdir().unwrap();
    let (path, address) = staged_disk(dir.path());
    let other = testkit::sparse(dir.path().join("other"), BYTES);
    let small = testkit::sparse(dir.path().join("small"), 1 << 20);
    let missing = dir.path().join("missing");
    let all = [other.clone(), path.clone(), small.clone(), missing.clone()];
    let boat = find(&all, &address).unwrap();
    assert_eq!((boat.path(), boat.phase()), (path.as_path(), Phase::Staged));
    assert!(is_on(&Disk::open(&path).unwrap(), &address).unwrap());
    assert!(!is_on(&Disk::open(&small).unwrap(), &address).unwrap());

    // What each of the others says.
    let error = find(&[other, small, missing], &address).unwrap_err();
    let Error::NotFound { id, others } = &error else {
        panic!("{error}")
    };
    assert_eq!((*id, others.len()), (ID, 3));
    assert!(
        others[0].contains("/other: copy A at LBA ")
            && others[0].contains(": there is no record here; copy B at LBA "),
        "{error}"
    );
    assert!(others[2].contains("/missing: cannot open"), "{error}");
    assert!(
        find(&[], &address)
            .unwrap_err()
            .to_string()
            .contains("there is no disk")
    );

    let clone = dir.path().join("clone");
    copy(&path, &clone);
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    let error = find(&[path.clone(), clone.clone()], &address).unwrap_err();
    assert!(
        matches!(&error, Error::Alike { disks, .. } if disks.len() == 2),
        "{error}"
    );
    // Whatever its state is.
    let newer = State::staged(ID).next(Phase::Trial { starts: 1 }).unwrap();
    let file = open(&clone);
    file.write_all_at(&newer.encode(), address.state[0] * SECTOR)
        .unwrap();
    let error = find(&[path.clone(), clone.clone()], &address).unwrap_err();
    assert!(matches!(error, Error::Alike { .. }), "{error}");
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
    // On a disk of another size it is none.
    file.set_len(BYTES + 4096).unwrap();
    assert_eq!(
        find(&[clone.clone(), path.clone()], &address)
            .unwrap()
            .path(),
        path
    );
    let error = find(&[clone], &address).unwrap_err().to_string();
    let words = "has 8589938688 bytes, the record is that of a disk with 8589934592";
    assert!(error.contains(words), "{error}");
    // Another staging over the same blocks.
    let id = Id([2; 16]);
    let error = find(&[path], &Address { id, ..address })
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&format!("staging {ID}, not of {id}")),
        "{error}"
    );
}

#[test]
fn each_copy_may_be_damaged_and_not_both() {
    let dir = tempfile::tempdir().unwrap();
    let boat = staged_boat(dir.path());
    let again = || find(&[boat.path().to_owned()], boat.address());
    for of in [Role::Record, Role::State] {
        flip(&boat, of(Twin::A));
        assert_eq!(again().unwrap().record(), boat.record());
        flip(&boat, of(Twin::B));
        let error = again().unwrap_err().to_string();
        let says = ["damaged", "not of its form"].map(|words| error.contains(words));
        assert!(says.contains(&true), "{error}");
        flip(&boat, of(Twin::A));
        assert_eq!(again().unwrap().record(), boat.record());
        flip(&boat, of(Twin::B));
    }
    // Two that contradict each other are no state.
    let number = |phase| State {
        generation: 9,
        phase,
        ..State::staged(ID)
    };
    let file = open(boat.path());
    for (lba, phase) in boat
        .address()
        .state
        .into_iter()
        .zip([Phase::Staged, Phase::Switched])
    {
        file.write_all_at(&number(phase).encode(), lba * SECTOR)
            .unwrap();
    }
    let error = again().unwrap_err().to_string();
    assert!(
        error.contains("both copies of the state have number 9"),
        "{error}"
    );
}

#[test]
fn the_state_is_written_in_turn_and_only_to_the_disk_that_was_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut boat = staged_boat(dir.path());
    let image = dir.path().join("before");
    copy(boat.path(), &image);
    let address = *boat.address();
    let read = || {
        let disk = Disk::open(boat_path(dir.path())).unwrap();
        address.state.map(|lba| {
            let block = disk.read_fresh(lba * SECTOR, 4096).unwrap();
            State::decode(&block, &ID).unwrap().phase
        })
    };
    let trial = |starts| Phase::Trial { starts };
    boat.write_state(trial(1)).unwrap();
    assert_eq!(read(), [Phase::Staged, trial(1)]);
    boat.write_state(trial(2)).unwrap();
    assert_eq!(read(), [trial(2), trial(1)]);
    // A phase that cannot follow is not written.
    let error = boat.write_state(Phase::Switched).unwrap_err().to_string();
    assert!(error.contains("cannot become \"switched\""), "{error}");
    assert_eq!(read(), [trial(2), trial(1)]);
    // The name is another disk's: one with an older state, and none at all.
    copy(&image, boat.path());
    let error = boat.write_state(trial(3)).unwrap_err().to_string();
    assert!(error.contains("any more: it has an older state"), "{error}");
    testkit::sparse(boat.path(), BYTES);
    let error = boat.write_state(trial(3)).unwrap_err().to_string();
    assert!(
        error.contains("is not the disk that is being replaced any more"),
        "{error}"
    );
    let all = data(boat.path());
    assert!(
        all.iter()
            .all(|(_, bytes)| bytes.iter().all(|byte| *byte == 0))
    );
}

fn boat_path(dir: &Path) -> PathBuf {
    dir.join("disk")
}

#[test]
fn what_changes_after_the_staging_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let staged = staged_boat(dir.path());
    let fixed = Role::ALL.into_iter().filter(|role| !role.changes());
    for role in fixed.clone() {
        flip(&staged, role);
        let mut boat = staged.clone();
        let error = boat.arm(&mut nothing).unwrap_err();
        assert!(
            matches!(error, Error::Changed { role: found } if found == role),
            "{error}"
        );
        assert!(!boat.sector_0_is_armed().unwrap());
        flip(&staged, role);
    }
    // The way back would lead to another sector.
    let file = open(staged.path());
    let mut sector = [0; 512];
    file.read_exact_at(&mut sector, 0).unwrap();
    file.write_all_at(b"x", 100).unwrap();
    let error = staged.clone().arm(&mut nothing).unwrap_err().to_string();
    assert!(
        error.contains("blob A does not fit: the boot sector has changed"),
        "{error}"
    );
    file.write_all_at(&sector, 0).unwrap();

    let mut boat = staged.clone();
    boat.arm(&mut nothing).unwrap();
    boat.is_ready(&mut nothing).unwrap();
    let records = [Twin::A, Twin::B].map(Role::Record);
    for role in fixed.chain(records) {
        flip(&staged, role);
        let error = boat.is_ready(&mut nothing).unwrap_err();
        assert!(
            matches!(error, Error::Changed { role: found } if found == role),
            "{error}"
        );
        flip(&staged, role);
    }
    for (at, what) in [(5, "sector 0"), (600, "table"), (BYTES - 1, "table")] {
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 1], at).unwrap();
        let error = boat.is_ready(&mut nothing).unwrap_err().to_string();
        assert!(error.contains(what), "{at}: {error}");
        file.write_all_at(&byte, at).unwrap();
    }
    boat.is_ready(&mut nothing).unwrap();
}

#[test]
fn a_machine_is_armed_with_two_whole_records_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let staged = staged_boat(dir.path());
    for role in [Twin::A, Twin::B].map(Role::Record) {
        flip(&staged, role);
        let error = staged.clone().arm(&mut nothing).unwrap_err();
        assert!(
            matches!(error, Error::Changed { role: found } if found == role),
            "{error}"
        );
        assert!(!staged.sector_0_is_armed().unwrap());
        flip(&staged, role);
    }
    staged.clone().arm(&mut nothing).unwrap();
}

#[test]
fn the_plan_and_the_package_come_from_the_record() {
    let dir = tempfile::tempdir().unwrap();
    let boat = armed(dir.path());
    let contents = Contents::of(boat.record()).unwrap();
    let others = crate::plan::Others::default();
    let of = |disk: &str| plan(boat.record(), &contents, disk, &others).unwrap();
    let (a, b) = (of("sda"), of("vdb"));
    // The same whatever the disk is called, but for its name.
    assert_eq!(a.disk, Path::new("/dev/sda"));
    assert_eq!((&a.table, a.groups[0].uuid), (&b.table, b.groups[0].uuid));
    let ids = |plan: &crate::plan::Plan| -> Vec<[u8; 16]> {
        plan.filesystems.iter().map(|f| f.options.uuid).collect()
    };
    assert_eq!(ids(&a), ids(&b));
    assert_eq!(&a.protected, &boat.record().protected);
    assert!(
        a.groups[0]
            .build()
            .unwrap()
            .lv(ondisk::lvm::PINNED)
            .is_some()
    );

    let payload = boat.payload().unwrap();
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut payload.open().unwrap(), &mut bytes).unwrap();
    assert_eq!(bytes, noise(6, 300_001));
    let to = dir.path().join("unpacked");
    identity::archive::unpack(&boat.identity().unwrap(), &to).unwrap();
    let sum = identity::digest(&to).unwrap().to_string();
    assert_eq!(sum, contents.staged.identity_sha256);
    flip(&boat, Role::Identity);
    let lba = boat.record().file(Role::Identity).unwrap().runs[0].lba;
    let error = boat.identity().unwrap_err().to_string();
    let words = format!(
        "chunk 0 of identity is damaged: sectors of 512 bytes of the disk: {lba} to {lba};"
    );
    assert!(error.contains(&words), "{error}");

    // Files that do not belong together.
    let mut record = boat.record().clone();
    record.manifest.push(b'\n');
    let error = Contents::of(&record).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("migration.toml is not the file that was staged; ")
    );
    for file in ["va.sgdisk", "va.tar.xz"] {
        let mut record = boat.record().clone();
        match file {
            "va.sgdisk" => record.table_backup.push(0),
            _ => record
                .files
                .iter_mut()
                .for_each(|file| file.sum = file.sum.map(|_| Sha256Sum([9; 32]))),
        }
        let error = Contents::of(&record).unwrap_err();
        assert!(
            matches!(error, BadContents::OtherFile(name) if name == file),
            "{error}"
        );
    }
    record.staged = vec![0xff];
    let error = Contents::of(&record).unwrap_err().to_string();
    assert_eq!(error, "the record's staged.toml is no text");
}

#[test]
fn what_is_cleared_is_zero_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let mut boat = armed(dir.path());
    let record = boat.record().clone();
    let mut expected = data(boat.path());
    boat.clear().unwrap();
    let cleared = record.files.iter().filter(|file| {
        use Role::{Blob, Identity, Record, State};
        matches!(file.role, Identity | Blob(_) | Record(_) | State(_))
    });
    for run in cleared.flat_map(|file| &file.runs) {
        let bytes = run.bytes().unwrap();
        let (start, part) = &mut expected[1];
        let at = (bytes.start - *start) as usize;
        part[at..at + (bytes.end - bytes.start) as usize].fill(0);
    }
    assert!(data(boat.path()) == expected);
    assert!(find(&[boat.path().to_owned()], boat.address()).is_err());
    // Never over what the disk has where another one's record is.
    put(
        &open(boat.path()),
        record.file(Role::Identity).unwrap(),
        b"x",
    );
    boat.clear().unwrap_err();
}
