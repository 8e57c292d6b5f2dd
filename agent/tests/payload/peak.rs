// SPDX-License-Identifier: MIT OR Apache-2.0
//! The memory that unpacking takes when the payload stays on the disk: what the
//! sum says, however long the payload is.

use super::scratch::{peak, sh};
use ondisk::lifeboat::record::{Chunks, MAX_CHUNK, Pinned};
use ondisk::lifeboat::{Role, Run, SECTOR};
use ondisk::sha256::Sha256Sum;
use replant::disk::Disk;
use replant::payload::Payload;
use replant::payload::memory::{self, Input, Medium};
use replant::payload::runs::Runs;
use replant::payload::unpack::{Options, unpack};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use testkit::{Random, sparse};

const MIB: u64 = 1 << 20;
/// With 64 MiB of page cache they are 160 MiB.
const GOAL: u64 = 96 * MIB;
/// Set for the process that unpacks: where the archive and the root are.
const PLACE: &str = "REPLANT_PEAK";

/// The parts of the sum that are of this process.
const OURS: [&str; 3] = ["payload read ahead", "decoder", "agent"];

/// What the smallest machine that may do it gives the decoder, and bytes for all
/// of the process.
fn least() -> (Options, u64) {
    let mut input = Input {
        available: 0,
        payload: Medium::Disk,
        processors: 2,
    };
    input.available = memory::plan(&input).unwrap_err().missing;
    let budget = memory::plan(&input).unwrap();
    let ours = budget.parts.iter().filter(|part| OURS.contains(&part.what));
    let options = Options {
        decoder: budget.decoder,
        at_most: None,
    };
    (options, ours.map(|part| part.bytes).sum())
}

#[test]
fn unpacking_from_the_disk_takes_what_the_sum_says() {
    testkit::needs!("root", "xz", "time");
    if let Some(place) = std::env::var_os(PLACE) {
        return unpack_here(Path::new(&place));
    }
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    std::fs::create_dir(&tree).unwrap();
    let mut file = File::create(tree.join("random")).unwrap();
    let mut random = Random(1);
    for _ in 0..120 {
        file.write_all(&random.bytes(MIB as usize)).unwrap();
    }
    sparse(tree.join("zeros"), 180 * MIB);
    // Blocks of which the decoder can just hold two.
    sh(
        "cd \"$1\"; tar -c -C tree . | xz -0 -T2 --block-size=12MiB >archive; rm -r tree; mkdir root
        truncate -s %512 archive",
        &[dir.path()],
    );
    let test = std::thread::current().name().unwrap().to_string();
    let out = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "--test-threads=2", &test])
        .env(PLACE, dir.path())
        .output()
        .unwrap();
    let [told, errors] = [&out.stdout, &out.stderr].map(|b| String::from_utf8_lossy(b));
    println!("{told}");
    assert!(
        out.status.success() && told.contains("1 passed"),
        "{told}{errors}"
    );
}

fn unpack_here(place: &Path) {
    let archive = place.join("archive");
    let bytes = std::fs::metadata(&archive).unwrap().len();
    assert!(bytes > 120 * MIB);
    // The padding of the last sector is padding of the archive, too.
    let run = Run {
        lba: 0,
        sectors: bytes / SECTOR,
    };
    // Piece by piece: the memory of this process is measured.
    let mut file = File::open(&archive).unwrap();
    let sums = (0..bytes).step_by(MAX_CHUNK as usize).map(|at| {
        let mut chunk = vec![0; MAX_CHUNK.min(bytes - at) as usize];
        file.read_exact(&mut chunk).unwrap();
        Sha256Sum::of(&chunk)
    });
    let record = Pinned {
        role: Role::Payload,
        bytes,
        sum: None,
        runs: vec![run],
        chunks: Some(Chunks {
            bytes: MAX_CHUNK,
            sums: sums.collect(),
        }),
    };
    let disk = Disk::open(&archive).unwrap();
    let runs = Runs::new(disk, "va.tar.xz", record).unwrap();
    let (options, ours) = least();
    let before = peak();
    let root = place.join("root");
    let summary = unpack(&Payload::runs(runs), &root, &options, &mut |_| {}).unwrap();
    assert_eq!(summary.totals.bytes, 300 * MIB);
    let (peak, ours) = (peak() << 10, ours.min(GOAL));
    let told = format!(
        "{} MiB at the peak, {} of them before, {} allowed",
        peak / MIB,
        before >> 10,
        ours / MIB
    );
    println!("{told}");
    assert!(peak <= ours, "{told}");
}
