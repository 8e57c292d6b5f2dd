// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 8: the new system's files.

use super::mounts::mount_new_root;
use super::{Context, Error, Step};
use crate::paths;
use crate::payload::unpack;
use crate::report::Unit;
use rootdir::RootDir;
use std::path::Path;

/// Mounts the new file systems and unpacks the payload onto them.
pub struct Unpack;

impl Step for Unpack {
    fn name(&self) -> &'static str {
        "unpack"
    }

    fn run(&self, context: &mut Context) -> Result<(), Error> {
        let root = Path::new(paths::NEW_ROOT);
        mount_new_root(context)?;
        let loaded = context.loaded()?;
        let payload = &loaded.manifest.payload;
        let goal = payload.unpacked_bytes;
        let totals = ondisk::pax::Totals {
            entries: payload.entries,
            bytes: payload.unpacked_bytes,
            blocks: u64::MAX,
        };
        let options = unpack::Options {
            decoder: loaded.budget.decoder,
            at_most: Some(totals),
        };
        let summary = unpack::unpack(&loaded.payload, root, &options, &mut |progress| {
            context.reporter.progress(progress.bytes, goal, Unit::Bytes);
        })?;
        for lost in &summary.lost {
            context.reporter.line(&format!(
                "warning: {}: the file system cannot hold {}",
                lost.name, lost.attribute
            ));
        }
        let found = (summary.totals.entries, summary.totals.bytes);
        let expected = (payload.entries, payload.unpacked_bytes);
        if found != expected {
            let say = |(members, bytes)| format!("{members} members with {bytes} bytes");
            return Err(Error::NotThePayload {
                file: ondisk::manifest::PAYLOAD.into(),
                found: say(found),
                expected: say(expected),
            });
        }
        Ok(())
    }

    fn confirm(&self, context: &mut Context) -> Result<(), Error> {
        let root = RootDir::open(Path::new(paths::NEW_ROOT))?;
        arrived(&root, &context.plan()?.kernels)
    }
}

/// Checks that the files that boot the new system exist, following the new
/// system's links.
fn arrived(root: &RootDir, kernels: &[String]) -> Result<(), Error> {
    let kernels = kernels.iter().map(|k| format!("boot/vmlinuz-{k}"));
    for file in std::iter::once("etc/fstab".to_string()).chain(kernels) {
        if !root.exists(&file)? {
            return Err(Error::Unverified {
                what: root.full(&file).display().to_string(),
                found: "nothing is there, or a link that leads nowhere".into(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_link_out_of_the_new_system_is_no_kernel() {
        let top = tempfile::tempdir().unwrap();
        let root = top.path().join("root");
        std::fs::create_dir_all(root.join("etc")).unwrap();
        std::fs::write(root.join("etc/fstab"), "").unwrap();
        let outside = top.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("vmlinuz-6.1"), "").unwrap();
        let kernels = ["6.1".to_string()];
        let look = || arrived(&RootDir::open(&root).unwrap(), &kernels);
        symlink(&outside, root.join("boot")).unwrap();
        let error = look().unwrap_err().to_string();
        assert!(error.contains("boot/vmlinuz-6.1"), "{error}");
        // The same link, with what it means in the new system.
        let inside = root.join(outside.strip_prefix("/").unwrap());
        std::fs::create_dir_all(&inside).unwrap();
        std::fs::write(inside.join("vmlinuz-6.1"), "").unwrap();
        look().unwrap();
    }
}
