// SPDX-License-Identifier: MIT OR Apache-2.0
//! Mounts file systems of the image read-only, and unmounts them also after an error.

use super::volumes::Area;
use crate::file::At;
use crate::program;
use anyhow::{Error, Result, anyhow};
use std::path::{Path, PathBuf};

/// The mount points, in the order of mounting.
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
    pub fn peek(&mut self, area: &Area, target: &Path) -> Result<()> {
        self.mount(area, target, ondisk::untouched(&area.kind))
    }

    /// Mounts a file system of the image with its journal replayed: files that
    /// are only in the journal would be missing from the payload.
    pub fn whole(&mut self, area: &Area, target: &Path) -> Result<()> {
        if area.in_use {
            return Err(in_use(area));
        }
        if area.kind != "xfs" {
            return self.peek(area, target);
        }
        // On a device that takes no writes, XFS refuses to replay its log.
        let Err(error) = self.mount(area, target, Some("nouuid")) else {
            return Ok(());
        };
        if self.peek(area, target).is_err() {
            return Err(error);
        }
        self.unmount_last()?;
        Err(in_use(area))
    }

    fn mount(&mut self, area: &Area, target: &Path, options: Option<&str>) -> Result<()> {
        std::fs::create_dir_all(target).at(target)?;
        let place = format!("ro,loop,offset={},sizelimit={}", area.offset, area.size);
        let options: Vec<&str> = [&place[..]].into_iter().chain(options).collect();
        let options = options.join(",");
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
    pub fn unmount_last(&mut self) -> Result<()> {
        if let Some(target) = self.targets.pop() {
            program::run_always("umount", "mount", &[target.as_os_str()])?;
        }
        Ok(())
    }

    /// Unmounts all.
    pub fn release(mut self) -> Result<()> {
        while !self.targets.is_empty() {
            self.unmount_last()?;
        }
        Ok(())
    }
}

fn in_use(area: &Area) -> Error {
    anyhow!(
        "the file system on {} was not unmounted cleanly, and its journal is not replayed; start the appliance once more, shut it down, and capture again",
        area.device
    )
}

impl Drop for Mounted {
    fn drop(&mut self) {
        while let Some(target) = self.targets.pop() {
            if let Err(error) = program::run_always("umount", "mount", &[target.as_os_str()]) {
                eprintln!("replant-pack: {}: {error}", target.display());
            }
        }
    }
}
