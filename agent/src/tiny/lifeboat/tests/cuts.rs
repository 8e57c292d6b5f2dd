// SPDX-License-Identifier: MIT OR Apache-2.0
//! The power goes between any two writes, and within one.

use super::super::*;
use super::image::{BYTES, armed, staged_disk};
use super::looks::copy;
use crate::disk::{cut, table, wipe};
use contract::cmdline::Start::{Disk as ByDisk, File as ByFile};
use ondisk::checksum::crc32;
use ondisk::lifeboat::{Address, BootSector, SECTOR, Twin};
use std::os::unix::fs::FileExt;

/// What the firmware starts from this disk.
#[derive(Debug, PartialEq, Eq)]
enum Starts {
    Old,
    Tiny,
}

/// Looks as the firmware and the loader do. `old` is the old sector 0.
fn starts(path: &Path, old: &[u8; 512]) -> Starts {
    let file = std::fs::File::open(path).unwrap();
    let mut sector = [0; 512];
    file.read_exact_at(&mut sector, 0).unwrap();
    if sector == *old {
        return Starts::Old;
    }
    assert_eq!(sector[510..], [0x55, 0xaa]);
    let found = BootSector::decode(&sector).unwrap();
    assert_eq!(found.start, *b"disk");
    for place in found.blobs {
        let mut blob = vec![0; usize::from(place.sectors) * 512];
        file.read_exact_at(&mut blob, place.lba * SECTOR).unwrap();
        assert_eq!(crc32(&blob), place.crc32);
        if let Some(sum) = found.way_back {
            assert_eq!(blob[blob.len() - 512..], *old);
            assert_eq!(sum, crc32(old));
        }
    }
    Starts::Tiny
}

fn old_sector(path: &Path) -> [u8; 512] {
    let mut sector = [0; 512];
    let file = std::fs::File::open(path).unwrap();
    file.read_exact_at(&mut sector, 0).unwrap();
    sector
}

fn found(path: &Path, address: &Address) -> Lifeboat {
    find(&[path.to_owned()], address).unwrap()
}

/// One start of the machine, as far as sector 0 and the state go.
fn start(path: &Path, address: &Address, old: &[u8; 512]) -> Result<Course, Error> {
    let mut boat = find(&[path.to_owned()], address)?;
    let way = match starts(path, old) {
        Starts::Old => ByFile,
        Starts::Tiny => ByDisk,
    };
    let start = Start {
        way: Some(way),
        drive: Some(0x80),
        armed: boat.sector_0_is_armed()?,
        by_hand: false,
    };
    let course = Course::of(boat.phase(), start);
    match course {
        Course::Trial(phase) => {
            boat.write_state(phase)?;
            boat.arm(&mut |_, _| {})?;
        }
        Course::Armed(phase) => {
            boat.write_state(phase)?;
            boat.is_ready(&mut |_, _| {})?;
        }
        Course::Back(_) => drop(boat.disarm()?),
        Course::Resume | Course::Release | Course::Nothing => {}
    }
    Ok(course)
}

#[test]
fn arming_may_be_cut_off_at_each_write() {
    let dir = tempfile::tempdir().unwrap();
    let (path, address) = staged_disk(dir.path());
    let image = dir.path().join("cut");
    let old = old_sector(&path);
    let (mut cuts, mut seen, mut stays) = (0, [0, 0], 0);
    for torn in [0, 512, 2048] {
        for writes in 0.. {
            copy(&path, &image);
            cut::after(writes, torn);
            let result = start(&image, &address, &old);
            let was_cut = cut::mended();
            assert_eq!(result.is_err(), was_cut, "{writes}: {result:?}");
            if !was_cut {
                break;
            }
            cuts += 1;
            seen[usize::from(starts(&image, &old) == Starts::Tiny)] += 1;
            let first = start(&image, &address, &old);
            if let Err(Error::Changed { role }) = first {
                // One copy of the record was half written: the old system stays.
                assert!(matches!(role, Role::Record(_)), "{writes}, {torn}: {role}");
                assert_eq!(starts(&image, &old), Starts::Old);
                stays += 1;
                continue;
            }
            // Otherwise the next starts come to the armed machine.
            let next = start(&image, &address, &old).unwrap();
            assert!(
                matches!(next, Course::Armed(_)),
                "{writes}, {torn}: {next:?}"
            );
            let boat = found(&image, &address);
            assert!(boat.sector_0_is_armed().unwrap());
        }
    }
    // The trial's count, the record's two copies, sector 0, the state.
    assert!(cuts >= 15 && seen[0] > 0 && seen[1] > 0, "{cuts} {seen:?}");
    assert!(0 < stays && stays < cuts, "{stays} of {cuts}");
}

#[test]
fn giving_back_may_be_cut_off_at_each_write() {
    let dir = tempfile::tempdir().unwrap();
    let (path, address) = staged_disk(dir.path());
    let old = old_sector(&path);
    let mut boat = found(&path, &address);
    boat.write_state(Phase::Trial { starts: 1 }).unwrap();
    boat.arm(&mut |_, _| {}).unwrap();
    let image = dir.path().join("cut");
    for writes in 0.. {
        copy(&path, &image);
        let mut boat = found(&image, &address);
        cut::after(writes, 512);
        let result = boat.disarm();
        let was_cut = cut::mended();
        assert_eq!(result.is_err(), was_cut);
        starts(&image, &old);
        // Once more, by the next start.
        let mut boat = found(&image, &address);
        boat.disarm().unwrap();
        assert_eq!(starts(&image, &old), Starts::Old);
        assert!(matches!(boat.phase(), Phase::Staged));
        if !was_cut {
            break;
        }
    }
}

