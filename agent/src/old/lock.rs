// SPDX-License-Identifier: MIT OR Apache-2.0
//! One `stage` or `revert` at a time.

use super::Error;
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;
use sys::{FileError, cannot};

/// Where the lock is taken; gone after a restart.
const PATH: &str = "/run/replant.lock";

/// The lock is held as long as this value lives. The kernel releases it when the
/// process ends, in whatever way.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, or says who has it.
    pub(super) fn take() -> Result<Lock, Error> {
        Lock::at(Path::new(PATH))
    }

    fn at(path: &Path) -> Result<Lock, Error> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened =
            rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR).map_err(cannot("open", path))?;
        let mut held = File::from(opened);
        match flock(&held, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut pid = String::new();
                // For the message only; the holder may not have written it yet.
                let _ = held.read_to_string(&mut pid);
                let pid = pid.trim().parse().ok();
                return Err(Error::Running(pid));
            }
            Err(e) => return Err(FileError::new("lock", path, e).into()),
        }
        let mut write = || {
            held.set_len(0)?;
            held.rewind()?;
            writeln!(held, "{}", std::process::id())
        };
        write().map_err(cannot("write", path))?;
        Ok(Lock { _file: held })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_one_learns_who_runs() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = Lock::at(&path).unwrap();
        let error = Lock::at(&path).unwrap_err().to_string();
        let pid = std::process::id();
        assert!(error.contains(&format!("(process {pid})")), "{error}");
        drop(first);
        // What a killed one leaves locks nobody out.
        std::fs::write(&path, "99999999\n").unwrap();
        Lock::at(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{pid}\n"));
    }
}
