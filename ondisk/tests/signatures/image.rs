// SPDX-License-Identifier: MIT OR Apache-2.0
//! Images, what blkid and wipefs say on them, and damaged copies of them.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use ondisk::signature::{Device, Kind, Signature, find, regions};

pub const MIB: u64 = 1 << 20;
pub const UUID: &str = "3b1ee2f5-6e1b-4a43-9c0e-0123456789ab";

pub struct Image(pub PathBuf);

impl Image {
    pub fn new(name: &str, size: u64) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("signature-{name}.img"));
        let _ = std::fs::remove_file(&path);
        File::create(&path).unwrap().set_len(size).unwrap();
        Self(path)
    }

    pub fn file(&self) -> File {
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(&self.0)
            .unwrap()
    }

    /// Runs `program arguments... IMAGE`.
    pub fn make(self, program: &str, arguments: &[&str]) -> Self {
        run(Command::new(program).args(arguments).arg(&self.0));
        self
    }

    pub fn put(&self, offset: u64, bytes: &[u8]) {
        self.file().write_all_at(bytes, offset).unwrap();
    }

    pub fn size(&self) -> u64 {
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

    pub fn find(&self) -> Vec<Signature> {
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
pub fn run(command: &mut Command) -> String {
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
pub fn check(image: &Image, kind: Kind) {
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