#[test]
fn a_machine_that_never_gets_ready_stays_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let (path, address) = staged_disk(dir.path());
    let old = old_sector(&path);
    let file = super::looks::open(&path);
    let boat = found(&path, &address);
    // The identity's first bytes change: the machine cannot be armed.
    let at = boat.record().file(Role::Identity).unwrap().runs[0].lba * SECTOR;
    file.write_all_at(b"changed", at).unwrap();
    for _ in 0..3 {
        start(&path, &address, &old).unwrap_err();
        assert_eq!(starts(&path, &old), Starts::Old);
    }
    assert_eq!(
        start(&path, &address, &old).unwrap(),
        Course::Back(Back::Trials)
    );
    let boat = found(&path, &address);
    assert_eq!(boat.phase(), Phase::Trial { starts: 3 });
}

#[test]
fn an_armed_machine_that_does_not_come_to_it_gets_its_old_sector_back() {
    let dir = tempfile::tempdir().unwrap();
    let (path, address) = staged_disk(dir.path());
    let old = old_sector(&path);
    start(&path, &address, &old).unwrap();
    for starts in 1..=3 {
        let course = start(&path, &address, &old).unwrap();
        assert_eq!(course, Course::Armed(Phase::Armed { starts }));
    }
    assert_eq!(
        start(&path, &address, &old).unwrap(),
        Course::Back(Back::Starts)
    );
    assert_eq!(starts(&path, &old), Starts::Old);
    let whole = |path: &Path| Disk::open(path).unwrap().read_fresh(0, 34 * 512).unwrap();
    let other = tempfile::tempdir().unwrap();
    assert!(whole(&path) == whole(&staged_disk(other.path()).0));
}

/// The writes of the steps wipe and partition.
fn replace_table(boat: &mut Lifeboat) -> Result<(), Error> {
    let contents = Contents::of(boat.record()).unwrap();
    let others = crate::plan::Others::default();
    let plan = plan(boat.record(), &contents, "sda", &others).unwrap();
    let open = || Disk::open_writable(boat.path())?.guarded(&plan.protected);
    let disk = open()?;
    boat.close_way_back(&disk)?;
    wipe::clear(&disk, &boat.wiped())?;
    assert!(boat.is_closed(&disk)? && !table::has_gpt(&disk)?);
    table::write(&disk, &plan.table, Some(&boat.boot_code()?))?;
    assert!(boat.is_closed(&disk)?);
    Ok(())
}

#[test]
fn past_the_point_of_no_return_every_cut_starts_the_tiny_system() {
    let dir = tempfile::tempdir().unwrap();
    let mut boat = armed(dir.path());
    let old = boat.old_sector().unwrap();
    let address = *boat.address();
    let destroying = Phase::Destroying {
        step: 0,
        failures: 0,
    };
    boat.write_state(destroying).unwrap();
    let path = boat.path().to_owned();
    let (image, whole) = (dir.path().join("cut"), dir.path().join("whole"));
    copy(&path, &whole);
    let mut uncut = found(&whole, &address);
    replace_table(&mut uncut).unwrap();
    let head = |path: &Path| {
        let disk = Disk::open(path).unwrap();
        let last = BYTES - (1 << 20);
        [(0, 4 << 20), (last, 1 << 20)].map(|(at, length)| disk.read_fresh(at, length).unwrap())
    };
    let expected = head(&whole);
    // The active flag of the old table stays, and the kernel sees a GPT.
    assert_eq!(expected[0][446..451], [0x80, 0, 2, 0, 0xee]);
    let new = table::read(&Disk::open(&whole).unwrap()).unwrap();
    assert!(matches!(new, table::Present::Gpt(_)));

    let mut cuts = 0;
    for writes in 0.. {
        copy(&path, &image);
        let mut boat = found(&image, &address);
        cut::after(writes, 512);
        let result = replace_table(&mut boat);
        let was_cut = cut::mended();
        assert_eq!(result.is_err(), was_cut, "{result:?}");
        assert_eq!(starts(&image, &old), Starts::Tiny, "{writes}");
        let mut again = found(&image, &address);
        assert_eq!(again.phase(), destroying);
        for role in Role::ALL.into_iter().filter(|role| !role.changes()) {
            let file = again.record().file(role).unwrap();
            let found = crate::disk::sha256(&Disk::open(&image).unwrap(), &file.runs, file.bytes);
            assert_eq!(Some(found.unwrap()), file.sum, "{role}");
        }
        replace_table(&mut again).unwrap();
        assert!(head(&image) == expected, "{writes}");
        if !was_cut {
            break;
        }
        cuts += 1;
    }
    assert!(cuts >= 10, "{cuts}");
    // What GRUB leaves there: resumed by hand, the loader comes back first.
    let mut again = found(&image, &address);
    let disk = Disk::open_writable(&image).unwrap();
    crate::disk::sector_0::write(&disk, "boot.img", 0, &[0x90; 440]).unwrap();
    assert!(!again.is_closed(&disk).unwrap());
    replace_table(&mut again).unwrap();
    // The bytes of a BIOS parameter block are those of whoever was there.
    assert_eq!(starts(&image, &old), Starts::Tiny);
    let state = again.record().file(Role::State(Twin::A)).unwrap().runs[0].lba;
    assert_eq!(state, address.state[0]);
}
