// SPDX-License-Identifier: MIT OR Apache-2.0
//! Mounting and unmounting, by path.

use crate::block::{DevNo, SYS, by_number};
use rootdir::{Place, RootDir};
use rustix::io::Errno;
use rustix::mount::{
    MountFlags, UnmountFlags, mount as mount2, mount_bind, mount_bind_recursive, mount_remount,
    unmount as umount2,
};
use std::ffi::CString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use sys::transient;
use sys::{FileError, cannot};

/// Why something could not be mounted or unmounted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// mount(2) failed.
    #[error("{what} cannot be mounted at {} as {kind}: {errno}", target.display())]
    Mount {
        /// The device, or a name.
        what: String,
        target: PathBuf,
        kind: String,
        errno: Errno,
    },
    /// umount(2) failed.
    #[error("{} cannot be unmounted: {errno}; is a program still using it?", target.display())]
    Unmount { target: PathBuf, errno: Errno },
    /// A directory, or the write protection of a device.
    #[error(transparent)]
    File(#[from] FileError),
    /// The place below a root that is not ours.
    #[error(transparent)]
    Below(#[from] rootdir::Error),
    /// What is mounted could not be found out.
    #[error(transparent)]
    Machine(#[from] crate::machine::Error),
}

impl Error {
    /// Whether trying again may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Mount { errno, .. } | Error::Unmount { errno, .. } => transient::errno(*errno),
            Error::File(error) => error.is_transient(),
            Error::Below(error) => error.is_transient(),
            Error::Machine(error) => error.is_transient(),
        }
    }
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

/// Mounts an ext4 file system of the new system on a directory below its root,
/// which is made if it is missing. No link there is followed.
///
/// # Errors
/// As [`device`]; [`Error::Below`].
pub fn below(root: &RootDir, rel: &str, source: &Path) -> Result<(), Error> {
    let place = root.mount_point(rel)?;
    let failed = |errno| Error::Mount {
        what: source.display().to_string(),
        target: root.full(rel),
        kind: "ext4".into(),
        errno,
    };
    // Access times are of no use here, and each would cause a write.
    mount2(source, place.handle(), "ext4", MountFlags::NOATIME, c"").map_err(failed)
}

/// Mounts a file system for reading, without replaying its journal: not a
/// byte of the device changes, even if the machine lost power before.
/// [`release`] is the way back.
///
/// # Errors
/// As [`device`]; [`Error::File`].
pub fn untouched(source: &Path, target: &Path, kind: &str) -> Result<(), Error> {
    let options = ondisk::untouched(kind).unwrap_or_default();
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    // Even in a read-only mount, ext4 frees files that were deleted but open when
    // the power failed, unless the device itself refuses writes.
    protect(source, true)?;
    device(source, target, kind, flags, options).inspect_err(|_| {
        // The first error is returned; the device was only to be read.
        if let Err(error) = protect(source, false) {
            log::warn!("{error}");
        }
    })
}

/// Unmounts what [`untouched`] mounted, and makes the device take writes again.
///
/// # Errors
/// As [`unmount_tree`]; [`Error::File`].
pub fn release(source: &Path, target: &Path) -> Result<(), Error> {
    unmount_tree(target)?;
    protect(source, false)
}

/// Switches the write protection of a block device. A device-mapper device stays
/// as it was mapped, for old roots are mapped read-only. A mounted device is not
/// protected: whoever mounted it may be writing.
///
/// # Errors
/// [`Error::File`].
pub fn protect(source: &Path, on: bool) -> Result<(), Error> {
    let action = match on {
        true => "switch on the write protection of",
        false => "switch off the write protection of",
    };
    let failed = |e| FileError::new(action, source, e);
    let device = std::fs::File::open(source).map_err(failed)?;
    let dev = DevNo::from(device.metadata().map_err(failed)?.rdev());
    if by_number(Path::new(SYS), dev).is_ok_and(|device| device.dm_name.is_some()) {
        return Ok(());
    }
    let mounted = |m: &crate::machine::Mount| m.device == dev;
    if on && crate::machine::mounts()?.iter().any(mounted) {
        return Ok(());
    }
    Ok(sys::block::set_read_only(&device, on).map_err(cannot(action, source))?)
}

/// Makes a directory visible a second time, with all that is mounted in it, in
/// a directory below `root`. No link there is followed.
///
/// # Errors
/// As [`below`].
pub fn bind(source: &Path, root: &RootDir, rel: &str) -> Result<(), Error> {
    let place = root.mount_point(rel)?;
    mount_bind_recursive(source, place.handle()).map_err(|errno| Error::Mount {
        what: source.display().to_string(),
        target: root.full(rel),
        kind: "bind".into(),
        errno,
    })
}

/// Hides a file behind another one, which can be executed and not be written.
/// [`unmount_tree`] brings it back.
///
/// # Errors
/// [`Error::Mount`].
pub fn hide(file: &Place, behind: &Path) -> Result<(), Error> {
    let failed = |errno| Error::Mount {
        what: behind.display().to_string(),
        target: file.handle(),
        kind: "bind".into(),
        errno,
    };
    let handle = file.handle();
    let target = std::fs::read_link(&handle).map_err(cannot("read the link", &handle))?;
    mount_bind(behind, file.handle()).map_err(failed)?;
    // The file is on a noexec mount (/run).
    let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
    mount_remount(&target, flags, c"").map_err(failed)
}

fn directory(path: &Path) -> Result<(), Error> {
    Ok(std::fs::create_dir_all(path).map_err(cannot("create the directory", path))?)
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
