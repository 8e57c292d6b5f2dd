// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 11: log and report into the new system; everything let go.

use super::{Context, Error, Step};
use crate::identity::{Attributes, RootDir};
use crate::lvm::Mapper;
use crate::{mount, paths};
use ondisk::manifest::MANIFEST;
use std::path::{Path, PathBuf};

/// Where the new system finds what happened.
const LOG_DIR: &str = "var/log/replant";

/// Copies each file into [`LOG_DIR`] of the new system, under its name. Links
/// there are the new system's: an absolute one does not lead into this one.
fn keep(root: &Path, records: &[(PathBuf, &str)]) -> Result<(), Error> {
    let root = RootDir::open(root)?;
    let private = Attributes::root(0o700);
    root.make_dir(LOG_DIR, private)?;
    root.set_attributes(LOG_DIR, private)?;
    for (from, name) in records {
        let bytes = std::fs::read(from).map_err(|source| Error::File {
            path: from.clone(),
            source,
        })?;
        root.write(
            &format!("{LOG_DIR}/{name}"),
            &bytes,
            Attributes::root(0o600),
        )?;
    }
    Ok(())
}

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
            let payload = Path::new(paths::PAYLOAD_DIR);
            let records = [
                (payload.join(MANIFEST), MANIFEST),
                (payload.join(paths::STAGED), paths::STAGED),
                (paths::LOG.into(), "migration.log"),
            ];
            // The new system is complete without them.
            if let Err(error) = keep(root, &records) {
                let what = "warning: the migration's log is not in the new system";
                context.reporter.line(&format!("{what}: {error}"));
            }
            mount::unmount_tree(root)?;
        }
        rustix::fs::sync();
        Mapper::open()?.deactivate_disk(context.disk_number()?)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_of_the_new_system_lead_into_the_new_system() {
        let top = tempfile::tempdir().unwrap();
        let (root, log) = (top.path().join("root"), top.path().join("log"));
        std::fs::write(&log, "text").unwrap();
        std::fs::create_dir_all(root.join("var")).unwrap();
        symlink("/data/log", root.join("var/log")).unwrap();
        let records = [(log, "migration.log")];
        // It leads nowhere: an error, which `run` only tells.
        keep(&root, &records).unwrap_err();
        std::fs::create_dir_all(root.join("data/log")).unwrap();
        for _ in 0..2 {
            keep(&root, &records).unwrap();
            let kept = root.join("data/log/replant/migration.log");
            assert_eq!(std::fs::read_to_string(kept).unwrap(), "text");
        }
    }
}
