// SPDX-License-Identifier: MIT OR Apache-2.0
//! What keeps the disk as it is, on a real kernel:
//! `guard sector-0 DISK` changes bytes 440 to 445 of sector 0;
//! `guard write DEVICE BYTE PROTECTED-SECTOR` writes 512 bytes to a device on a
//! disk of which 8 sectors are protected;
//! `guard keep DISK TABLE.sgdisk ROOT WORD...` runs a program in a new root as
//! the boot step does.

use std::{error::Error, path::Path, process::ExitCode};

use ondisk::gpt::{Backup, LastPartition};
use ondisk::lifeboat::{Protected, Run};
use replant::disk::{Disk, sector_0};
use replant::program::Supervision;
use replant::tiny::boot::{self, Area, Job};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("guard: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["sector-0", disk] => {
            let disk = Disk::open_exclusive(disk)?;
            sector_0::write(&disk, "six bytes", 440, b"sector")?;
        }
        ["write", device, byte, sector] => {
            let run = Run {
                lba: sector.parse()?,
                sectors: 8,
            };
            let protected = Protected::new([run], 512, 1 << 40)?;
            let device = Disk::open_writable(device)?.guarded(&protected)?;
            device.write_at("a sector", byte.parse()?, &[7; 512])?;
            device.sync("a sector")?;
        }
        ["keep", disk, table, root, program @ ..] => {
            let disk = Disk::open_writable(disk)?;
            let table = Backup::parse(&std::fs::read(table)?)?.table().fit(
                disk.bytes(),
                disk.block_size(),
                LastPartition::Keep,
            )?;
            let job = Job {
                words: program.iter().map(|word| (*word).to_owned()).collect(),
                optional: false,
                guarded: true,
            };
            let supervision = Supervision {
                silence: Supervision::SILENCE,
                grace: Supervision::GRACE,
                disk: None,
            };
            boot::run(
                Path::new(root),
                &[job],
                &Area::of(&disk, &table),
                &supervision,
                &mut |line| println!("| {line}"),
            )?;
        }
        _ => return Err("see the source for the arguments".into()),
    }
    println!("done");
    Ok(())
}
