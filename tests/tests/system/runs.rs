// SPDX-License-Identifier: MIT OR Apache-2.0
//! The payload is read from a disk that fails: one sector for ever, another one
//! once.

use harness::example::example;
use harness::hostroot;
use harness::vm::Vm;
use ondisk::run::SECTOR_LEN;
use ondisk::sha256::Sha256Sum;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;
use testkit::Random;

const CHUNK: usize = 256 << 10;
/// Sectors of a run; it begins at odd places.
const RUN: usize = 61;
const RUNS: usize = 120;

/// A virtio disk on which reading a sector is an error, for ever or once.
fn failing(vm: Vm, name: &str, image: &Path, sector: u64, once: bool) -> Vm {
    let image = image.display();
    vm.arg("-blockdev")
        .arg(format!(
            r#"{{"driver": "raw", "node-name": "{name}", "file": {{"driver": "blkdebug",
            "image": {{"driver": "file", "filename": "{image}"}},
            "inject-error": [{{"event": "read_aio", "errno": 5, "sector": {sector},
            "once": {once}}}]}}}}"#
        ))
        .arg("-device")
        .arg(format!("virtio-blk-pci,drive={name}"))
}

#[test]
fn a_bad_sector_is_named_and_one_that_fails_once_is_passed() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut random = Random(11);
    let mut places: Vec<usize> = (0..RUNS).map(|n| 1001 + 70 * n).collect();
    for n in (1..RUNS).rev() {
        places.swap(n, random.below(n + 1));
    }
    let bytes = random.bytes(RUNS * RUN * SECTOR_LEN - 333);
    let mut image = vec![0; 8 << 20];
    let mut list = format!("size {}\nchunk {CHUNK}\n", bytes.len());
    for (lba, piece) in places.iter().zip(bytes.chunks(RUN * SECTOR_LEN)) {
        image[lba * SECTOR_LEN..][..piece.len()].copy_from_slice(piece);
        writeln!(list, "run {lba} {RUN}").unwrap();
    }
    for chunk in bytes.chunks(CHUNK) {
        writeln!(list, "sum {}", Sha256Sum::of(chunk)).unwrap();
    }
    let [bad, once] = ["bad", "once"].map(|name| dir.path().join(name));
    for disk in [&bad, &once] {
        std::fs::write(disk, &image).unwrap();
    }
    std::fs::write(dir.path().join("list"), list).unwrap();
    // In the middle of a run, not at its first sector and at no 4 KiB.
    let sector = (places[77]..).skip(20).find(|lba| lba % 8 == 5).unwrap();

    let script = format!(
        "for disk in vda vdb; do echo \"== $disk\"
            '{program}' /dev/$disk '{dir}/list'; echo \"exit $?\"
        done; echo '== end'",
        program = example("runs").display(),
        dir = dir.path().display(),
    );
    let attach = |vm| {
        let vm = failing(vm, "bad", &bad, sector as u64, false);
        failing(vm, "once", &once, sector as u64, true)
    };
    let outcome = hostroot::run_on(&script, attach, Duration::from_secs(240));
    let output = outcome.output.replace('\r', "");
    println!("{output}");
    let part = |name: &str| {
        let from = output.find(&format!("== {name}\n")).expect(name);
        output[from + 3..].split("== ").next().unwrap().to_owned()
    };

    let told = part("vda");
    let again = told.matches("; it is read again\n").count();
    assert_eq!(again, 3, "{told}");
    let error = told.lines().find(|line| line.starts_with("runs: "));
    let start = format!("runs: /dev/vda cannot be read at LBA {sector}: Input/output error ");
    assert!(error.unwrap().starts_with(&start), "{told}");
    assert!(told.ends_with("exit 1\n"), "{told}");

    let told = part("vdb");
    let again = told.matches("; it is read again\n").count();
    assert_eq!(again, 1, "{told}");
    let whole = format!("{} bytes, {}\nexit 0\n", bytes.len(), Sha256Sum::of(&bytes));
    assert!(told.ends_with(&whole), "{told}");
}
