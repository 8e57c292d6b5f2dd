// SPDX-License-Identifier: MIT OR Apache-2.0
//! Copies that rot, past the point of no return.

use super::super::*;
use super::image::{armed, data};
use super::looks::open;
use crate::disk::{cut, rot};
use ondisk::lifeboat::{Run, SECTOR, SECTOR_LEN, Twin};
use std::os::unix::fs::FileExt;

/// The roles of which there are two, without the state, which is written anew
/// all the time.
const OF: [fn(Twin) -> Role; 4] = [Role::Record, Role::Kernel, Role::Initramfs, Role::Blob];

fn destroying(dir: &Path) -> Lifeboat {
    let mut boat = armed(dir);
    boat.write_state(Phase::Destroying {
        step: 0,
        failures: 0,
    })
    .unwrap();
    boat
}

/// Sectors that the file uses, in its order.
fn sectors(boat: &Lifeboat, role: Role) -> Vec<u64> {
    let file = boat.record().file(role).unwrap();
    let used = match role {
        Role::Record(_) => boat.record().encode().unwrap().len() as u64,
        _ => file.bytes,
    };
    let runs = ondisk::lifeboat::cut(&file.runs, 0, used.div_ceil(SECTOR)).unwrap();
    let all = |run: &Run| run.lba..run.lba + run.sectors;
    runs.iter().flat_map(all).collect()
}

fn change(boat: &Lifeboat, lba: u64, bytes: &[u8]) {
    let at = lba * SECTOR;
    open(boat.path()).write_all_at(bytes, at).unwrap();
}

fn flip(boat: &Lifeboat, lba: u64) {
    let mut byte = [0];
    let file = open(boat.path());
    file.read_exact_at(&mut byte, lba * SECTOR).unwrap();
    change(boat, lba, &[byte[0] ^ 0x40]);
}

fn one(repairs: Vec<Repair>) -> Repair {
    let [repair] = <[Repair; 1]>::try_from(repairs).unwrap();
    repair
}

#[test]
fn a_damaged_copy_is_made_anew_from_the_other_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut boat = destroying(dir.path());
    let whole = data(boat.path());
    assert!(boat.mend().unwrap().is_empty() && boat.starts());
    type Harm = fn(&Lifeboat, u64);
    let harms: [Harm; 3] = [
        flip,
        |boat, lba| change(boat, lba, &[0; SECTOR_LEN]),
        |boat, lba| rot::at(boat.path(), lba),
    ];
    for of in OF {
        for (bad, good) in [(of(Twin::A), of(Twin::B)), (of(Twin::B), of(Twin::A))] {
            let all = sectors(&boat, bad);
            let last = all.len() - 1;
            for at in [0, 1, last / 2, last] {
                for harm in harms {
                    harm(&boat, all[at]);
                    let repair = one(boat.mend().unwrap());
                    let text = repair.to_string();
                    let Repair::Mended {
                        bad: b,
                        good: g,
                        places,
                    } = repair
                    else {
                        panic!("{text}")
                    };
                    assert_eq!((b, g, places), (bad, good, vec![all[at]]));
                    assert_eq!(
                        text,
                        format!(
                            "{bad} was damaged on the disk at LBA {}; it was written anew from {good}",
                            all[at]
                        )
                    );
                    assert!(data(boat.path()) == whole, "{bad} {at}");
                }
            }
        }
    }
    // One of each pair, in several places, at once.
    let mixed = [
        Role::Record(Twin::B),
        Role::Kernel(Twin::A),
        Role::Initramfs(Twin::B),
        Role::Blob(Twin::A),
    ];
    for role in mixed {
        let all = sectors(&boat, role);
        for at in [3, all.len() / 2, all.len() - 1] {
            rot::at(boat.path(), all[at]);
        }
    }
    let mended = boat.mend().unwrap();
    assert_eq!(mended.len(), 4);
    assert!(
        matches!(&mended[2], Repair::Mended { places, .. } if places.len() == 3),
        "{}",
        mended[2]
    );
    assert!(boat.starts() && data(boat.path()) == whole);
}

