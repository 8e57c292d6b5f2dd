// SPDX-License-Identifier: MIT OR Apache-2.0
//! Formatted devices before the real e2fsck, kernel and resize2fs. Needs root,
//! loop devices and e2fsprogs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use ondisk::ext4::{Label, Options};
use replant::disk::{Disk, erase, ext4};
use testkit::{Loop, Mount, Random, run, sparse};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const UUID: [u8; 16] = [0x5a; 16];

/// An image file that goes away with the test.
struct Image(PathBuf);

impl Image {
    fn new(name: &str, size: u64) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.img"));
        Self(sparse(path, size))
    }

    fn open(&self) -> File {
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(&self.0)
            .unwrap()
    }

    /// Writes bytes everywhere that are wrong in any place.
    fn fill(&self) {
        let file = self.open();
        let garbage = vec![0xb7; 1 << 20];
        for mib in 0..file.metadata().unwrap().len() / MIB {
            file.write_all_at(&garbage, mib * MIB).unwrap();
        }
    }

    fn check(&self) {
        run(Command::new("e2fsck").arg("-fn").arg(&self.0));
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn mount(device: &Loop, name: &str) -> Mount {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.mnt"));
    Mount::new(&device.0, target, "rw")
}

fn options(disk: &Disk, label: &str) -> Options {
    Options {
        sector_bytes: disk.block_size(),
        label: Label::new(label).unwrap(),
        journal_sequence: 0x1234_5678,
        ..Options::new(disk.bytes(), UUID, [0xc3; 16], 1_700_000_000)
    }
}

/// Formats; the bytes written.
fn format(path: &Path, label: &str) -> u64 {
    let disk = Disk::open_writable(path).unwrap().as_volume();
    let options = options(&disk, label);
    let mut steps = Vec::new();
    ext4::format(&disk, &options, &mut |done, total| {
        steps.push((done, total))
    })
    .unwrap();
    let (first, last) = (steps.first().unwrap(), steps.last().unwrap());
    assert_eq!(first.0, 0);
    assert_eq!(last.0, last.1, "progress ends at its total");
    assert!(steps.is_sorted(), "progress only grows");
    last.0
}

#[test]
fn e2fsck_finds_nothing_from_64_mib_to_2_tib() {
    testkit::needs!("blkid", "root", "e2fsck");
    for size in [64 * MIB, 512 * MIB, GIB, 8 * GIB, 100 * GIB, 2048 * GIB] {
        let image = Image::new(&format!("clean-{size}"), size);
        let written = format(&image.0, "data");
        image.check();
        let on_disk = std::fs::metadata(&image.0).unwrap().blocks() * 512;
        let limit = if size > 100 * GIB { 64 * MIB } else { 8 * MIB };
        assert!(
            written < limit,
            "{size} bytes took {written} bytes to format"
        );
        assert!(on_disk < limit, "{size} bytes took {on_disk} bytes of disk");
        let blkid = run(Command::new("blkid")
            .args(["-p", "-o", "export"])
            .arg(&image.0));
        assert!(
            blkid.contains("UUID=5a5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a\n"),
            "{blkid}"
        );
        assert!(
            blkid.contains("LABEL=data\n") && blkid.contains("TYPE=ext4\n"),
            "{blkid}"
        );
    }
}

/// Makes directories, files, links and attributes until there is no room.
fn fill(root: &Path) -> u64 {
    let mut made = 0;
    let mut random = Random(1);
    let data: Vec<u8> = (0..200_000_u32)
        .map(|i| i.to_le_bytes()[0] ^ i.to_le_bytes()[1])
        .collect();
    let mut one = |index: u64| -> std::io::Result<()> {
        let dir = root
            .join(format!("d{}", index / 50))
            .join("a directory with a longer name");
        std::fs::create_dir_all(&dir)?;
        let name = dir.join(format!("file {index}"));
        std::fs::write(&name, &data[..random.below(200_000)])?;
        let value = vec![0x41; random.below(700)];
        rustix::fs::setxattr(
            &name,
            c"user.replant",
            &value,
            rustix::fs::XattrFlags::empty(),
        )?;
        symlink(
            "x".repeat(1 + random.below(200)),
            dir.join(format!("l{index}")),
        )?;
        std::fs::hard_link(&name, dir.join(format!("h{index}")))?;
        // Long sparse files have extent trees of more than one level.
        if index.is_multiple_of(40) {
            let file = File::create(dir.join(format!("s{index}")))?;
            for hole in 0..400 {
                file.write_all_at(b"piece", hole * 100_000)?;
            }
        }
        Ok(())
    };
    loop {
        match one(made) {
            Ok(()) => made += 1,
            Err(error) if error.kind() == ErrorKind::StorageFull => return made,
            Err(error) => panic!("after {made}: {error}"),
        }
    }
}

fn live(name: &str, size: u64, sector: u32, block: u64) {
    let image = Image::new(name, size);
    image.fill();
    let device = Loop::sectors(&image.0, sector);
    format(&device.0, "");
    image.check();
    {
        let mount = mount(&device, name);
        assert_eq!(rustix::fs::statvfs(&mount.0).unwrap().f_bsize, block);
        let found: Vec<_> = std::fs::read_dir(&mount.0)
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(found, ["lost+found"]);
        let made = fill(&mount.0);
        assert!(made > 100, "{name}: full after {made} files");
    }
    image.check();
    {
        let mount = mount(&device, name);
        for entry in std::fs::read_dir(&mount.0).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name() != "lost+found" {
                std::fs::remove_dir_all(entry.path()).unwrap();
            }
        }
    }
    drop(device);
    image.check();

    image.open().set_len(GIB).unwrap();
    // resize2fs wants a check that may write; it finds nothing to write.
    run(Command::new("e2fsck").arg("-fp").arg(&image.0));
    run(Command::new("resize2fs").arg(&image.0));
    image.check();
    let info = run(Command::new("dumpe2fs").arg("-h").arg(&image.0));
    let blocks = format!("Block count:              {}\n", GIB / block);
    assert!(info.contains(&blocks), "{info}");
    assert!(
        info.contains("resize_inode") && !info.contains("meta_bg"),
        "{info}"
    );
}

