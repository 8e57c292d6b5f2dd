// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pins a file of random bytes in a directory, and proves it by reading the
//! disk, as a staging does; for tests on a machine with device-mapper.
//!
//! ```text
//! pinned DIRECTORY DISK MIB FROM_MIB TO_MIB
//! ```
//!
//! It prints the number of runs, the checksum, and each run in sectors.
//! The file is `DIRECTORY/pinned`, of so many MiB; it lies between two places of
//! the disk. Beside it there is `DIRECTORY/state`, 4096 bytes in one run.

use replant::old::pinned::{Allowed, Pinned, Search, Wish, foreseen};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

type Failure = Box<dyn std::error::Error>;

fn pin(words: &[&str]) -> Result<(), Failure> {
    let [dir, disk, length, from, to] = words else {
        return Err("see the head of agent/examples/pinned.rs".into());
    };
    let mib = |text: &str| Ok::<u64, Failure>(text.parse::<u64>()? << 20);
    let (dir, wish) = (Path::new(dir), Wish::runs(mib(length)?));
    let site = foreseen(dir, Path::new(disk), std::slice::from_ref(&wish))?;
    let search = Search::new(&site, dir, Allowed::from(mib(from)?..mib(to)?));
    let payload = search.reserve("pinned", &wish)?;
    let state = search.reserve("state", &Wish::one_run(4096, 4096))?;
    let random = |bytes: u64| Ok::<_, Failure>(File::open("/dev/urandom")?.take(bytes));
    show("pinned", &payload.fill(random(wish.bytes)?)?);
    show("state", &state.fill(random(4096)?)?);
    Ok(())
}

fn show(name: &str, pinned: &Pinned) {
    println!(
        "{name} {} runs, sha256 {}",
        pinned.runs.len(),
        pinned.sha256
    );
    for run in &pinned.runs {
        println!("run {name} {} {}", run.lba, run.sectors);
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match pin(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            println!("error {e}");
            ExitCode::FAILURE
        }
    }
}
