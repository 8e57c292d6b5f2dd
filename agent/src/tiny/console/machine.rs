// SPDX-License-Identifier: MIT OR Apache-2.0
//! Memory and programs.

use std::fs;
use std::io::Write;

use super::{ConsoleError, Setup};
use crate::machine::MemInfo;
use crate::machine::process::Stat;
use crate::paths;
use crate::report::bytes;
use sys::FileError;

/// Prints how much memory there is, and what the payload takes of it.
pub(super) fn free(setup: &Setup, output: &mut dyn Write) -> Result<(), ConsoleError> {
    let memory = MemInfo::read()?;
    let (total, available) = (bytes(memory.total), bytes(memory.available));
    writeln!(output, "{total:>9}  memory of the machine")?;
    writeln!(output, "{available:>9}  programs can still have")?;
    if let Ok(status) = rustix::fs::statvfs(setup.path(paths::PAYLOAD_DIR)) {
        let of = |blocks: u64| bytes(blocks.saturating_mul(status.f_frsize));
        let used = of(status.f_blocks.saturating_sub(status.f_bfree));
        let (total, place) = (of(status.f_blocks), paths::PAYLOAD_DIR);
        writeln!(output, "{used:>9}  of {total} used where {place} is")?;
    }
    Ok(())
}

/// Prints the programs that run, without the kernel's own threads.
pub(super) fn ps(setup: &Setup, output: &mut dyn Write) -> Result<(), ConsoleError> {
    let path = setup.path("/proc");
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(e) => return Err(FileError::new("list", path, e).into()),
    };
    let mut pids: Vec<u32> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    pids.sort_unstable();
    // x86_64 has no other page size.
    const PAGE: u64 = 4096;
    writeln!(
        output,
        "{:>6} {:>6} S {:>8}  COMMAND",
        "PID", "PARENT", "MiB"
    )?;
    for pid in pids {
        // A program may be gone by now: that is no error.
        let read = |name: &str| fs::read(path.join(pid.to_string()).join(name)).ok();
        let (Some(stat), Some(words)) = (read("stat"), read("cmdline")) else {
            continue;
        };
        if words.is_empty() {
            continue;
        }
        let Some(stat) = Stat::parse(&String::from_utf8_lossy(&stat)) else {
            continue;
        };
        let (state, parent) = (stat.state, stat.parent);
        let command = String::from_utf8_lossy(&words)
            .trim_end_matches('\0')
            .replace('\0', " ");
        let tenths = stat.pages.saturating_mul(PAGE * 10) >> 20;
        let (mib, tenth) = (tenths / 10, tenths % 10);
        writeln!(
            output,
            "{pid:>6} {parent:>6} {state} {mib:>6}.{tenth}  {}",
            command.escape_debug()
        )?;
    }
    Ok(())
}
