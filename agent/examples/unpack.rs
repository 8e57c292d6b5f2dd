// SPDX-License-Identifier: MIT OR Apache-2.0
//! Unpacks an archive as the migration does, and says how long it took and how
//! much memory: `unpack [--memory MIB] [--threads N] ARCHIVE [DIRECTORY]`.
//! Without a directory it only reads the archive to its end.

use replant::payload::unpack::{Options, unpack};
use replant::payload::xz::Limits;
use replant::payload::{Payload, survey};
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
    let archive = paths
        .first()
        .ok_or("usage: unpack [--memory MIB] [--threads N] ARCHIVE [DIRECTORY]")?;
    let payload = Payload::file(archive)?;
    let start = Instant::now();
    let totals = match paths.get(1) {
        Some(root) => {
            let options = Options {
                decoder: limits,
                at_most: None,
            };
            unpack(&payload, Path::new(root), &options, &mut |_| {})?.totals
        }
        None => survey::survey(&payload, limits, &mut |_| false, &mut |_| {})?.totals,
    };
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
