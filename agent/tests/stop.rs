// SPDX-License-Identifier: MIT OR Apache-2.0
//! Somebody asks to stop: all that may take long ends where it can. A program
//! of its own with one test, for the request is one of the whole process.

use ondisk::lifeboat::record::{Chunks, Pinned};
use ondisk::lifeboat::{Role, Run};
use ondisk::sha256::Sha256Sum;
use replant::disk::{Disk, ext4};
use replant::payload::runs::Runs;
use replant::payload::verify::{self, Expected};
use replant::payload::xz::Limits;
use replant::payload::{Payload, unpack};
use replant::program::{self, Supervision};
use replant::stop;
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

#[test]
fn everything_stops_and_nothing_begins() {
    testkit::needs!("xz");
    let dir = tempfile::tempdir().unwrap();
    let (tree, root) = (dir.path().join("tree"), dir.path().join("root"));
    for place in [&tree, &root] {
        std::fs::create_dir(place).unwrap();
    }
    for number in 0..500 {
        std::fs::write(tree.join(number.to_string()), [b'x'; 1000]).unwrap();
    }
    let archive = dir.path().join("va.tar.xz");
    let made = Command::new("sh")
        .args(["-c", "tar -c -C \"$0\" . | xz -0 >\"$1\""])
        .args([&tree, &archive])
        .status();
    assert!(made.unwrap().success());

    // In the middle of the archive.
    let options = unpack::Options {
        decoder: Limits {
            threads: 1,
            memory: 128 << 20,
        },
        at_most: None,
    };
    let payload = Payload::file(&archive).unwrap();
    let result = unpack::unpack(&payload, &root, &options, &mut |progress| {
        if progress.entries == 100 {
            stop::request();
        }
    });
    assert!(
        matches!(result, Err(unpack::Error::Stopped(_))),
        "{result:?}"
    );
    assert!(std::fs::read_dir(&root).unwrap().count() <= 100);

    // A program, and what it started.
    let mut command = Command::new("sh");
    command.args(["-c", "echo begun; sleep 1000"]);
    let supervision = Supervision {
        silence: Supervision::SILENCE,
        grace: Duration::from_secs(5),
        disk: None,
    };
    let result = program::watch(&mut command, &supervision, &mut |_| {});
    assert!(
        matches!(result, Err(program::Error::Stopped { .. })),
        "{result:?}"
    );

    // A file system.
    let image = dir.path().join("image");
    let file = std::fs::File::create(&image).unwrap();
    file.set_len(64 << 20).unwrap();
    let options = ondisk::ext4::Options::new(64 << 20, [7; 16], [8; 16], 1_700_000_000);
    let disk = Disk::open_writable(&image).unwrap().as_volume();
    let result = ext4::format(&disk, &options, &mut |_, _| {});
    assert!(matches!(result, Err(ext4::Error::Stopped(_))), "{result:?}");

    // A copy.
    let expected = Expected {
        size: 3,
        sha256: Sha256Sum::of(b""),
    };
    let mut copy = Vec::new();
    let result = verify::copy(
        &b"abc"[..],
        &mut copy,
        Path::new("x"),
        &expected,
        &mut |_| {},
    );
    assert!(matches!(result, Err(verify::Error::Stopped(_))));
    assert!(copy.is_empty());

    // What is read ahead.
    let disk = Disk::open(&image).unwrap();
    let (run, sum) = (Run { lba: 0, sectors: 8 }, Sha256Sum::of(&[0; 4096]));
    let record = Pinned {
        role: Role::Payload,
        bytes: 4096,
        sum: None,
        runs: vec![run],
        chunks: Some(Chunks {
            bytes: 4096,
            sums: vec![sum],
        }),
    };
    let runs = Runs::new(disk, "va.tar.xz", record).unwrap();
    let mut reader = Payload::runs(runs).open().unwrap();
    let error = reader.read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.to_string(), "stopped by hand");
}
