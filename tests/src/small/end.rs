// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a migration of the small machine has to end.

use super::{Boot, HOST, Small, tail};
use crate::crash::Sectors;
use crate::crash::boots::{Boots, what_boots};
use crate::image::{Loop, lvm, partitions};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

const MIB: u64 = 1 << 20;
/// Partitions of `small.sh`, from 0.
const BOOT: usize = 1;
const PV: usize = 2;
/// Bytes of the volume that has a size.
const DATA: u64 = 64 << 20;
/// Bytes of an extent.
const EXTENT: u64 = 4 << 20;

/// What is left of a staging is known by these beginnings of sectors; the
/// identifier follows at the second number.
const KEPT: [(&[u8], usize); 3] = [
    (b"replant record\0\0", 32),
    (b"replant state\0\0\0", 32),
    (b"replant filler\0\0", 16),
];

/// A new system, as it said what it found, and as its disk is afterwards.
#[derive(Debug, PartialEq, Eq)]
pub struct End {
    /// What the new system's init said, by name.
    pub said: BTreeMap<String, String>,
    /// Whether the unit that `identity` had placed was started, and has ended
    /// well.
    pub by_unit: Option<bool>,
}

/// Extents of a volume on its physical volume, as lvm2 reads them.
struct Segment {
    volume: String,
    /// Bytes of the disk.
    start: u64,
    bytes: u64,
}

/// A staging, by what of it must not be left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remains {
    /// The staging's identifier.
    pub(super) id: [u8; 16],
}

impl Remains {
    /// The staging on this disk.
    ///
    /// # Panics
    /// When there is none.
    pub fn of(disk: &Path) -> Remains {
        let mut found = None;
        each_sector(disk, |_, sector| {
            let (magic, at) = KEPT[1];
            if sector.starts_with(magic) {
                found = sector[at..at + 16].try_into().ok();
            }
        });
        Remains {
            id: found.expect("a state on the disk"),
        }
    }

    /// What is left of it: record, state, blobs, and what they were filled with.
    pub fn on(&self, disk: &Path) -> Vec<String> {
        let mut left = Vec::new();
        each_sector(disk, |_, sector| {
            for (magic, at) in KEPT {
                if sector.starts_with(magic) && sector[at..at + 16] == self.id {
                    left.push(String::from_utf8_lossy(magic).into_owned());
                }
            }
            if &sector[4..8] == b"RPL2" && sector[8..24] == self.id {
                left.push("blob".into());
            }
        });
        left
    }
}

/// Every sector that is not in a hole, with its number.
pub(super) fn each_sector(disk: &Path, mut look: impl FnMut(u64, &[u8])) {
    let file = File::open(disk).expect("the disk");
    let mut at = 0;
    let mut piece = vec![0; MIB as usize];
    while let Ok(data) = rustix::fs::seek(&file, rustix::fs::SeekFrom::Data(at)) {
        at = data / 512 * 512;
        let count = file.read_at(&mut piece, at).expect("the disk");
        if count < 512 {
            return;
        }
        let sectors = piece[..count].chunks_exact(512);
        (at / 512..)
            .zip(sectors)
            .for_each(|(lba, sector)| look(lba, sector));
        at += count as u64 / 512 * 512;
    }
}

impl End {
    /// Boots the new system, and looks at it and then at its disk, where nothing
    /// may be left of a staging that was kept there.
    ///
    /// # Panics
    /// When anything is not as it has to be after a migration.
    pub fn of(machine: &Small, remains: Option<&Remains>) -> End {
        let boot = machine.boot();
        let end = End::said(&boot);
        end.is_the_old_machine();
        let name = |name: &str| end.said.get(name).map_or("", String::as_str);
        assert_eq!(name("free"), "0", "free extents\n{}", boot.said);
        assert_eq!(name("units"), "", "{}", boot.said);
        end.file_systems_are_full();
        if let Some(remains) = remains {
            assert_eq!(remains.on(&machine.disk), [""; 0], "left on the disk");
        }
        let disk = File::open(&machine.disk).expect("the disk");
        let boots = what_boots(&disk);
        assert!(matches!(boots, Boots::Grub(_)), "{boots:?}");
        whole_file_systems(machine, &disk);
        end
    }

    fn said(boot: &Boot) -> End {
        let said: Vec<&str> = boot.said.lines().map(str::trim).collect();
        assert!(
            said.contains(&"@system new@") && said.contains(&"@end@"),
            "no new system:\n{}\n{}",
            boot.said,
            tail(&boot.console)
        );
        let pairs = said.iter().filter_map(|line| {
            let line = line.strip_prefix('@')?.strip_suffix('@')?;
            let (name, value) = match line.strip_prefix("size ") {
                Some(rest) => rest.split_once(' ')?,
                None => line.split_once(' ')?,
            };
            Some((name.to_string(), value.trim().to_string()))
        });
        let mut said: BTreeMap<String, String> = pairs.collect();
        said.remove("system");
        let by_unit = said.remove("unit").map(|status| status == "0");
        assert_ne!(by_unit, Some(false), "{}", boot.said);
        End { said, by_unit }
    }

