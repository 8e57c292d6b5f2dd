// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 12: the log goes into the new system; everything is unmounted.

use super::{Context, Error, Step};
use crate::lvm::Mapper;
use crate::paths::NEW_LOGS;
use crate::{mount, paths};
use ondisk::manifest::{Console, MANIFEST, Manifest};
use rootdir::labels::{self, Labels};
use rootdir::{Attributes, RootDir};
use std::path::Path;
use sys::cannot;

/// The manifest for the new system's log, without the password hash.
fn without_password(manifest: &Manifest) -> Result<Vec<u8>, Error> {
    let mut manifest = manifest.clone();
    manifest.console = Console::default();
    Ok(manifest.encode()?.into_bytes())
}

/// Puts each record into [`NEW_LOGS`] of the new system, under its name. Links
/// there are the new system's: an absolute one does not lead into this one.
fn keep<const N: usize>(
    root: &RootDir,
    records: [(&str, Result<Vec<u8>, Error>); N],
) -> Result<(), Error> {
    let private = Attributes::root(0o700);
    root.make_dir(NEW_LOGS, private)?;
    root.set_attributes(NEW_LOGS, private)?;
    for (name, bytes) in records {
        root.write(
            &format!("{NEW_LOGS}/{name}"),
            &bytes?,
            Attributes::root(0o600),
        )?;
    }
    Ok(())
}

/// Labels files that have no SELinux label: most of those were made by the new
/// system's own programs. Each file system is walked by itself, so that covered
/// mount points are labelled, too. Returns the new root, in which new files get
/// labels.
fn label(context: &Context, root: &Path) -> Result<RootDir, Error> {
    let new = RootDir::open(root)?;
    let Some(labels) = Labels::read(&new)? else {
        return Ok(new);
    };
    let mut set = 0;
    for filesystem in &context.plan()?.filesystems {
        let mount = &filesystem.mount;
        let tree = labels::tree(&root.join(mount.trim_start_matches('/')))?;
        set += labels::complete(&labels, &tree, mount)?.unlabelled;
    }
    context
        .reporter
        .detail(&format!("SELinux: {set} files got their labels"));
    Ok(new.with_labels(labels.contexts))
}

/// Hands the disk over to the new system.
pub struct Finish;

impl Step for Finish {
    fn name(&self) -> &'static str {
        "finish"
    }

    fn run(&self, context: &mut Context) -> Result<(), Error> {
        let root = Path::new(paths::NEW_ROOT);
        let mounts = crate::machine::mounts()?;
        // When this runs again after the unmount, nothing is left to do.
        if mounts.iter().any(|m| m.target == paths::NEW_ROOT) {
            // The new system works without labels and log, so errors are only
            // warnings.
            let new = label(context, root).or_else(|error| {
                let what = "warning: SELinux: not all files have their labels; label them in the new system (fixfiles -F onboot)";
                context.reporter.line(&format!("{what}: {error}"));
                RootDir::open(root)
            })?;
            let payload = Path::new(paths::PAYLOAD_DIR);
            let read_here = |from: &Path| Ok(std::fs::read(from).map_err(cannot("read", from))?);
            let records = [
                (MANIFEST, without_password(&context.loaded()?.manifest)),
                (paths::STAGED, read_here(&payload.join(paths::STAGED))),
                (paths::MIGRATION_LOG, read_here(Path::new(paths::LOG))),
            ];
            if let Err(error) = keep(&new, records) {
                let what = "warning: the migration's log is not in the new system";
                context.reporter.line(&format!("{what}: {error}"));
            }
            drop(new);
            mount::unmount_tree(root)?;
        }
        rustix::fs::sync();
        Mapper::open()?.deactivate_disk(context.disk_number()?)?;
        let disk = context.disk()?;
        disk.sync("the disk")?;
        disk.flush()?;
        Ok(())
    }

    fn confirm(&self, _context: &mut Context) -> Result<(), Error> {
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
        let root = top.path().join("root");
        std::fs::create_dir_all(root.join("var")).unwrap();
        symlink("/data/log", root.join("var/log")).unwrap();
        let records = || [("migration.log", Ok(b"text".to_vec()))];
        // It leads nowhere: an error, which `run` only tells.
        let new = RootDir::open(&root).unwrap();
        keep(&new, records()).unwrap_err();
        std::fs::create_dir_all(root.join("data/log")).unwrap();
        for _ in 0..2 {
            keep(&new, records()).unwrap();
            let kept = root.join("data/log/replant/migration.log");
            assert_eq!(std::fs::read_to_string(kept).unwrap(), "text");
        }
    }
}
