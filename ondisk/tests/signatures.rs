// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signatures that real tools write, as blkid sees them; wiped as wipefs sees
//! it. Needs root and the packages e2fsprogs, xfsprogs, btrfs-progs,
//! dosfstools, util-linux, fdisk, gdisk, lvm2, cryptsetup-bin, genisoimage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use ondisk::signature::{Device, Kind, Signature, find, regions};

const MIB: u64 = 1 << 20;
const UUID: &str = "3b1ee2f5-6e1b-4a43-9c0e-0123456789ab";

struct Image(PathBuf);

impl Image {
    fn new(name: &str, size: u64) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("signature-{name}.img"));
        let _ = std::fs::remove_file(&path);
        File::create(&path).unwrap().set_len(size).unwrap();
        Self(path)
    }

    fn file(&self) -> File {
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(&self.0)
            .unwrap()
    }

    /// Runs `program arguments... IMAGE`.
    fn make(self, program: &str, arguments: &[&str]) -> Self {
        run(Command::new(program).args(arguments).arg(&self.0));
        self
    }

    fn put(&self, offset: u64, bytes: &[u8]) {
        self.file().write_all_at(bytes, offset).unwrap();
    }

    fn size(&self) -> u64 {
        std::fs::metadata(&self.0).unwrap().len()
    }

    fn read(&self) -> Vec<(u64, Vec<u8>)> {
        let read = |range: Range<u64>| {
            let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap()];
            self.file().read_exact_at(&mut bytes, range.start).unwrap();
            (range.start, bytes)
        };
        regions(self.size()).into_iter().map(read).collect()
    }

    fn find(&self) -> Vec<Signature> {
        let pieces = self.read();
        find(&Device::new(
            self.size(),
            pieces.iter().map(|(at, bytes)| (*at, bytes.as_slice())),
        ))
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
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

/// What blkid says: names and values.
fn blkid(image: &Image) -> HashMap<String, String> {
    let output = Command::new("blkid")
        .args(["-p", "-o", "export"])
        .arg(&image.0)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    // blkid writes blanks of labels as "\ ".
    pairs
        .map(|(name, value)| (name.to_owned(), value.replace('\\', "")))
        .collect()
}

fn wipefs(image: &Image) -> String {
    run(Command::new("wipefs").args(["-n", "-p"]).arg(&image.0))
}

/// Compares with blkid, clears, and compares with wipefs.
fn check(image: &Image, kind: Kind) {
    let name = image.0.display();
    let found = image.find();
    let told = blkid(image);
    let (uuid, label) = if kind.is_table() {
        assert_eq!(
            told.get("PTTYPE").map(String::as_str),
            Some(kind.name()),
            "{name}: {told:?}"
        );
        (told.get("PTUUID"), None)
    } else {
        assert_eq!(
            told.get("TYPE").map(String::as_str),
            Some(kind.name()),
            "{name}: {told:?}"
        );
        (told.get("UUID"), told.get("LABEL"))
    };
    let kinds: Vec<_> = found.iter().map(|signature| signature.kind).collect();
    assert_eq!(kinds, [kind], "{name}");
    assert_eq!(found[0].uuid.as_ref(), uuid, "{name}: {told:?}");
    assert_eq!(found[0].label.as_ref(), label, "{name}: {told:?}");

    assert_ne!(wipefs(image), "", "{name}");
    mutate(image);
    for range in found.iter().flat_map(|signature| &signature.clear) {
        image.put(
            range.start,
            &vec![0; usize::try_from(range.end - range.start).unwrap()],
        );
    }
    assert_eq!(wipefs(image), "", "{name}");
    assert_eq!(blkid(image), HashMap::new(), "{name}");
    assert_eq!(image.find(), [], "{name}");
}

/// Thousands of damaged copies: no panic, and nothing to clear outside.
fn mutate(image: &Image) {
    let size = image.size();
    let mut pieces = image.read();
    let mut state = 0x1234_5678_9abc_def1_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let used: Vec<(usize, usize)> = pieces
        .iter()
        .enumerate()
        .flat_map(|(piece, (_, bytes))| {
            let used = |at: &usize| bytes[*at] != 0;
            (0..bytes.len())
                .filter(used)
                .take(20_000)
                .map(move |at| (piece, at))
                .collect::<Vec<_>>()
        })
        .collect();
    for round in 0..500 {
        let mut undo = Vec::new();
        for _ in 0..1 + next(4) {
            let (piece, at) = used[next(used.len())];
            let bytes = &mut pieces[piece].1;
            // The byte itself, or one near it that is zero.
            let at = (at + next(8)).min(bytes.len() - 1);
            undo.push((piece, at, bytes[at]));
            bytes[at] = match next(3) {
                0 => bytes[at] ^ (1 << next(8)),
                1 => 0xff,
                _ => bytes[next(bytes.len())],
            };
        }
        // Now and then a piece is shorter, or the device has another size.
        let cut = if round % 5 == 0 {
            next(pieces[0].1.len())
        } else {
            usize::MAX
        };
        let told_size = if round % 7 == 0 {
            next(usize::try_from(size).unwrap()) as u64
        } else {
            size
        };
        let device = Device::new(
            told_size,
            pieces
                .iter()
                .map(|(at, bytes)| (*at, &bytes[..bytes.len().min(cut)])),
        );
        for signature in find(&device) {
            assert!(signature.clear.iter().all(|range| range.start < range.end));
            assert!(signature.clear.iter().all(|range| range.end <= told_size));
        }
        for (piece, at, byte) in undo.into_iter().rev() {
            pieces[piece].1[at] = byte;
        }
    }
}

#[test]
fn ext2_ext3_ext4() {
    for (kind, label) in [
        (Kind::Ext2, "old one"),
        (Kind::Ext3, "exactly16letters"),
        (Kind::Ext4, ""),
    ] {
        let image = Image::new(kind.name(), 40 * MIB);
        check(
            &image.make(
                "mke2fs",
                &["-q", "-F", "-t", kind.name(), "-U", UUID, "-L", label],
            ),
            kind,
        );
    }
    let image = Image::new("jbd", 40 * MIB);
    check(
        &image.make("mke2fs", &["-q", "-F", "-O", "journal_dev", "-U", UUID]),
        Kind::ExtJournal,
    );
}

#[test]
fn xfs_and_btrfs() {
    let options = ["-q", "-f", "-m", &format!("uuid={UUID}"), "-L", "data"];
    check(
        &Image::new("xfs", 320 * MIB).make("mkfs.xfs", &options),
        Kind::Xfs,
    );
    let image = Image::new("btrfs", 128 * MIB)
        .make("mkfs.btrfs", &["-q", "-f", "-L", "a label", "-U", UUID]);
    assert_eq!(image.find()[0].clear.len(), 2, "the copy at 64 MiB, too");
    check(&image, Kind::Btrfs);
}

#[test]
fn vfat_of_three_sizes() {
    for (name, size, bits) in [
        ("fat12", 2 * MIB, "12"),
        ("fat16", 20 * MIB, "16"),
        ("fat32", 40 * MIB, "32"),
    ] {
        let options = ["-F", bits, "-i", "1234ABCD", "-n", "EFI PART"];
        check(
            &Image::new(name, size).make("mkfs.vfat", &options),
            Kind::Vfat,
        );
    }
    // The label in the root directory counts, not its copy in the boot sector.
    for (name, bits, at) in [("fat16-renamed", "16", 43), ("fat32-renamed", "32", 71)] {
        let image = Image::new(name, 40 * MIB).make("mkfs.vfat", &["-F", bits, "-n", "NEW"]);
        image.put(at, b"OLD        ");
        assert_eq!(image.find()[0].label.as_deref(), Some("NEW"));
        check(&image, Kind::Vfat);
    }
    let image = Image::new("fat-unnamed", 20 * MIB).make("mkfs.vfat", &["-i", "00000001"]);
    check(&image, Kind::Vfat);
}

#[test]
fn swap_of_two_page_sizes() {
    let image = Image::new("swap", 20 * MIB).make("mkswap", &["-q", "-L", "swap one", "-U", UUID]);
    check(&image, Kind::Swap);
    let image = Image::new("swap64k", 20 * MIB).make("mkswap", &["-q", "-p", "65536", "-U", UUID]);
    check(&image, Kind::Swap);
}

#[test]
fn lvm_physical_volumes() {
    for (name, sector, copies) in [("pv1", "1", "1"), ("pv0", "0", "1"), ("pv3", "3", "2")] {
        let image = Image::new(name, 40 * MIB);
        let device = run(Command::new("losetup").args(["-f", "--show"]).arg(&image.0))
            .trim()
            .to_owned();
        let output = Command::new("pvcreate")
            .args([
                "-q",
                "-ff",
                "-y",
                "--driverloaded",
                "n",
                "--labelsector",
                sector,
            ])
            .args(["--metadatacopies", copies])
            .args([
                "--config",
                "devices{use_devicesfile=0} global{locking_type=1}",
            ])
            .arg(&device)
            .output();
        run(Command::new("losetup").args(["-d", &device]));
        let output = output.expect("pvcreate: install lvm2");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let clear = image.find()[0].clear.len();
        assert_eq!(
            clear,
            1 + copies.parse::<usize>().unwrap(),
            "the metadata areas, too"
        );
        check(&image, Kind::LvmPv);
    }
}

#[test]
fn luks_1_and_2() {
    let key = Image::new("luks-key", 0);
    key.put(0, b"secret");
    for version in ["luks1", "luks2"] {
        let image = Image::new(version, 32 * MIB);
        let mut command = Command::new("cryptsetup");
        command.args([
            "luksFormat",
            "--batch-mode",
            "--type",
            version,
            "--uuid",
            UUID,
        ]);
        command.args(["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]);
        if version == "luks2" {
            command.args(["--label", "secrets"]);
        }
        run(command.arg(&image.0).arg(&key.0));
        if version == "luks2" {
            assert_eq!(image.find()[0].clear.len(), 2, "the second header, too");
        }
        check(&image, Kind::Luks);
    }
}

/// A superblock of version 1 as mdadm writes it, as far as it matters.
fn md_1(place: u64) -> Vec<u8> {
    let mut block = vec![0; 4096];
    block[0..4].copy_from_slice(&0xa92b_4efc_u32.to_le_bytes());
    block[4] = 1;
    block[16..32].copy_from_slice(b"\x01\x23\x45\x67\x89\xab\xcd\xef0123ABCD");
    block[32..41].copy_from_slice(b"host:data");
    block[144..152].copy_from_slice(&(place / 512).to_le_bytes());
    block
}

#[test]
fn md_of_four_versions() {
    // No md in this kernel may be: the superblocks are written by hand.
    let size = 40 * MIB + 512 * 5;
    let places = [
        (Kind::Md10, (size & !4095) - 8192),
        (Kind::Md11, 0),
        (Kind::Md12, 4096),
    ];
    for (kind, place) in places {
        let image = Image::new(&format!("md-{place}"), size);
        image.put(place, &md_1(place));
        check(&image, kind);
    }
    for big in [false, true] {
        let image = Image::new(&format!("md-0.90-{big}"), size);
        let mut block = vec![0; 4096];
        let fields = [
            (0, 0xa92b_4efc_u32),
            (8, 90),
            (20, 0x0102_0304),
            (52, 5),
            (56, 6),
            (60, 0xfedc_ba98),
        ];
        for (at, value) in fields {
            let bytes = if big {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            };
            block[at..at + 4].copy_from_slice(&bytes);
        }
        image.put((size & !0xffff) - 0x1_0000, &block);
        check(&image, Kind::Md090);
    }
}

#[test]
fn zfs_pools() {
    // blkid wants 64 MiB.
    let image = Image::new("zfs", 70 * MIB);
    let mut label = vec![0; 256 << 10];
    let mut list = vec![1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let mut pair = |name: &str, value: &[u8]| {
        let mut body = u32::try_from(name.len()).unwrap().to_be_bytes().to_vec();
        body.extend(name.bytes());
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(value);
        let size = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
        list.extend(size.iter().chain(&size).chain(&body));
    };
    pair(
        "version",
        &[&[0, 0, 0, 8, 0, 0, 0, 1][..], &5000_u64.to_be_bytes()].concat(),
    );
    pair(
        "name",
        &[&[0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 4][..], b"tank"].concat(),
    );
    pair(
        "pool_guid",
        &[
            &[0, 0, 0, 8, 0, 0, 0, 1][..],
            &1_234_567_890_123_456_789_u64.to_be_bytes(),
        ]
        .concat(),
    );
    list.extend([0; 8]);
    label[16 << 10..(16 << 10) + list.len()].copy_from_slice(&list);
    for index in 0..6 {
        let at = (128 << 10) + index * 1024;
        label[at..at + 8].copy_from_slice(&0x00ba_b10c_u64.to_le_bytes());
    }
    for place in [0, 256 << 10, 70 * MIB - (512 << 10), 70 * MIB - (256 << 10)] {
        image.put(place, &label);
    }
    check(&image, Kind::Zfs);
}

#[test]
fn partition_tables() {
    let options = [
        "-o",
        "-U",
        UUID,
        "-n",
        "1:2048:10239",
        "-t",
        "1:8300",
        "-n",
        "2:10240:0",
    ];
    check(
        &Image::new("gpt", 20 * MIB).make("sgdisk", &options),
        Kind::Gpt,
    );
    let image = Image::new("dos", 20 * MIB);
    let script = "printf 'label: dos\nlabel-id: 0x0badcafe\nstart=2048, size=4096, type=83\n' | sfdisk -q \"$0\"";
    run(Command::new("sh").args(["-c", script]).arg(&image.0));
    check(&image, Kind::Dos);

    // On a device with sectors of 4 KiB the table lies elsewhere.
    let image = Image::new("gpt-4k", 40 * MIB);
    let device = run(Command::new("losetup")
        .args(["-f", "--show", "-b", "4096"])
        .arg(&image.0));
    let output = Command::new("sgdisk")
        .args(["-o", "-U", UUID])
        .arg(device.trim())
        .output();
    run(Command::new("losetup").args(["-d", device.trim()]));
    assert!(output.expect("sgdisk: install gdisk").status.success());
    let found = image.find();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].kind, found[0].uuid.as_deref()),
        (Kind::Gpt, Some(UUID))
    );
    assert_eq!(
        found[0].clear,
        [4096..4608, 40 * MIB - 4096..40 * MIB - 3584, 446..512]
    );
}

#[test]
fn iso_9660() {
    let image = Image::new("iso", 0);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("signature-iso");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("file"), vec![1; 2_000_000]).unwrap();
    let output = Command::new("genisoimage")
        .args(["-quiet", "-V", "CDROM 1", "-o"])
        .arg(&image.0)
        .arg(&folder)
        .output();
    let output = output.expect("genisoimage: install it");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    check(&image, Kind::Iso9660);
}

#[test]
fn rests_of_something_older_are_reported_too() {
    // XFS and ext4 where a swap space and a PV were.
    let image = Image::new("rests", 40 * MIB).make("mkswap", &["-q", "-U", UUID]);
    let file = image.file();
    let mut magic = [0; 10];
    file.read_exact_at(&mut magic, 4086).unwrap();
    let image = image.make("mke2fs", &["-q", "-F", "-t", "ext4", "-U", UUID]);
    image.put(4086, &magic);
    image.put(0, b"XFSB");
    let mut kinds: Vec<_> = image
        .find()
        .into_iter()
        .map(|signature| signature.kind)
        .collect();
    kinds.sort();
    assert_eq!(kinds, [Kind::Ext4, Kind::Xfs, Kind::Swap]);
}
