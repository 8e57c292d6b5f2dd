// SPDX-License-Identifier: MIT OR Apache-2.0
//! Memory and programs.

use std::fs;
use std::io::Write;

use super::{ConsoleError, Setup};
use crate::paths;

/// The fields of /proc/meminfo that matter here, and what they mean.
const FIELDS: [(&str, &str); 5] = [
    ("MemTotal", "memory of the machine"),
    ("MemAvailable", "programs can still have"),
    ("Shmem", "files in memory (payload, initramfs)"),
    ("Cached", "page cache, files in memory included"),
    ("Dirty", "not yet written to a disk"),
];

/// Prints how much memory there is and what it is used for.
pub(super) fn free(setup: &Setup<'_>, output: &mut dyn Write) -> Result<(), ConsoleError> {
    let path = setup.path("/proc/meminfo");
    let text = fs::read_to_string(&path).map_err(|source| ConsoleError::File {
        action: "read",
        path,
        source,
    })?;
    for (name, meaning) in FIELDS {
        if let Some(kib) = field(&text, name) {
            writeln!(output, "{:>8} MiB  {meaning}", kib / 1024)?;
        }
    }
    if let Ok(status) = rustix::fs::statvfs(setup.path(paths::PAYLOAD_DIR)) {
        let mib = |blocks: u64| blocks.saturating_mul(status.f_frsize) / (1 << 20);
        let used = status.f_blocks.saturating_sub(status.f_bfree);
        writeln!(
            output,
            "{:>8} MiB  of {} MiB used where {} is",
            mib(used),
            mib(status.f_blocks),
            paths::PAYLOAD_DIR
        )?;
    }
    Ok(())
}

/// KiB in the line `NAME:   N kB`.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let rest = line.strip_prefix(name)?.strip_prefix(':')?;
        rest.split_whitespace().next()?.parse().ok()
    })
}

/// Prints the programs that run, without the kernel's own threads.
pub(super) fn ps(setup: &Setup<'_>, output: &mut dyn Write) -> Result<(), ConsoleError> {
    let path = setup.path("/proc");
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(source) => {
            return Err(ConsoleError::File {
                action: "list",
                path,
                source,
            });
        }
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
        let stat = String::from_utf8_lossy(&stat);
        if words.is_empty() {
            continue;
        }
        let Some((state, parent, pages)) = stat_fields(&stat) else {
            continue;
        };
        let command = String::from_utf8_lossy(&words)
            .trim_end_matches('\0')
            .replace('\0', " ");
        let mib = pages.saturating_mul(PAGE) as f64 / f64::from(1 << 20);
        writeln!(
            output,
            "{pid:>6} {parent:>6} {state} {mib:>8.1}  {}",
            command.escape_debug()
        )?;
    }
    Ok(())
}

/// State, parent and resident pages in the text of /proc/PID/stat (proc(5)).
/// The program's name, in parentheses, may hold anything.
fn stat_fields(stat: &str) -> Option<(&str, u32, u64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse().ok();
    Some((fields.first()?, fields.get(1)?.parse().ok()?, number(21)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meminfo() {
        let text = "MemTotal:       16000 kB\nMemFree: 5 kB\nShmem:  x kB\n";
        assert_eq!(field(text, "MemTotal"), Some(16000));
        assert_eq!(field(text, "Mem"), None);
        assert_eq!(field(text, "Shmem"), None);
    }

    #[test]
    fn stat_of_this_very_program() {
        let text = fs::read_to_string("/proc/self/stat").unwrap();
        let (state, parent, pages) = stat_fields(&text).unwrap();
        // The main thread's state; it may wait for this test's.
        assert!(["R", "S"].contains(&state), "{state}");
        assert_eq!(parent, std::os::unix::process::parent_id());
        assert!(pages > 0);
        assert_eq!(stat_fields("1 (a) b) S 7 x").map(|f| f.1), None);
        assert!(stat_fields("").is_none());
    }
}
