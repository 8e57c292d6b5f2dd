// SPDX-License-Identifier: MIT OR Apache-2.0
//! The programs by which the new system makes itself bootable, and the files that
//! they make.

use super::Error;
use ondisk::inventory::Programs;
use rootdir::RootDir;
use std::cell::RefCell;

/// The initramfs of a kernel, seen from the new root.
pub(super) fn initramfs(root: &RootDir, kernel: &str) -> Result<String, Error> {
    let failed = RefCell::new(None);
    let path = Programs::initramfs_of(kernel, &|path| {
        root.exists(path).unwrap_or_else(|error| {
            *failed.borrow_mut() = Some(error);
            false
        })
    });
    match failed.into_inner() {
        None => Ok(path),
        Some(error) => Err(error.into()),
    }
}

/// The programs of the new system, chosen as `check` did in the payload.
pub(super) fn programs(root: &RootDir) -> Result<Programs, Error> {
    let failed = RefCell::new(None);
    let programs = Programs::choose(&|path| {
        root.is_program(path).unwrap_or_else(|error| {
            *failed.borrow_mut() = Some(error);
            false
        })
    });
    match failed.into_inner() {
        None => Ok(programs),
        Some(error) => Err(error.into()),
    }
}

/// The path of a program, seen from the new root. A link that dangles within the
/// chroot counts as missing.
pub(super) fn find(root: &RootDir, name: &str) -> Result<Option<String>, Error> {
    for directory in Programs::DIRECTORIES {
        let path = format!("/{directory}/{name}");
        if root.is_program(&path)? {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
