// SPDX-License-Identifier: MIT OR Apache-2.0
//! Images, what blkid and wipefs say on them, and damaged copies of them.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use ondisk::signature::{Device, Kind, Signature, find, regions};

use testkit::{Target, run, sparse};

pub const MIB: u64 = 1 << 20;
pub const UUID: &str = "3b1ee2f5-6e1b-4a43-9c0e-0123456789ab";

pub struct Image(pub PathBuf);

impl Image {
    pub fn new(name: &str, size: u64) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("signature-{name}.img"));
        Self(sparse(path, size))
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

/// Makes `image` a device of `version` of LUKS, in no time.
pub fn luks_format(image: &Image, version: &str, options: &[&str]) {
    let key = image.0.with_extension("key");
    std::fs::write(&key, b"secret").unwrap();
    let mut command = Command::new("cryptsetup");
    command.args(["luksFormat", "--batch-mode", "--type", version]);
    command.args(["--uuid", UUID, "--pbkdf", "pbkdf2"]);
    command.args(["--pbkdf-force-iterations", "1000"]);
    run(command.args(options).arg(&image.0).arg(key));
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
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
    let message = blkid(image);
    let (uuid, label) = if kind.is_table() {
        assert_eq!(
            message.get("PTTYPE").map(String::as_str),
            Some(kind.name()),
            "{name}: {message:?}"
        );
        (message.get("PTUUID"), None)
    } else {
        assert_eq!(
            message.get("TYPE").map(String::as_str),
            Some(kind.name()),
            "{name}: {message:?}"
        );
        (message.get("UUID"), message.get("LABEL"))
    };
    let kinds: Vec<_> = found.iter().map(|signature| signature.kind).collect();
    assert_eq!(kinds, [kind], "{name}");
    assert_eq!(found[0].uuid.as_ref(), uuid, "{name}: {message:?}");
    assert_eq!(found[0].label.as_ref(), label, "{name}: {message:?}");

    assert_ne!(wipefs(image), "", "{name}");
    damage(image);
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

/// Hundreds of damaged copies: no panic, and nothing to clear outside.
fn damage(image: &Image) {
    let size = image.size();
    let pieces = image.read();
    // One behind the other, and from where to where each of them goes.
    let mut all = Vec::new();
    let mut places = Vec::new();
    for (at, bytes) in &pieces {
        places.push((*at, all.len()..all.len() + bytes.len()));
        all.extend(bytes);
    }
    let target = Target {
        name: "signature",
        hot: used(&all),
        samples: vec![all],
        words: b"",
        rounds: 200,
    };
    target.read(|bytes, random| {
        // Now and then the device has another size than what was read.
        let message = match random.below(7) {
            0 => random.below(usize::try_from(size).unwrap()) as u64,
            _ => size,
        };
        let read = |range: &Range<usize>| {
            let end = range.end.min(bytes.len());
            &bytes[range.start.min(end)..end]
        };
        let pieces = places.iter().map(|(at, range)| (*at, read(range)));
        let found = find(&Device::new(message, pieces));
        for range in found.iter().flat_map(|signature| &signature.clear) {
            assert!(range.start < range.end && range.end <= message);
        }
        !found.is_empty()
    });
}

/// Where 16 bytes are not all zero; not too many places.
fn used(bytes: &[u8]) -> Vec<Range<usize>> {
    let starts = (0..bytes.len()).step_by(16);
    let ranges = starts.map(|start| start..bytes.len().min(start + 16));
    let used = ranges.filter(|range| bytes[range.clone()].iter().any(|&byte| byte != 0));
    used.take(2000).collect()
}
