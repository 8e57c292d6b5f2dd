// SPDX-License-Identifier: MIT OR Apache-2.0
//! Repartitions a disk as the migration does. It destroys what is on it:
//! `partition DISK FILE.sgdisk [SECONDS]`, with how long to wait for partitions
//! that are in use.

use std::{error::Error, path::Path, process::ExitCode, time::Duration};

use ondisk::gpt::{Backup, LastPartition};
use replant::block::{SYS, partitions};
use replant::disk::{Disk, reread, table, wipe};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("partition: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("usage: partition DISK FILE.sgdisk [SECONDS]".into());
    };
    let wait = Duration::from_secs(arguments.next().map_or(Ok(30), |s| s.parse())?);
    let backup = Backup::parse(&std::fs::read(file)?)?;
    let disk = Disk::open_writable(path)?;
    let new = backup
        .table()
        .fit(disk.bytes(), disk.block_size(), LastPartition::Grow)?;
    wipe::clear(&disk, &wipe::ranges(&disk, &table::read(&disk)?, &new)?)?;
    table::write(&disk, &new, None)?;
    reread::reread(&disk, &new, wait)?;
    for p in partitions(Path::new(SYS), disk.kernel_name().unwrap_or_default())? {
        println!(
            "partition {} start {} length {}",
            p.number, p.start, p.length
        );
    }
    Ok(())
}
