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

/// Why the payload cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The tmpfs cannot be mounted.
    #[error("cannot mount a tmpfs of {size} bytes at {path}: {errno}")]
    Mount {
        /// Where.
        path: PathBuf,
        /// How big.
        size: u64,
        /// The kernel's answer.
        errno: Errno,
    },
    /// There is no such file.
    #[error("{path} is missing; copy the package again")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be opened or made.
    #[error("cannot open {path}: {error}")]
    Open {
        /// The file.
        path: PathBuf,
        /// The kernel's answer.
        error: io::Error,
    },
    /// The bytes are not what they should be, or could not be copied.
    #[error(transparent)]
    Verify(#[from] verify::Error),
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
    let open = |path: &Path, error| Error::Open {
        path: path.to_path_buf(),
        error,
    };
    let source = File::open(from).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::Missing {
            path: from.to_path_buf(),
        },
        _ => open(from, error),
    })?;
    // It is read once from its beginning to its end. A file system that takes
    // no advice reads just as well.
    let _ = fs::fadvise(&source, 0, None, Advice::Sequential);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
    let copy =
        fs::open(to, flags, Mode::from_raw_mode(0o600)).map_err(|errno| open(to, errno.into()))?;
    let mut copy = File::from(copy);
    let result = verify::copy(&source, &mut copy, from, expected, progress);
    // Its page cache is needed for the copy. What does not take the advice
    // gives it up when memory is short.
    let _ = fs::fadvise(&source, 0, None, Advice::DontNeed);
    if result.is_err() {
        // The first error counts, and nobody uses a copy that was not verified.
        let _ = fs::unlink(to);
    }
    Ok(result?)
}
