// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 11: log and report into the new system; everything let go.

use super::{Context, Error, Step};
use crate::lvm::Mapper;
use crate::{mount, paths};
use ondisk::manifest::MANIFEST;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Where the new system finds what happened.
const LOG_DIR: &str = "var/log/replant";

/// Leaves the disk to the new system.
pub struct Finish;

impl Step for Finish {
    fn name(&self) -> &'static str {
        "finish"
    }

    fn run(&self, context: &mut Context) -> Result<(), Error> {
        let root = Path::new(paths::NEW_ROOT);
        let mounts = crate::machine::mounts()?;
        // Run again after the unmount, there is nothing left to do.
        if mounts.iter().any(|m| m.target == paths::NEW_ROOT) {
            let dir = root.join(LOG_DIR);
            let failed = |path: &Path| {
                let path = path.to_path_buf();
                move |source| Error::File { path, source }
            };
            std::fs::create_dir_all(&dir).map_err(failed(&dir))?;
            let private = std::fs::Permissions::from_mode(0o700);
            std::fs::set_permissions(&dir, private).map_err(failed(&dir))?;
            let manifest = Path::new(paths::PAYLOAD_DIR).join(MANIFEST);
            let staged = Path::new(paths::PAYLOAD_DIR).join(paths::STAGED);
            for (from, name) in [
                (manifest.as_path(), MANIFEST),
                (staged.as_path(), paths::STAGED),
                (Path::new(paths::LOG), "migration.log"),
            ] {
                std::fs::copy(from, dir.join(name)).map_err(failed(&dir.join(name)))?;
            }
            mount::unmount_tree(root)?;
        }
        rustix::fs::sync();
        Mapper::open()?.deactivate_disk(super::context::lvm_device(&context.found()?.disk).dev)?;
        let disk = context.disk()?;
        disk.sync("the disk")?;
        disk.flush()?;
        Ok(())
    }

    fn verify(&self, _context: &mut Context) -> Result<(), Error> {
        let mounts = crate::machine::mounts()?;
        match mounts
            .iter()
            .find(|m| m.target.starts_with(paths::NEW_ROOT))
        {
            None => Ok(()),
            Some(mount) => Err(Error::Unverified {
                what: "the new root".into(),
                found: format!("{} is still mounted", mount.target),
            }),
        }
    }
}
