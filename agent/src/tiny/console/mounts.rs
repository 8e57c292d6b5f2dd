// SPDX-License-Identifier: MIT OR Apache-2.0
//! mount and umount.

use std::ffi::CString;
use std::fs;
use std::io::Write;
use std::path::Path;

use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};

use super::{ConsoleError, Setup};
use sys::{FileError, cannot};

/// Prints what is mounted, without the kernel's own file systems.
pub(super) fn list(setup: &Setup, output: &mut dyn Write) -> Result<(), ConsoleError> {
    let path = setup.path("/proc/mounts");
    let text = fs::read_to_string(&path).map_err(cannot("read", &path))?;
    for line in text.lines() {
        let mut fields = line.split(' ');
        let (Some(source), Some(target), Some(kind), Some(options)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let mode = options
            .split(',')
            .find(|option| matches!(*option, "rw" | "ro"));
        let mode = mode.unwrap_or("");
        writeln!(output, "{:<24} {target:<28} {kind:<9} {mode}", source)?;
    }
    Ok(())
}

/// The file systems of this kernel that live on a block device, in its order.
fn on_devices(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| !line.starts_with("nodev"))
        .map(str::trim)
        .collect()
}

/// Mounts a device with the first file system type that accepts it; without
/// `writable` not a byte of the device changes.
pub(super) fn mount(
    setup: &Setup,
    device: &Path,
    directory: &Path,
    writable: bool,
    output: &mut dyn Write,
) -> Result<(), ConsoleError> {
    let path = setup.path("/proc/filesystems");
    let text = fs::read_to_string(&path).map_err(cannot("read", &path))?;
    fs::create_dir_all(directory).map_err(cannot("make the directory", directory))?;
    let kinds = on_devices(&text);
    // Even in a read-only mount, ext4 writes to a device that accepts writes.
    let protect = |on| match device.exists() {
        true => crate::mount::protect(device, on),
        false => Ok(()),
    };
    protect(!writable)?;
    for kind in &kinds {
        let (flags, data) = match writable {
            true => (MountFlags::empty(), None),
            false => (MountFlags::RDONLY, ondisk::untouched(kind)),
        };
        let data = data.and_then(|data| CString::new(data).ok());
        match rustix::mount::mount(device, directory, *kind, flags, data.as_deref()) {
            Ok(()) => {
                writeln!(output, "{} is a {kind}", device.display())?;
                if writable {
                    writeln!(
                        output,
                        "It is writable: what you change there stays changed."
                    )?;
                }
                return Ok(());
            }
            // Not this file system. ENOENT also stands for a module (crc32c)
            // that this file system is missing, so the device is looked at.
            Err(Errno::INVAL | Errno::NODEV | Errno::ILSEQ | Errno::UCLEAN) => {}
            Err(Errno::NOENT) if device.exists() => {}
            Err(error) => {
                protect(false)?;
                return Err(FileError::new("mount", device, error).into());
            }
        }
    }
    protect(false)?;
    Err(ConsoleError::NoFileSystem {
        device: device.to_path_buf(),
        tried: kinds.join(" "),
    })
}

/// Unmounts a directory. The device of the last mount takes writes again.
pub(super) fn umount(directory: &Path) -> Result<(), ConsoleError> {
    let before = crate::machine::mounts().map_err(crate::mount::Error::from)?;
    let place = directory
        .canonicalize()
        .map_err(cannot("unmount", directory))?;
    rustix::mount::unmount(directory, UnmountFlags::NOFOLLOW)
        .map_err(cannot("unmount", directory))?;
    let after = crate::machine::mounts().map_err(crate::mount::Error::from)?;
    let gone = before.iter().rfind(|m| Path::new(&m.target) == place);
    if let Some(gone) = gone.filter(|m| m.source.starts_with("/dev/"))
        && after.iter().all(|m| m.device != gone.device)
    {
        crate::mount::protect(Path::new(&gone.source), false)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_of_a_kernel() {
        let text = "nodev\tsysfs\nnodev\ttmpfs\n\text3\n\text4\nnodev\tautofs\n\txfs\n";
        assert_eq!(on_devices(text), ["ext3", "ext4", "xfs"]);
        assert!(on_devices("").is_empty());
    }
}
