// SPDX-License-Identifier: MIT OR Apache-2.0
//! Mounting and unmounting, by path.

use rustix::io::Errno;
use rustix::mount::{
    MountFlags, UnmountFlags, mount as mount2, mount_bind_recursive, unmount as umount2,
};
use std::ffi::CString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Why something could not be mounted or unmounted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// mount(2) failed.
    #[error("{what} cannot be mounted at {} as {kind}: {errno}", target.display())]
    Mount {
        /// The device, or a name.
        what: String,
        /// Where.
        target: PathBuf,
        /// The file system's type.
        kind: String,
        /// The kernel's answer.
        errno: Errno,
    },
    /// umount(2) failed.
    #[error("{} cannot be unmounted: {errno}; is a program still using it?", target.display())]
    Unmount {
        /// Where.
        target: PathBuf,
        /// The kernel's answer.
        errno: Errno,
    },
    /// The device could not be protected from writes, or be freed again.
    #[error("{}: cannot {action} its write protection: {source}", device.display())]
    Protect {
        /// The device.
        device: PathBuf,
        /// Which way.
        action: &'static str,
        /// The kernel's answer.
        source: std::io::Error,
    },
    /// The directory could not be made.
    #[error("{}: the directory cannot be made: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// What is mounted could not be found out.
    #[error(transparent)]
    Machine(#[from] crate::machine::Error),
}

/// Mounts a block device. The directory is made if it is missing.
///
/// # Errors
/// [`Error::Mount`] names device, place and type.
pub fn device(
    source: &Path,
    target: &Path,
    kind: &str,
    flags: MountFlags,
    options: &str,
) -> Result<(), Error> {
    directory(target)?;
    let failed = |errno| Error::Mount {
        what: source.display().to_string(),
        target: target.into(),
        kind: kind.into(),
        errno,
    };
    let options = CString::new(options).map_err(|_| failed(Errno::INVAL))?;
    mount2(source, target, kind, flags, options.as_c_str()).map_err(failed)
}

/// Mounts a file system for reading, without replaying its journal: not a
/// byte of the device changes, even if the machine lost power before.
/// [`release`] is the way back.
///
/// # Errors
/// As [`device`]; [`Error::Protect`].
pub fn untouched(source: &Path, target: &Path, kind: &str) -> Result<(), Error> {
    let options = match kind {
        // Not ext2: it has no journal, and refuses the option.
        "ext3" | "ext4" => "noload",
        "xfs" => "norecovery,nouuid",
        _ => "",
    };
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    // Even when it mounts for reading, ext4 frees the files that had no name
    // any more when the power went, unless the device itself refuses writes.
    protect(source, true)?;
    device(source, target, kind, flags, options).inspect_err(|_| {
        // The first error counts; and the device was only to be read.
        if let Err(error) = protect(source, false) {
            log::warn!("{error}");
        }
    })
}

/// Unmounts what [`untouched`] mounted, and makes the device take writes again.
///
/// # Errors
/// As [`unmount_tree`]; [`Error::Protect`].
pub fn release(source: &Path, target: &Path) -> Result<(), Error> {
    unmount_tree(target)?;
    protect(source, false)
}

/// Switches the write protection of a block device. A device of device-mapper
/// stays as it was mapped: old roots are mapped for reading only. One that is
/// mounted is not protected: whoever mounted it may be writing.
///
/// # Errors
/// [`Error::Protect`].
pub fn protect(source: &Path, on: bool) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::Protect {
        device: source.into(),
        action: if on { "switch on" } else { "switch off" },
        source: error,
    };
    let device = std::fs::File::open(source).map_err(failed)?;
    let number = device.metadata().map_err(failed)?.rdev();
    let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
    if Path::new(&format!("/sys/dev/block/{major}:{minor}/dm")).exists() {
        return Ok(());
    }
    let mounted = |m: &crate::machine::Mount| m.device == (major, minor);
    if on && crate::machine::mounts()?.iter().any(mounted) {
        return Ok(());
    }
    sys::block::set_read_only(&device, on).map_err(|errno| failed(errno.into()))
}

/// Makes a directory visible a second time, with all that is mounted in it.
///
/// # Errors
/// As [`device`].
pub fn bind(source: &Path, target: &Path) -> Result<(), Error> {
    directory(target)?;
    mount_bind_recursive(source, target).map_err(|errno| Error::Mount {
        what: source.display().to_string(),
        target: target.into(),
        kind: "bind".into(),
        errno,
    })
}

fn directory(path: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(path).map_err(|source| Error::Directory {
        path: path.into(),
        source,
    })
}

/// Unmounts `target` and all that is mounted below it, last first; nothing
/// happens when nothing is mounted there.
///
/// # Errors
/// [`Error::Unmount`] names what stays in use.
pub fn unmount_tree(target: &Path) -> Result<(), Error> {
    let mounts = crate::machine::mounts()?;
    for mount in mounts.iter().rev() {
        if Path::new(&mount.target).starts_with(target) {
            umount2(mount.target.as_str(), UnmountFlags::empty()).map_err(|errno| {
                Error::Unmount {
                    target: PathBuf::from(&mount.target),
                    errno,
                }
            })?;
        }
    }
    Ok(())
}