#[test]
fn a_kernel_fills_and_empties_blocks_of_1_kib_and_resize2fs_grows_them() {
    testkit::needs!("resize2fs", "dumpe2fs", "root", "e2fsck");
    live("live-1k", 64 * MIB, 512, 1024);
}

#[test]
fn a_kernel_fills_and_empties_blocks_of_4_kib_and_resize2fs_grows_them() {
    testkit::needs!("resize2fs", "dumpe2fs", "root", "e2fsck");
    live("live-4k", 128 * MIB, 4096, 4096);
}

/// What lay on the disk before is nowhere on it afterwards, and of what is
/// there now nothing is lost. dumpe2fs says what is free.
fn erased(name: &str, size: u64, sector: u32) {
    let image = Image::new(name, size);
    image.fill();
    let device = Loop::sectors(&image.0, sector);
    format(&device.0, "");
    let data: Vec<u8> = (0..300_000_u32).map(|i| i.to_le_bytes()[0] | 1).collect();
    let open = || Disk::open_writable(&device.0).unwrap();
    {
        let mount = mount(&device, name);
        for index in 0..60 {
            std::fs::write(mount.0.join(format!("f{index}")), &data).unwrap();
        }
        for index in (0..60).filter(|index| index % 3 == 0) {
            std::fs::remove_file(mount.0.join(format!("f{index}"))).unwrap();
        }
        // Nothing is known of a file system that is in use.
        let disk = open();
        let error = erase::unused(&disk, &options(&disk, "")).unwrap_err();
        assert!(error.to_string().contains("unmounted cleanly"), "{error}");
    }
    let disk = open();
    let ranges = erase::unused(&disk, &options(&disk, "")).unwrap();
    let unused: u64 = ranges.iter().map(|range| range.end - range.start).sum();
    let info = run(Command::new("dumpe2fs").arg("-h").arg(&device.0));
    let field = |name: &str| {
        let line = info.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim().parse::<u64>().unwrap()
    };
    let free = field("Free blocks:") * field("Block size:");
    assert!(
        unused > free,
        "{unused} {free}: with journal and inode tables"
    );
    let mut done = 0;
    erase::zero(&disk, &ranges, &mut |bytes| done += bytes).unwrap();
    assert_eq!(done, unused);
    assert_eq!(erase::not_zero(&disk, &ranges).unwrap(), None);
    drop(disk);
    image.check();
    {
        let mount = mount(&device, name);
        for index in (0..60).filter(|index| index % 3 != 0) {
            let found = std::fs::read(mount.0.join(format!("f{index}"))).unwrap();
            assert!(found == data, "f{index}");
        }
    }
    drop(device);
    let bytes = std::fs::read(&image.0).unwrap();
    let old = [0xb7; 64];
    let at = bytes.chunks_exact(64).position(|piece| piece == old);
    assert_eq!(at.map(|n| n * 64), None, "the old disk can still be read");
}

#[test]
fn erased_free_space_leaves_nothing_of_the_old_disk() {
    testkit::needs!("root", "e2fsck");
    erased("erased-1k", 64 * MIB, 512);
    erased("erased-4k", 600 * MIB, 4096);
}

#[test]
fn an_error_names_the_device_and_the_place() {
    testkit::needs!("root", "e2fsck");
    let image = Image::new("read-only", 64 * MIB);
    let disk = Disk::open(&image.0).unwrap().as_volume();
    let options = Options::new(64 * MIB, UUID, [0xc3; 16], 1);
    let error = ext4::format(&disk, &options, &mut |_, _| {}).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot write the new ext4 file system to {} at byte 0: Bad file descriptor (os error \
             9); check the disk, then format again",
            image.0.display()
        )
    );

    let small = Image::new("small", MIB);
    let options = Options::new(MIB, UUID, [0xc3; 16], 1);
    let disk = Disk::open_writable(&small.0).unwrap().as_volume();
    let error = ext4::format(&disk, &options, &mut |_, _| {}).unwrap_err();
    assert!(
        error.to_string().contains("1048576 bytes are too few"),
        "{error}"
    );
    assert_eq!(
        std::fs::metadata(&small.0).unwrap().blocks(),
        0,
        "nothing was written"
    );
}
