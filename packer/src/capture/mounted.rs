// SPDX-License-Identifier: MIT OR Apache-2.0
//! File systems of the image, mounted read-only; unmounted also when something fails.

use super::Error;
use super::volumes::Area;
use crate::program;
use std::path::{Path, PathBuf};

/// What is mounted, in that order.
pub struct Mounted {
    image: PathBuf,
    targets: Vec<PathBuf>,
}

impl Mounted {
    pub fn new(image: &Path) -> Mounted {
        Mounted {
            image: image.to_path_buf(),
            targets: Vec::new(),
        }
    }

    /// Mounts a file system of the image for a look. Its journal is not
    /// replayed, for that would write into the image.
    pub fn peek(&mut self, area: &Area, target: &Path) -> Result<(), Error> {
        let quiet = match area.kind.as_str() {
            "xfs" => "norecovery,nouuid",
            // It has no journal, and the kernel refuses the option.
            "ext2" => "nodev",
            _ => "noload",
        };
        self.mount(area, target, quiet)
    }

    /// Mounts a file system of the image, all of it: what was in a journal only
    /// would be missing from the payload.
    pub fn whole(&mut self, area: &Area, target: &Path) -> Result<(), Error> {
        if area.in_use {
            return Err(Error::InUse(area.device.clone()));
        }
        if area.kind != "xfs" {
            return self.peek(area, target);
        }
        // On a device that takes no writes, XFS refuses to replay its log.
        let Err(error) = self.mount(area, target, "nouuid") else {
            return Ok(());
        };
        if self.peek(area, target).is_err() {
            return Err(error);
        }
        self.unmount_last()?;
        Err(Error::InUse(area.device.clone()))
    }

    fn mount(&mut self, area: &Area, target: &Path, quiet: &str) -> Result<(), Error> {
        std::fs::create_dir_all(target).map_err(|e| Error::file(target, e))?;
        let options = format!(
            "ro,{quiet},loop,offset={},sizelimit={}",
            area.offset, area.size
        );
        let words = [
            "-t".as_ref(),
            area.kind.as_ref(),
            "-o".as_ref(),
            options.as_ref(),
        ];
        let places = [self.image.as_os_str(), target.as_os_str()];
        program::run("mount", "mount", &[&words[..], &places[..]].concat())?;
        self.targets.push(target.to_path_buf());
        Ok(())
    }

    /// Unmounts what was mounted last.
    pub fn unmount_last(&mut self) -> Result<(), Error> {
        if let Some(target) = self.targets.pop() {
            program::run("umount", "mount", &[target.as_os_str()])?;
        }
        Ok(())
    }

    /// Unmounts all.
    pub fn release(mut self) -> Result<(), Error> {
        while !self.targets.is_empty() {
            self.unmount_last()?;
        }
        Ok(())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        while let Some(target) = self.targets.pop() {
            if let Err(error) = program::run("umount", "mount", &[target.as_os_str()]) {
                eprintln!("replant-pack: {}: {error}", target.display());
            }
        }
    }
}
