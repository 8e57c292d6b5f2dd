// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing and wiping disks, on image files and loop devices, with the real
//! tools as judges.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    fs::{self, File},
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

use ondisk::gpt::{Guid, LastPartition, Name, Partition, Table};
use replant::disk::{
    Disk, Error, reread, sector_0,
    table::{self, Present},
    wipe,
};
use testkit::{Loop, sparse, tool};

const MIB: u64 = 1 << 20;

fn image(dir: &Path, bytes: u64) -> PathBuf {
    sparse(dir.join("disk.img"), bytes)
}

/// BIOS boot of 2 MiB, /boot of 16 MiB, and the rest for LVM.
fn seed_like(bytes: u64, block_size: u32) -> Table {
    let mut table = Table::new(bytes, block_size, Guid([1; 16])).unwrap();
    let block = u64::from(block_size);
    for (number, kind, start, end) in [
        (1, Guid::BIOS_BOOT, MIB, 3 * MIB),
        (2, Guid::LINUX, 3 * MIB, 19 * MIB),
        (3, Guid::LVM, 19 * MIB, 40 * MIB),
    ] {
        table.partitions.push(Partition {
            number,
            type_guid: kind,
            guid: Guid([number as u8; 16]),
            first_lba: start / block,
            last_lba: end / block - 1,
            attributes: 0,
            name: Name::new("part").unwrap(),
        });
    }
    table.fit(bytes, block_size, LastPartition::Grow).unwrap()
}

#[test]
fn a_table_is_written_and_read_back() {
    testkit::needs!("root", "sgdisk");
    let dir = tempfile::tempdir().unwrap();
    let path = image(dir.path(), 64 * MIB);
    let code: Vec<u8> = (0..512).map(|i| i as u8).collect();
    for options in [&[][..], &["-b", "4096"]] {
        let device = Loop::with(&path, options);
        let disk = Disk::open_writable(&device.0).unwrap();
        assert_eq!(disk.bytes(), 64 * MIB);
        assert_eq!(
            disk.block_size(),
            if options.is_empty() { 512 } else { 4096 }
        );
        assert_eq!(disk.kernel_name(), device.name().strip_prefix("/dev/"));
        let new = seed_like(disk.bytes(), disk.block_size());
        table::write(&disk, &new, Some(&code)).unwrap();
        let verdict = tool("sgdisk", &["--verify", device.name()]);
        assert!(verdict.contains("No problems found"), "{verdict}");
        match table::read(&disk).unwrap() {
            Present::Gpt(found) => {
                assert_eq!(found.table, new);
                assert_eq!((found.primary_problem, found.backup_problem), (None, None));
            }
            other => panic!("{other:?}"),
        }
        let sector_0 = disk.read_fresh(3, 500).unwrap();
        assert_eq!(sector_0[..443], code[3..446]);
    }
    // And on the image file itself.
    let path = image(dir.path(), 64 * MIB);
    let disk = Disk::open_writable(&path).unwrap();
    table::write(&disk, &seed_like(64 * MIB, 512), None).unwrap();
    let verdict = tool("sgdisk", &["--verify", path.to_str().unwrap()]);
    assert!(verdict.contains("No problems found"), "{verdict}");
}

#[test]
fn a_table_for_another_disk_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = image(dir.path(), 64 * MIB);
    let disk = Disk::open_writable(&path).unwrap();
    for wrong in [seed_like(63 * MIB, 512), seed_like(64 * MIB, 4096)] {
        assert!(matches!(
            table::write(&disk, &wrong, None),
            Err(Error::WrongDisk { .. })
        ));
        // Nor is such a disk wiped.
        assert!(matches!(
            wipe::ranges(&disk, &Present::None, &wrong),
            Err(Error::WrongDisk { .. })
        ));
    }
    let mut overlapping = seed_like(64 * MIB, 512);
    overlapping.partitions[1].first_lba -= 1;
    assert!(matches!(
        table::write(&disk, &overlapping, None),
        Err(Error::Table { .. })
    ));
    assert!(
        fs::read(&path).unwrap().iter().all(|&b| b == 0),
        "something was written"
    );
}