#[test]
fn a_record_that_was_not_completed_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut boat = destroying(dir.path());
    let whole = data(boat.path());
    let early = ondisk::lifeboat::record::Record {
        old: None,
        ..boat.record().clone()
    };
    let file = boat.record().file(Role::Record(Twin::A)).unwrap();
    super::image::put(&open(boat.path()), file, &early.encode().unwrap());
    let boat_again = find(&[boat.path().to_owned()], boat.address()).unwrap();
    assert_eq!(boat_again.record(), boat.record());
    assert!(matches!(
        one(boat.mend().unwrap()),
        Repair::Mended {
            bad: Role::Record(Twin::A),
            ..
        }
    ));
    assert!(data(boat.path()) == whole);
}

#[test]
fn where_both_are_damaged_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut boat = destroying(dir.path());
    for of in [Role::Kernel, Role::Initramfs, Role::Blob] {
        let [a, b] = [Twin::A, Twin::B].map(|twin| sectors(&boat, of(twin)));
        flip(&boat, a[5]);
        rot::at(boat.path(), b[2]);
        let before = std::fs::metadata(boat.path()).unwrap().modified().unwrap();
        let text = one(boat.mend().unwrap()).to_string();
        let words = format!(
            "warning: {} is not what was staged, where it lies from LBA {} on, and {} cannot be read from LBA",
            of(Twin::A),
            a[0],
            of(Twin::B)
        );
        assert!(text.starts_with(&words), "{text}");
        let after = std::fs::metadata(boat.path()).unwrap().modified().unwrap();
        assert_eq!(before, after);
        assert!(!boat.starts());
        flip(&boat, a[5]);
        boat.mend().unwrap();
        assert!(boat.starts());
    }
    // Of different files: each has its twin.
    flip(&boat, sectors(&boat, Role::Kernel(Twin::A))[1]);
    flip(&boat, sectors(&boat, Role::Initramfs(Twin::B))[1]);
    assert_eq!(boat.mend().unwrap().len(), 2);
    assert!(boat.starts() && boat.mend().unwrap().is_empty());
}

#[test]
fn a_copy_that_cannot_be_written_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let mut boat = destroying(dir.path());
    flip(&boat, sectors(&boat, Role::Kernel(Twin::A))[1]);
    cut::after(0, 0);
    let text = one(boat.mend().unwrap()).to_string();
    assert!(cut::mended());
    let words = "warning: kernel A is not what was staged, where it lies from LBA";
    assert!(
        text.starts_with(words) && text.contains("could not be written anew: cannot write"),
        "{text}"
    );
    // Copy B has all; but not with another file of B damaged and left, too.
    assert!(boat.starts());
    flip(&boat, sectors(&boat, Role::Blob(Twin::B))[0]);
    cut::after(0, 0);
    assert_eq!(boat.mend().unwrap().len(), 2);
    assert!(cut::mended() && !boat.starts());
    boat.mend().unwrap();
    assert!(boat.starts());
}

#[test]
fn a_damaged_place_of_payload_or_identity_is_named_before_its_data_are_used() {
    let dir = tempfile::tempdir().unwrap();
    let boat = destroying(dir.path());
    let path = boat.path();
    let unreadable = |lba| format!("{} cannot be read at LBA {lba}: ", path.display());

    let identity = sectors(&boat, Role::Identity);
    let whole = boat.identity().unwrap();
    for lba in [identity[0], identity[identity.len() - 1]] {
        rot::at(path, lba);
        let text = boat.identity().unwrap_err().to_string();
        assert!(text.starts_with(&unreadable(lba)), "{text}");
        assert!(!text.contains("--payload"), "{text}");
        rot::gone(path);
    }
    assert!(boat.identity().unwrap() == whole);

    let payload = boat.payload().unwrap();
    let read = || {
        let mut bytes = Vec::new();
        let mut reader = payload.open().unwrap();
        let error = std::io::Read::read_to_end(&mut reader, &mut bytes).unwrap_err();
        (bytes.len(), error.to_string())
    };
    let all = sectors(&boat, Role::Payload);
    // The third chunk, of 128 sectors.
    let lba = all[2 * 128 + 77];
    rot::at(path, lba);
    let (used, text) = read();
    assert_eq!(used, 2 << 16);
    assert!(text.starts_with(&unreadable(lba)), "{text}");
    assert!(text.contains("migrate --payload DEVICE:PATH"), "{text}");
    rot::gone(path);
    flip(&boat, lba);
    let (used, text) = read();
    assert_eq!(used, 2 << 16);
    let (first, last) = (all[2 * 128], all[3 * 128 - 1]);
    let words = format!(
        "chunk 2 of payload is damaged: sectors of 512 bytes of the disk: {first} to {last};"
    );
    assert!(
        text.contains(&words) && text.contains("--payload"),
        "{text}"
    );
}

