// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can go wrong with a file that lies in runs of a disk.

use crate::stop::Stopped;
use ondisk::lifeboat::record::Damage;
use ondisk::lifeboat::{Role, Run};
use rustix::io::Errno;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use sys::transient;

/// The recorded places cannot be those of a file.
#[derive(Debug, thiserror::Error)]
#[error(
    "the places of {} on {} cannot be right: {why}; stage the package again on the old system",
    name.display(), disk.display()
)]
pub struct Invalid {
    pub name: PathBuf,
    pub disk: PathBuf,
    pub why: String,
}

/// A chunk whose checksum is not the recorded one.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "{} does not hold what was staged, in bytes {} to {} of {}: {damage}; the disk does not keep what is written to it, or somebody wrote there: {}",
    disk.display(), bytes.start, bytes.end, name.display(), advice(damage.role)
)]
pub struct Changed {
    pub disk: PathBuf,
    pub name: PathBuf,
    /// The chunk's bytes in the file.
    pub bytes: Range<u64>,
    /// Where it lies.
    pub damage: Damage,
}

/// Why a chunk cannot be used, after several reads.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error(
        "{} cannot be read at {}: {source}; the disk or its cable fails: {}",
        disk.display(), place(.at), advice(*role)
    )]
    Read {
        disk: PathBuf,
        /// The file that lies there.
        role: Role,
        /// The unreadable part, as narrow as it is known.
        at: Run,
        source: Arc<io::Error>,
    },
    #[error(transparent)]
    Changed(#[from] Box<Changed>),
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The reader was dropped, so this error is not shown.
    #[error("nobody reads {} any more", .0.display())]
    Dropped(PathBuf),
    #[error("the thread that reads {} ahead has ended; type: migrate", .0.display())]
    Ended(PathBuf),
}

impl Error {
    /// Whether trying again may succeed. A sector that failed each time was read
    /// often enough; a disk that was away may come back.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Read { source, .. } => {
                let stays = [Errno::IO, Errno::NODATA, Errno::REMOTEIO];
                let errno = Errno::from_io_error(source);
                transient::io(source) && !errno.is_some_and(|errno| stays.contains(&errno))
            }
            Error::Changed(_) | Error::Stopped(_) | Error::Dropped(_) => false,
            Error::Ended(_) => true,
        }
    }

    /// What happened, without the advice.
    pub(super) fn what(&self) -> String {
        let text = self.to_string();
        match text.split_once("; ") {
            Some((what, _)) => what.into(),
            None => text,
        }
    }

    /// Whether reading again is useless.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Error::Read { .. } | Error::Changed(_) => false,
            Error::Stopped(_) | Error::Dropped(_) | Error::Ended(_) => true,
        }
    }

    /// The error of this type inside an I/O error, if there is one.
    pub(in crate::payload) fn inside(error: &io::Error) -> Option<&Error> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        io::Error::other(error)
    }
}

/// What a person can do.
fn advice(role: Role) -> &'static str {
    match role {
        Role::Payload => {
            "type migrate to try again, or migrate --payload DEVICE:PATH with the same file on another disk or a USB stick"
        }
        _ => {
            "if the old system is still there, stage the package again on it; otherwise type migrate to try again, and if that does not help, replace the disk and install the new system by other means"
        }
    }
}

/// `LBA 8` or `LBA 8 to 15`.
fn place(run: &Run) -> String {
    match run.sectors {
        0 | 1 => format!("LBA {}", run.lba),
        more => {
            let last = run.lba.saturating_add(more).saturating_sub(1);
            format!("LBA {} to {last}", run.lba)
        }
    }
}
