// SPDX-License-Identifier: MIT OR Apache-2.0
//! The payload's own tmpfs: mounted with its size, so that neither the rootfs
//! (half of RAM at most) nor a second file can make it run full.
use super::verify::{self, Expected};
use rustix::fs::{self, Advice, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::MountFlags;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use sys::transient;
use sys::{FileError, cannot};

/// Why the payload cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot mount a tmpfs of {size} bytes at {path}: {errno}")]
    Mount {
        path: PathBuf,
        size: u64,
        errno: Errno,
    },
    #[error("{path} is missing; copy the package again")]
    Missing { path: PathBuf },
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Verify(#[from] verify::Error),
}

impl Error {
    /// Whether trying again may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Mount { errno, .. } => transient::errno(*errno),
            Error::Missing { .. } => false,
            Error::File(error) => error.is_transient(),
            Error::Verify(error) => error.is_transient(),
        }
    }
}

/// Mounts a tmpfs that holds files of `size` bytes in all at the directory
/// `path`, made if it is missing. Needs root.
pub fn mount(path: &Path, size: u64) -> Result<(), Error> {
    let fail = |errno| Error::Mount {
        path: path.to_path_buf(),
        size,
        errno,
    };
    match fs::mkdir(path, Mode::from_raw_mode(0o700)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(fail(errno)),
    }
    // The kernel counts whole pages, and the directory takes one.
    let pages = size.div_ceil(4096).saturating_add(16);
    let options = format!("mode=0700,size={}", pages.saturating_mul(4096));
    let options = std::ffi::CString::new(options).map_err(|_| fail(Errno::INVAL))?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    rustix::mount::mount("replant-payload", path, "tmpfs", flags, &*options).map_err(fail)
}

/// Copies a file and verifies it in the same pass. A copy that is not what
/// `expected` says is removed again. `progress` gets the bytes copied so far.
pub fn load(
    from: &Path,
    to: &Path,
    expected: &Expected,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    let source = File::open(from).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::Missing {
            path: from.to_path_buf(),
        },
        _ => FileError::new("open", from, error).into(),
    })?;
    load_open(&source, from, to, expected, progress)
}

/// The same with a file that is open; `from` is its name in messages.
pub fn load_open(
    source: &File,
    from: &Path,
    to: &Path,
    expected: &Expected,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    // It is read once, in order. A file system that ignores the advice reads just
    // as well.
    let _ = fs::fadvise(source, 0, None, Advice::Sequential);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
    let copy = fs::open(to, flags, Mode::from_raw_mode(0o600)).map_err(cannot("open", to))?;
    let mut copy = File::from(copy);
    let result = verify::copy(source, &mut copy, from, expected, progress);
    // The copy needs the memory of the source's page cache. A file system that
    // ignores this advice drops the cache when memory is short.
    let _ = fs::fadvise(source, 0, None, Advice::DontNeed);
    if result.is_err() {
        // The first error is returned; an unverified copy must not stay.
        let _ = fs::unlink(to);
    }
    Ok(result?)
}
