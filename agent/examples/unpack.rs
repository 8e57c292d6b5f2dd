// SPDX-License-Identifier: MIT OR Apache-2.0
//! Unpacks an archive as the migration does, and says how long it took and how
//! much memory: `unpack [--memory MIB] [--threads N] ARCHIVE DIRECTORY`.

use replant::payload::Payload;
use replant::payload::unpack::{Options, unpack};
use replant::payload::xz::Limits;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("unpack: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut limits = Limits {
        threads: std::thread::available_parallelism()?.get() as u32,
        memory: 512 << 20,
    };
    let mut paths = Vec::new();
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || -> Result<u64, Box<dyn Error>> {
            let text = arguments.next().ok_or("a number is missing")?;
            Ok(text.to_str().ok_or("not a number")?.parse()?)
        };
        if argument == "--memory" {
            limits.memory = number()? << 20;
        } else if argument == "--threads" {
            limits.threads = u32::try_from(number()?)?;
        } else {
            paths.push(argument);
        }
    }
    let [archive, root] = paths.as_slice() else {
        return Err("usage: unpack [--memory MIB] [--threads N] ARCHIVE DIRECTORY".into());
    };
    let payload = Payload::file(archive)?;
    let start = Instant::now();
    let options = Options {
        decoder: limits,
        at_most: None,
    };
    let totals = unpack(&payload, Path::new(root), &options, &mut |_| {})?.totals;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap_or("VmHWM: ?");
    println!(
        "{} files, {} bytes in {:.2} s, {peak}",
        totals.entries,
        totals.bytes,
        start.elapsed().as_secs_f64()
    );
    Ok(())
}