#[test]
fn what_cannot_be_a_disk() {
    testkit::needs!("root");
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(
        Disk::open("/dev/null"),
        Err(Error::NotADisk { .. })
    ));
    assert!(matches!(
        Disk::open(dir.path()),
        Err(Error::NotADisk { .. })
    ));
    let error = Disk::open("/dev/no-such-disk").unwrap_err().to_string();
    assert!(error.contains("/dev/no-such-disk"), "{error}");
    let device = Loop::with(image(dir.path(), MIB), &["-r"]);
    let error = Disk::open_writable(&device.0).unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
    let disk = Disk::open(&device.0).unwrap();
    let error = disk
        .write_at("nothing", 512, &[1; 512])
        .unwrap_err()
        .to_string();
    assert!(error.contains(device.name()), "{error}");
}

#[test]
fn a_loop_device_has_no_partitions() {
    testkit::needs!("root");
    let dir = tempfile::tempdir().unwrap();
    let path = image(dir.path(), 64 * MIB);
    let new = seed_like(64 * MIB, 512);
    let device = Loop::new(&path);
    for path in [&device.0, &path] {
        let disk = Disk::open_writable(path).unwrap();
        table::write(&disk, &new, None).unwrap();
        match reread::reread(&disk, &new, Duration::from_secs(1)) {
            Err(error @ Error::NoPartitions { .. }) => {
                assert!(
                    error.to_string().contains(path.to_str().unwrap()),
                    "{error}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_dos_table_hides_the_gpt_that_it_replaced() {
    testkit::needs!("sgdisk", "sfdisk");
    let dir = tempfile::tempdir().unwrap();
    let path = image(dir.path(), 64 * MIB);
    let file = path.to_str().unwrap();
    tool("sgdisk", &["--new=1:0:0", file]);
    let disk = Disk::open(&path).unwrap();
    assert!(matches!(table::read(&disk).unwrap(), Present::Gpt(_)));
    let gpt = fs::read(&path).unwrap();
    let script = dir.path().join("script");
    fs::write(&script, "label: dos\nstart=2048, size=4096, type=8e\n").unwrap();
    tool(
        "sh",
        &[
            "-c",
            &format!("sfdisk -q --no-reread {file} <{}", script.display()),
        ],
    );
    // sfdisk erases the old headers; put them back, as other tools leave them.
    let image = File::options().write(true).open(&path).unwrap();
    image.write_all_at(&gpt[512..17408], 512).unwrap();
    image
        .write_all_at(&gpt[gpt.len() - 16896..], gpt.len() as u64 - 16896)
        .unwrap();
    match table::read(&disk).unwrap() {
        Present::Dos(dos) => assert_eq!(dos.partitions.len(), 1),
        other => panic!("{other:?}"),
    }
    let places = table::read(&disk).unwrap().partitions();
    assert_eq!(places[0].bytes, 2048 * 512..6144 * 512);
    // Sector 0 lost altogether: the GPT is still found.
    image.write_all_at(&[0; 512], 0).unwrap();
    assert!(matches!(table::read(&disk).unwrap(), Present::Gpt(_)));
    image.write_all_at(&[0; 17408], 0).unwrap();
    assert!(matches!(table::read(&disk).unwrap(), Present::Gpt(g) if g.primary_problem.is_some()));
    image.write_all_at(&[0; 512], 64 * MIB - 512).unwrap();
    assert_eq!(table::read(&disk).unwrap(), Present::None);
}

/// What libblkid finds in a range of an image.
fn signatures(path: &Path, bytes: &Range<u64>) -> String {
    let device = Loop::part(path, bytes.start, bytes.end - bytes.start);
    tool(
        "wipefs",
        &["--noheadings", "--output", "TYPE,OFFSET", device.name()],
    )
}

#[test]
fn no_old_signature_survives() {
    testkit::needs!("root", "sgdisk");
    let dir = tempfile::tempdir().unwrap();
    let path = image(dir.path(), 96 * MIB);
    let file = path.to_str().unwrap();
    tool(
        "sgdisk",
        &[
            "-n=1:0:+20M",
            "-n=2:0:+20M",
            "-n=3:0:+20M",
            "-n=4:0:0",
            file,
        ],
    );
    let old = table::read(&Disk::open(&path).unwrap())
        .unwrap()
        .partitions();
    let made: [(&str, &[&str]); 3] = [
        ("ext4", &["mke2fs", "-q", "-F", "-t", "ext4"]),
        ("swap", &["mkswap"]),
        (
            "LVM2_member",
            &["pvcreate", "--devicesfile", "", "--metadatacopies", "2"],
        ),
    ];
    for ((_, command), place) in made.iter().zip(&old) {
        let device = Loop::part(
            &path,
            place.bytes.start,
            place.bytes.end - place.bytes.start,
        );
        tool(command[0], &[&command[1..], &[device.name()]].concat());
    }
    // Something in the middle of a partition, which is not to be touched.
    let image = File::options().read(true).write(true).open(&path).unwrap();
    let middle = old[0].bytes.start + 10 * MIB;
    image.write_all_at(b"payload", middle).unwrap();
    // The disk grew: the old backup table is now far from its end.
    image.set_len(160 * MIB).unwrap();
    let stale = 96 * MIB - 512;

    let disk = Disk::open_writable(&path).unwrap();
    let present = table::read(&disk).unwrap();
    let new = seed_like(160 * MIB, 512);
    let ranges = wipe::ranges(&disk, &present, &new).unwrap();
    for range in ranges.windows(2) {
        assert!(range[0].end < range[1].start, "{ranges:?}");
    }
    let mut header = [0; 8];
    image.read_exact_at(&mut header, stale).unwrap();
    assert_eq!(&header, b"EFI PART");
    for (place, (kind, _)) in old.iter().zip(made) {
        let found = signatures(&path, &place.bytes);
        assert!(found.contains(kind), "{kind} was not made: {found}");
    }

    wipe::clear(&disk, &ranges).unwrap();
    image.read_exact_at(&mut header, stale).unwrap();
    assert_eq!(header, [0; 8]);
    assert_eq!(table::read(&disk).unwrap(), Present::None);
    assert_eq!(signatures(&path, &(0..160 * MIB)), "");
    let new_places = new.partitions.iter().map(|p| new.byte_range(p));
    for bytes in old.iter().map(|p| p.bytes.clone()).chain(new_places) {
        assert_eq!(signatures(&path, &bytes), "", "{bytes:?}");
    }
    let mut payload = [0; 7];
    image.read_exact_at(&mut payload, middle).unwrap();
    assert_eq!(&payload, b"payload");
    // Once more, and with ranges behind the end: nothing else changes.
    let before = fs::read(&path).unwrap();
    let mut beyond = ranges.clone();
    beyond.push(1 << 40..1 << 41);
    wipe::clear(&disk, &beyond).unwrap();
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn a_disk_in_use_is_not_had_alone() {
    testkit::needs!("root");
    let dir = tempfile::tempdir().unwrap();
    let path = image(dir.path(), 64 * MIB);
    let device = Loop::new(&path);
    // Others that only have it open are not in the way.
    let _reader = Disk::open_writable(&device.0).unwrap();
    let disk = Disk::open_exclusive(&device.0).unwrap();
    sector_0::write(&disk, "a mark", 0, &[7; 512]).unwrap();
    match Disk::open_exclusive(&device.0) {
        Err(Error::Busy { partition, .. }) => assert_eq!(partition, device.0),
        other => panic!("{other:?}"),
    }
    drop(disk);
    let mount = dir.path().join("mnt");
    fs::create_dir(&mount).unwrap();
    let mount = mount.to_str().unwrap();
    tool("mkfs.ext4", &["-q", device.name()]);
    tool("mount", &[device.name(), mount]);
    let error = Disk::open_exclusive(&device.0).unwrap_err().to_string();
    testkit::unmount(Path::new(mount));
    assert!(error.contains(&format!("mounted at {mount}")), "{error}");
    Disk::open_exclusive(&device.0).unwrap();
    // An image file has no such state.
    Disk::open_exclusive(&path).unwrap();
}
