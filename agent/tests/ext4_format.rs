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
use replant::disk::{Disk, ext4};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const UUID: [u8; 16] = [0x5a; 16];

/// An image file that goes away with the test.
struct Image(PathBuf);

impl Image {
    fn new(name: &str, size: u64) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.img"));
        let _ = std::fs::remove_file(&path);
        File::create(&path).unwrap().set_len(size).unwrap();
        Self(path)
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

/// A loop device that is detached with the test.
struct Loop(PathBuf);

impl Loop {
    fn new(image: &Image, sector: &str) -> Self {
        let text = run(Command::new("losetup")
            .args(["-f", "--show", "-b", sector])
            .arg(&image.0));
        Self(PathBuf::from(text.trim()))
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("losetup").arg("-d").arg(&self.0).status();
    }
}

/// A mount that ends with the test.
struct Mount(PathBuf);

impl Mount {
    fn new(device: &Loop, name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.mnt"));
        std::fs::create_dir_all(&path).unwrap();
        run(Command::new("mount")
            .args(["-t", "ext4"])
            .arg(&device.0)
            .arg(&path));
        Self(path)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

/// Runs a program that must succeed; its output.
fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{text}{errors}",
        output.status
    );
    text
}

/// Formats; the bytes written.
fn format(path: &Path, label: &str) -> u64 {
    let disk = Disk::open_writable(path).unwrap();
    let options = Options {
        sector_bytes: disk.block_size(),
        label: Label::new(label).unwrap(),
        journal_sequence: 0x1234_5678,
        ..Options::new(disk.bytes(), UUID, [0xc3; 16], 1_700_000_000)
    };
    let mut steps = Vec::new();
    ext4::format(path, disk.file(), &options, &mut |done, total| {
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
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let data: Vec<u8> = (0..200_000_u32)
        .map(|i| i.to_le_bytes()[0] ^ i.to_le_bytes()[1])
        .collect();
    let mut one = |index: u64| -> std::io::Result<()> {
        let dir = root
            .join(format!("d{}", index / 50))
            .join("a directory with a longer name");
        std::fs::create_dir_all(&dir)?;
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let name = dir.join(format!("file {index}"));
        std::fs::write(&name, &data[..usize::try_from(state % 200_000).unwrap()])?;
        let value = vec![0x41; usize::try_from(state % 700).unwrap()];
        rustix::fs::setxattr(
            &name,
            c"user.replant",
            &value,
            rustix::fs::XattrFlags::empty(),
        )?;
        symlink(
            "x".repeat(usize::try_from(state % 200).unwrap() + 1),
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

fn live(name: &str, size: u64, sector: &str, block: u64) {
    let image = Image::new(name, size);
    image.fill();
    let device = Loop::new(&image, sector);
    format(&device.0, "");
    image.check();
    {
        let mount = Mount::new(&device, name);
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
        let mount = Mount::new(&device, name);
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
    live("live-1k", 64 * MIB, "512", 1024);
}

#[test]
fn a_kernel_fills_and_empties_blocks_of_4_kib_and_resize2fs_grows_them() {
    live("live-4k", 128 * MIB, "4096", 4096);
}

#[test]
fn an_error_names_the_device_and_the_place() {
    let full = Path::new("/dev/full");
    let file = OpenOptions::new().write(true).open(full).unwrap();
    let options = Options::new(64 * MIB, UUID, [0xc3; 16], 1);
    let error = ext4::format(full, &file, &options, &mut |_, _| {}).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/dev/full: cannot write 2048 bytes of the new ext4 file system at byte 0: No space left \
         on device (os error 28); check the disk, then format again"
    );

    let small = Image::new("small", MIB);
    let options = Options::new(MIB, UUID, [0xc3; 16], 1);
    let error = ext4::format(&small.0, &small.open(), &options, &mut |_, _| {}).unwrap_err();
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
