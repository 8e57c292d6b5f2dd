// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 8: the new system's files.

use super::{Context, Error, Step};
use crate::payload::unpack;
use crate::report::Unit;
use crate::{mount, paths};
use rustix::mount::MountFlags;
use std::path::Path;

/// Mounts the new file systems and unpacks the payload onto them.
pub struct Unpack;

impl Step for Unpack {
    fn name(&self) -> &'static str {
        "unpack"
    }

    fn run(&self, context: &mut Context) -> Result<(), Error> {
        let root = Path::new(paths::NEW_ROOT);
        mount::unmount_tree(root)?;
        for filesystem in &context.plan()?.filesystems {
            let target = root.join(filesystem.mount.trim_start_matches('/'));
            // Nothing reads these times, and every read would write one.
            mount::device(&filesystem.device, &target, "ext4", MountFlags::NOATIME, "")?;
        }
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
        if found != (payload.entries, payload.unpacked_bytes) {
            let found = format!("{} members with {} bytes", found.0, found.1);
            return Err(Error::Unverified {
                what: "the unpacked payload".into(),
                found,
            });
        }
        Ok(())
    }

    fn verify(&self, context: &mut Context) -> Result<(), Error> {
        let root = Path::new(paths::NEW_ROOT);
        let kernels = &context.plan()?.kernels;
        let mut wanted = vec![root.join("etc/fstab")];
        wanted.extend(
            kernels
                .iter()
                .map(|k| root.join(format!("boot/vmlinuz-{k}"))),
        );
        for path in wanted {
            std::fs::metadata(&path).map_err(|source| Error::File { path, source })?;
        }
        Ok(())
    }
}
