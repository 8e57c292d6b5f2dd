// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads a file as the migration reads its payload from a disk without file
//! system, and says its SHA-256: `runs DISK LIST`. The list has lines `size
//! BYTES`, `chunk BYTES`, `run LBA SECTORS` and `sum SHA256`.

use ondisk::lifeboat::record::{Chunks, Pinned};
use ondisk::lifeboat::{Role, Run};
use ondisk::sha256::Hash;
use replant::disk::Disk;
use replant::payload::Payload;
use replant::payload::runs::Runs;
use std::error::Error;
use std::process::ExitCode;

/// What is read again is told.
struct Log;

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        println!("{}", record.args());
    }

    fn flush(&self) {}
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("runs: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    log::set_logger(&Log)?;
    log::set_max_level(log::LevelFilter::Info);
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [disk, list] = arguments.as_slice() else {
        return Err("usage: runs DISK LIST".into());
    };
    let (mut size, mut chunk_bytes) = (0, 0);
    let (mut runs, mut sums) = (Vec::new(), Vec::new());
    for line in std::fs::read_to_string(list)?.lines() {
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["size", bytes] => size = bytes.parse()?,
            ["chunk", bytes] => chunk_bytes = bytes.parse()?,
            ["run", lba, sectors] => runs.push(Run {
                lba: lba.parse()?,
                sectors: sectors.parse()?,
            }),
            ["sum", sum] => sums.push(sum.parse()?),
            _ => return Err(format!("{list}: {line}?").into()),
        }
    }
    let disk = Disk::open(disk)?;
    let file = Pinned {
        role: Role::Payload,
        bytes: size,
        sum: None,
        runs,
        chunks: Some(Chunks {
            bytes: chunk_bytes,
            sums,
        }),
    };
    let payload = Payload::runs(Runs::new(disk, list, file)?);
    let mut reader = Hash::new(payload.open()?);
    let bytes = std::io::copy(&mut reader, &mut std::io::sink())?;
    println!("{bytes} bytes, {}", reader.finish());
    Ok(())
}
