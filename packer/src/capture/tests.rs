// SPDX-License-Identifier: MIT OR Apache-2.0
//! fstab lines of a captured disk, journals, and links that lead out of it.

use super::disk::{describe, inside, mounts};
use super::mounted::Mounted;
use super::volumes::{Area, Areas};
use ondisk::fstab;
use ondisk::gpt::Table;
use ondisk::gpt::{Guid, Name, Partition};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use testkit::{run, sparse};

const MIB: u64 = 1 << 20;

/// A disk with an ext4 (2), an ext3 (3) and a FAT file system (4), made by
/// their own programs.
fn areas(dir: &Path) -> Areas {
    let image = dir.join("disk.raw");
    let disk = File::create(&image).unwrap();
    disk.set_len(64 * MIB).unwrap();
    let mut table = Table::new(64 * MIB, 512, Guid([7; 16])).unwrap();
    let makers: [(u32, &[&str]); 3] = [
        (2, &["mke2fs", "-q", "-t", "ext4", "-L", "top"]),
        (3, &["mke2fs", "-q", "-t", "ext3", "-L", "data"]),
        (4, &["mkfs.vfat", "-i", "1234ABCD"]),
    ];
    for (number, words) in makers {
        let part = dir.join("part");
        sparse(&part, 10 * MIB);
        run(Command::new("env").args(words).arg(&part));
        let start = u64::from(number) * 12 * MIB;
        disk.write_all_at(&std::fs::read(&part).unwrap(), start)
            .unwrap();
        table.partitions.push(Partition {
            number,
            type_guid: Guid::LINUX,
            guid: Guid([u8::try_from(number).unwrap(); 16]),
            first_lba: start / 512,
            last_lba: (start + 10 * MIB) / 512 - 1,
            attributes: 0,
            name: Name::new(&format!("part {number}")).unwrap(),
        });
    }
    Areas::find(&image, &File::open(&image).unwrap(), &table).unwrap()
}

#[test]
fn the_lines_of_an_fstab_meet_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let areas = areas(dir.path());
    let mounted = |text: &str| {
        let lines = fstab::parse(text.as_bytes()).unwrap();
        let found = mounts(&areas, &lines).map_err(|e| e.to_string())?;
        let targets = |(l, a): &(&fstab::Line, &Area)| format!("{} {}", l.target, a.device);
        Ok(found.iter().map(targets).collect::<Vec<_>>().join(", "))
    };
    let guid = Guid([3; 16]);
    for (text, found) in [
        ("PARTLABEL=part\\0403 /data auto", "/data partition 3"),
        (&format!("PARTUUID={guid} /data ext4"), "/data partition 3"),
        ("LABEL=data /data ext4 noauto", "/data partition 3"),
        (
            "LABEL=data /a/b ext4\n/dev/sda2 /a ext4",
            "/a partition 2, /a/b partition 3",
        ),
        // The line that Debian's installer writes.
        ("/dev/sr0 /media/cdrom0 udf,iso9660 user,noauto 0 0", ""),
        ("UUID=0-0 /gone ext4 nofail", ""),
        ("UUID=1234-ABCD /boot/efi vfat noauto", ""),
        ("tmpfs /tmp tmpfs\nUUID=0-0 none swap sw", ""),
    ] {
        assert_eq!(mounted(text), Ok(found.to_string()), "{text}");
    }
    let refused = |text: &str| -> String { mounted(text).unwrap_err() };
    let gone = refused("/dev/sr0 /media/cdrom0 udf,iso9660 user");
    assert!(
        gone.contains("/dev/sr0") && gone.contains("noauto"),
        "{gone}"
    );
    let efi = refused("UUID=1234-ABCD /boot/efi vfat umask=0077");
    assert!(
        efi.contains("/boot/efi from partition 4, which is vfat"),
        "{efi}"
    );
    let kind = refused("LABEL=data /data ext3");
    assert!(kind.contains("/data (partition 3) as ext3"), "{kind}");
    assert!(kind.contains("ext4 or auto"), "{kind}");
}

#[test]
fn a_journal_that_must_be_replayed_is_seen() {
    testkit::needs!("root", "mke2fs", "debugfs", "mkfs.xfs", "xfs_io");
    let dir = tempfile::tempdir().unwrap();
    let sh = |script: &str| {
        let mut sh = Command::new("sh");
        run(sh.current_dir(&dir).args(["-ec", script]));
    };
    let xfs = "mkdir -p at; mount -o loop xfs at; echo x >at/file
               xfs_io -x -c 'shutdown -f' at; umount at";
    for (kind, make, spoil) in [
        (
            "ext4",
            "mke2fs -q -t ext4",
            "debugfs -w -R 'feature needs_recovery' ext4",
        ),
        (
            "ext3",
            "mke2fs -q -t ext3",
            "debugfs -w -R 'feature needs_recovery' ext3",
        ),
        ("ext2", "mke2fs -q -t ext2", "debugfs -w -R dirty ext2"),
        ("xfs", "mkfs.xfs -q", xfs),
    ] {
        sh(&format!("truncate -s 320M {kind}; {make} {kind}"));
        let path = dir.path().join(kind);
        let file = File::open(&path).unwrap();
        let mut area = Area::new("partition 2".into(), 0, 320 * MIB);
        area.look(&path, &file).unwrap();
        let mut mounted = Mounted::new(&path);
        let at = dir.path().join("at");
        mounted.whole(&area, &at).unwrap();
        mounted.unmount_last().unwrap();

        sh(spoil);
        area.look(&path, &file).unwrap();
        let before = std::fs::read(&path).unwrap();
        let error = mounted.whole(&area, &at).unwrap_err().to_string();
        assert!(error.contains("partition 2 was not unmounted"), "{error}");
        // A look is allowed, and changes nothing.
        mounted.peek(&area, &at).unwrap();
        mounted.release().unwrap();
        assert!(std::fs::read(&path).unwrap() == before, "{kind}");
    }
}

#[test]
fn no_link_leads_out_of_the_captured_system() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    std::fs::create_dir_all(root.join("srv/data")).unwrap();
    for (target, link) in [("srv/data", "own"), ("/srv", "host"), ("../..", "up")] {
        std::os::unix::fs::symlink(target, root.join(link)).unwrap();
    }
    let own = root.canonicalize().unwrap().join("srv/data");
    assert_eq!(inside(&root, "own"), Some(own));
    for path in ["host", "up", "..", "/srv", "nothing"] {
        assert_eq!(inside(&root, path), None, "{path}");
    }
}

#[test]
fn whatever_it_was_the_new_one_is_ext4() {
    let dir = tempfile::tempdir().unwrap();
    let areas = areas(dir.path());
    let device = fstab::parse(b"LABEL=data /data auto").unwrap()[0]
        .device()
        .unwrap();
    let area = areas.by_device(&device).unwrap();
    assert_eq!(area.kind, "ext3");
    let described = describe(area, "/data");
    assert_eq!(described.kind, "ext4");
    assert_eq!(described.label, "data");
    assert_eq!(described.uuid.as_deref(), Some(area.uuid.as_str()));
}
