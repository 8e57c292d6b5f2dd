// SPDX-License-Identifier: MIT OR Apache-2.0
//! What would be told of the machine if this disk were replaced: `others sda`.
//! Changes nothing.

use replant::block::{self, SYS};
use replant::{locate, machine};
use std::{error::Error, path::Path, process::ExitCode};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("others: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let name = std::env::args().nth(1).ok_or("usage: others DISK")?;
    let blocks = block::list(Path::new(SYS))?;
    let disk = blocks.iter().find(|b| b.name == name);
    let disk = disk.ok_or_else(|| format!("there is no {name}"))?;
    let others = locate::others(&blocks, disk, &machine::mounts()?);
    for group in &others.groups {
        let here = group.here.as_deref().unwrap_or("nothing");
        println!(
            "group {} on {} and here on {here}",
            group.name, group.device
        );
    }
    for whole in &others.wholes {
        println!(
            "{}: here {}; elsewhere {}; missing {}",
            whole.kind,
            whole.here.join(" "),
            whole.elsewhere.join(" "),
            whole.missing
        );
    }
    for (name, device) in &others.names {
        println!("{name} on {device}");
    }
    for disk in &others.disks {
        disk.holds.iter().for_each(|text| println!("holds {text}"));
        disk.unclear
            .iter()
            .for_each(|text| println!("unclear {text}"));
    }
    Ok(())
}