    fn name(&self, name: &str) -> &str {
        self.said
            .get(name)
            .map(String::as_str)
            .unwrap_or_else(|| panic!("the new system said nothing of {name}: {:?}", self.said))
    }

    fn is_the_old_machine(&self) {
        let has = |name: &str, part: &str| {
            let value = self.name(name);
            assert!(value.contains(part), "{name}: {value}");
        };
        assert_eq!(self.name("host"), HOST);
        assert_eq!(self.name("machine"), "5eed0001000040008000000000000001");
        has("hosts", "127.0.1.1 oldbox");
        has("shadow", "anna:$6$");
        has("anna", "anna:x:1000:1000:");
        has("authorized", "ssh-ed25519 AAAA anna");
        has("key", " oldbox");
        assert_eq!(self.name("content"), "", "the payload's files");
    }

    /// Each volume's file system is as big as the volume.
    fn file_systems_are_full(&self) {
        let words: Vec<&str> = self.name("volumes").split_whitespace().collect();
        let [data, data_bytes, root, root_bytes] = words[..] else {
            panic!("volumes: {words:?}");
        };
        assert_eq!((data, root), ("data", "root"));
        let number = |text: &str| text.parse::<u64>().expect("a number");
        assert_eq!(number(data_bytes), DATA);
        for (mount, bytes) in [("/", root_bytes), ("/data", data_bytes)] {
            let size = self.name(mount).split_once(' ').expect("two numbers");
            let (size, bytes) = (number(size.0) * number(size.1), number(bytes));
            // What ext4 needs for itself is not counted.
            assert!(
                size > bytes / 10 * 8 && size <= bytes,
                "{mount}: {size} of {bytes} bytes"
            );
        }
    }
}

/// e2fsck on each file system from outside, and no room that nobody has.
fn whole_file_systems(machine: &Small, disk: &File) {
    let dir = machine.directory();
    let parts = partitions(&machine.disk);
    let (start, size) = parts[PV];
    let segments = {
        let pv = Loop::part(&machine.disk, start, size);
        let columns = ["-o", "lv_name,seg_pe_ranges", "VA"];
        let words = ["lvs", "--segments", "--noheadings", "--separator", ":"];
        let text = lvm(dir, &pv, &[&words[..], &columns].concat());
        text.lines()
            .filter_map(|l| segment(l, start))
            .collect::<Vec<_>>()
    };
    let used: u64 = segments.iter().map(|segment| segment.bytes).sum();
    assert_eq!(used / EXTENT, (size - MIB) / EXTENT, "extents of volumes");
    let copy = dir.join("volume");
    for name in ["root", "data"] {
        let own = segments.iter().filter(|segment| segment.volume == name);
        let pieces: Vec<_> = own.map(|segment| (segment.start, segment.bytes)).collect();
        check(disk, &pieces, &copy, name);
    }
    check(disk, &[parts[BOOT]], &copy, "/boot");
}

/// A line as `root:/dev/loop0:16-200`.
fn segment(line: &str, pv: u64) -> Option<Segment> {
    let words: Vec<&str> = line.trim().split(':').collect();
    let [volume, _, range] = words[..] else {
        return None;
    };
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    Some(Segment {
        volume: volume.into(),
        start: pv + MIB + first * EXTENT,
        bytes: (last - first + 1) * EXTENT,
    })
}

/// The superblock of an ext4: how many blocks it has, and how big they are.
fn superblock_of(image: &Path) -> Vec<u8> {
    File::open(image).expect("a copy").read(2, 2)
}

fn check(disk: &File, pieces: &[(u64, u64)], copy: &Path, name: &str) {
    let to = File::create(copy).expect("a copy");
    to.set_len(pieces.iter().map(|(_, bytes)| bytes).sum())
        .expect("its size");
    let mut at = 0;
    for (start, bytes) in pieces {
        for offset in (0..*bytes).step_by(MIB as usize) {
            let piece = disk.read((start + offset) / 512, MIB / 512);
            if piece.iter().any(|byte| *byte != 0) {
                to.write_all_at(&piece, at + offset).expect("a copy");
            }
        }
        at += bytes;
    }
    let superblock = superblock_of(copy);
    let number = |at: usize| u32::from_le_bytes(superblock[at..at + 4].try_into().expect("four"));
    let bytes = u64::from(number(4)) * (1024 << number(24));
    assert_eq!(bytes, at, "bytes of the file system on {name}");
    let out = Command::new("e2fsck").args(["-f", "-n"]).arg(copy).output();
    let out = out.expect("e2fsck (package e2fsprogs)");
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "e2fsck of {name}: {text}");
}