#[test]
fn what_a_program_of_the_new_system_changes_is_put_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut boat = destroying(dir.path());
    // Both copies of the state, and both blobs, at once: not by the other one.
    let whole = data(boat.path());
    let disk = Disk::open_writable(boat.path()).unwrap();
    let table = crate::plan::sample().1.table;
    let snapshot = boat.snapshot(&disk).unwrap();
    let area = crate::tiny::boot::Area::of(&disk, &table).with(Some(snapshot));
    let roles: Vec<Role> = [Role::Record, Role::State, Role::Blob]
        .into_iter()
        .flat_map(|of| [of(Twin::A), of(Twin::B)])
        .collect();
    let mut lines = Vec::new();
    let mut keep = |harm: &dyn Fn()| {
        lines.clear();
        let name = "dracut --force";
        let mut line = |text: &str| lines.push(text.to_owned());
        area.keep(name, &mut line, |_| {
            harm();
            Ok(())
        })
        .unwrap();
        lines.clone()
    };
    assert!(keep(&|| {}).is_empty());
    let harm = || {
        for role in &roles {
            let all = sectors(&boat, *role);
            flip(&boat, all[all.len() / 2]);
        }
    };
    let said = keep(&harm);
    assert_eq!(said.len(), roles.len(), "{said:?}");
    for role in &roles {
        let all = sectors(&boat, *role);
        let words = format!(
            "warning: in the new system: dracut --force has written {role} at LBA {} of the disk, which programs there must not do; it was put back",
            all[all.len() / 2]
        );
        assert!(said.contains(&words), "{said:?}");
    }
    assert!(data(boat.path()) == whole);
    // One that cannot be read, and one that cannot be written.
    let blob = sectors(&boat, Role::Blob(Twin::B));
    assert_eq!(keep(&|| rot::at(boat.path(), blob[1])).len(), 1);
    assert!(data(boat.path()) == whole);
    let said = keep(&|| {
        flip(&boat, blob[1]);
        cut::after(0, 0);
    });
    assert!(cut::mended());
    assert!(
        said[0].contains("it could not be put back: cannot write"),
        "{said:?}"
    );
    // What was damaged before is not the program's.
    let snapshot = boat.snapshot(&disk).unwrap();
    assert!(snapshot.put_back(&disk).unwrap().is_empty());
    assert_eq!(boat.mend().unwrap().len(), 1);
    assert!(data(boat.path()) == whole);
}

#[test]
fn mending_may_be_cut_off_at_each_write() {
    let dir = tempfile::tempdir().unwrap();
    let mut boat = destroying(dir.path());
    let whole = data(boat.path());
    for of in OF {
        for twin in [Twin::A, Twin::B] {
            for writes in 0.. {
                for lba in sectors(&boat, of(twin)) {
                    flip(&boat, lba);
                }
                cut::after(writes, 512);
                boat.mend().unwrap();
                let was_cut = cut::mended();
                // The next start of the machine.
                let mut again = find(&[boat.path().to_owned()], boat.address()).unwrap();
                assert_eq!(again.record(), boat.record());
                assert_eq!(again.mend().unwrap().is_empty(), !was_cut);
                assert!(data(boat.path()) == whole, "{} {writes}", of(twin));
                if !was_cut {
                    break;
                }
            }
        }
    }
}
