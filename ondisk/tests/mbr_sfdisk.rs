// SPDX-License-Identifier: MIT OR Apache-2.0
//! Our reading of DOS tables against what sfdisk writes and says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod support;

use std::{
    io::Write,
    process::{Command, Stdio},
};

use ondisk::mbr::{self, Sector0};
use support::reader;
use testkit::{Loop, Random, sparse, tool};

const BYTES: u64 = 2 << 30;

/// A script for sfdisk: up to 3 primary and up to 12 logical partitions.
fn script(random: &mut Random) -> String {
    let mut script = format!("label: dos\nlabel-id: {:#010x}\n", random.next() as u32);
    let primary = random.below(4);
    let mut start = 2048 + random.below(5000);
    let kinds = ["83", "8e", "82", "7", "fd"];
    let mut line = |start: &mut u64, random: &mut Random, gap: u64| {
        *start += gap + random.below(4) * 2048;
        let size = 1 + random.below(150_000);
        let kind = kinds[random.below(5)];
        let active = if random.below(5) == 0 {
            ", bootable"
        } else {
            ""
        };
        script += &format!("start={start}, size={size}, type={kind}{active}\n");
        *start += size;
    };
    (0..primary).for_each(|_| line(&mut start, random, 0));
    let kind = ["5", "f", "85"][random.below(3)];
    let mut inner = start;
    let logical = random.below(13);
    let lines: Vec<u64> = (0..logical).map(|_| random.next()).collect();
    if logical > 0 {
        script += &format!("start={start}, size={}, type={kind}\n", BYTES / 512 - start);
        let mut line = |seed: u64| {
            let mut random = Random(seed | 1);
            inner += 2048 + random.below(3) * 2048;
            let size = 1 + random.below(150_000);
            script += &format!(
                "start={inner}, size={size}, type={}\n",
                kinds[random.below(5)]
            );
            inner += size;
        };
        lines.into_iter().for_each(&mut line);
    }
    script
}

fn sfdisk(script: &str, disk: &str) {
    let mut child = Command::new("sfdisk")
        .args(["--no-reread", "--no-tell-kernel", "-q", disk])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("sfdisk is needed for this test");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success(), "{script}");
}

/// What `sfdisk --dump` says, as (number, start, size, type, active).
fn dump(disk: &str) -> Vec<(u32, u64, u64, u8, bool)> {
    let text = tool("sfdisk", &["--dump", disk]);
    let partitions = text
        .lines()
        .filter_map(|line| line.strip_prefix(disk)?.split_once(':'));
    partitions
        .map(|(number, rest)| {
            let number = number.trim().trim_start_matches('p').parse().unwrap();
            let field = |key: &str| {
                let rest = rest.split_once(&format!("{key}=")).unwrap().1;
                rest.split(',').next().unwrap().trim().to_owned()
            };
            let kind = u8::from_str_radix(&field("type"), 16).unwrap();
            let (start, size) = (
                field("start").parse().unwrap(),
                field("size").parse().unwrap(),
            );
            (number, start, size, kind, rest.contains("bootable"))
        })
        .collect()
}

fn parsed(disk: &std::path::Path, block_size: u32) -> Vec<(u32, u64, u64, u8, bool)> {
    match mbr::from_disk(BYTES, block_size, reader(disk)).unwrap() {
        Sector0::Dos(table) => {
            assert_eq!(table.chain_problem, None);
            let partitions = table.partitions.iter();
            partitions
                .map(|p| (p.number, p.first_lba, p.blocks, p.kind, p.active))
                .collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn tables_are_read_as_sfdisk_reads_them() {
    testkit::needs!("sfdisk");
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(0x0dd_ba11);
    let mut logical = 0;
    for _ in 0..30 {
        let disk = sparse(dir.path().join("disk"), BYTES);
        let path = disk.to_str().unwrap();
        let script = script(&mut random);
        sfdisk(&script, path);
        let ours = parsed(&disk, 512);
        assert_eq!(ours, dump(path), "{script}");
        logical += ours.iter().filter(|p| p.0 > 4).count();
    }
    assert!(logical > 50, "{logical}");
}

#[test]
fn blocks_of_4096_bytes() {
    testkit::needs!("root", "sfdisk");
    let dir = tempfile::tempdir().unwrap();
    let disk = sparse(dir.path().join("disk"), BYTES);
    let device = Loop::sectors(&disk, 4096);
    let script = "label: dos\nstart=256, size=2560, type=83\nstart=4096, size=100000, type=5\n\
                  start=4352, size=1000, type=8e\nstart=5632, size=2000, type=83\n";
    sfdisk(script, device.name());
    let read = parsed(&device.0, 4096);
    assert_eq!(read, dump(device.name()));
    assert_eq!(read.len(), 4);
}
