// SPDX-License-Identifier: MIT OR Apache-2.0
//! A disk image looked at from outside, with the real tools.

pub use testkit::{Loop, Mount};

use std::path::Path;
use std::process::Command;
use testkit::{run, tool};

/// Start and size in bytes of each partition, by `sgdisk`.
pub fn partitions(image: &Path) -> Vec<(u64, u64)> {
    let text = tool("sgdisk", &["-p", image.to_str().expect("UTF-8")]);
    let lines = text
        .lines()
        .skip_while(|l| !l.starts_with("Number"))
        .skip(1);
    lines
        .map(|line| {
            let mut words = line.split_whitespace().skip(1).map(|w| w.parse::<u64>());
            let mut next = || words.next().expect("a number").expect("a number");
            let (first, last) = (next(), next());
            (first * 512, (last - first + 1) * 512)
        })
        .collect()
}

/// lvm2 on one device, without device-mapper; the directory keeps its
/// configuration. Returns standard output and standard error.
pub fn lvm(dir: &Path, device: &Loop, words: &[&str]) -> String {
    let config = format!(
        "devices {{ filter = [ \"a|^{}$|\", \"r|.*|\" ] use_devicesfile = 0 scan = [ \"/dev\" ] }}\n\
         backup {{ backup = 0 archive = 0 }}\n",
        device.name()
    );
    std::fs::write(dir.join("lvm.conf"), config).expect("write");
    let out = std::process::Command::new("lvm")
        .args(words)
        .args(["--driverloaded", "n"])
        .env("LVM_SYSTEM_DIR", dir)
        .env("LVM_SUPPRESS_FD_WARNINGS", "1")
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
        .output()
        .expect("lvm (package lvm2)");
    let message = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "lvm {words:?}: {message}");
    // What --driverloaded n makes it say is no complaint.
    let message = message
        .lines()
        .filter(|l| !l.contains("Activation disabled"));
    String::from_utf8_lossy(&out.stdout).into_owned() + &message.collect::<Vec<_>>().join("\n")
}

/// Where lvm2 puts the first extent of a physical volume, in bytes.
const MIB: u64 = 1 << 20;

/// A linear logical volume in a disk image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Its name in the group.
    pub name: String,
    /// Start and length in bytes of its segments in the image, in their order.
    pub segments: Vec<(u64, u64)>,
}

impl Volume {
    /// Copies what is in it to a file, with its holes: of several segments no
    /// loop device can be made.
    ///
    /// # Panics
    /// When either file cannot be used.
    pub fn copy(&self, image: &Path, to: &Path) {
        let mut at = 0;
        for (start, length) in &self.segments {
            let mut dd = Command::new("dd");
            dd.args(["status=none", "bs=1M", "conv=sparse,notrunc"]);
            dd.args(["iflag=skip_bytes,count_bytes", "oflag=seek_bytes"]);
            dd.arg(format!("skip={start}"))
                .arg(format!("count={length}"));
            dd.arg(format!("seek={at}"));
            let named = |key: &str, path: &Path| format!("{key}={}", path.display());
            run(dd.arg(named("if", image)).arg(named("of", to)));
            at += length;
        }
        let file = std::fs::File::options().write(true).open(to);
        let sized = file.and_then(|file| file.set_len(at));
        sized.unwrap_or_else(|e| panic!("{}: {e}", to.display()));
    }
}

/// The volumes of a group on the partition with this index, as lvm2 sees them.
///
/// # Panics
/// When lvm2 fails, or says what is not understood.
pub fn volumes(dir: &Path, image: &Path, partition: usize, group: &str) -> Vec<Volume> {
    let (start, size) = partitions(image)[partition];
    let pv = Loop::part(image, start, size);
    let columns = "lv_name,seg_size,seg_pe_ranges,vg_extent_size";
    let words = ["lvs", "--noheadings", "--nosuffix", "--units", "b"];
    let rest = ["--separator", ":", "--sort", "lv_name,seg_start", "-o"];
    let text = lvm(
        dir,
        &pv,
        &[&words[..], &rest[..], &[columns, group]].concat(),
    );
    let mut volumes: Vec<Volume> = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.trim().split(':').collect();
        // The range has a colon of its own: /dev/loop0:0-127.
        let [name, size, _, range, extent] = words[..] else {
            continue;
        };
        let number = |text: &str| text.parse::<u64>().expect("a number");
        let first = number(range.split('-').next().unwrap_or_default());
        let segment = (start + MIB + first * number(extent), number(size));
        match volumes.last_mut().filter(|last| last.name == name) {
            Some(volume) => volume.segments.push(segment),
            None => volumes.push(Volume {
                name: name.into(),
                segments: vec![segment],
            }),
        }
    }
    volumes
}

/// A qcow2 image of which `base`, a raw one, is what was never written. `base`
/// itself is not written.
pub fn overlay(base: &Path, image: &Path) {
    let mut create = Command::new("qemu-img");
    create.args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"]);
    run(create.arg(base).arg(image));
}

/// Start and size in bytes of what was written to an overlay, be it the same
/// bytes as before, or a discard.
pub fn written(image: &Path) -> Vec<(u64, u64)> {
    let text = tool(
        "qemu-img",
        &["map", "--output=json", image.to_str().expect("UTF-8")],
    );
    let number = |line: &str, key: &str| -> u64 {
        let (_, rest) = line
            .split_once(&format!("\"{key}\": "))
            .unwrap_or_else(|| panic!("no {key}: {line}"));
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
        digits.expect("a word").parse().expect("a number")
    };
    let own = text.lines().filter(|line| number(line, "depth") == 0);
    own.map(|line| (number(line, "start"), number(line, "length")))
        .collect()
}
