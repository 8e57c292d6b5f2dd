// SPDX-License-Identifier: MIT OR Apache-2.0
//! The report that a failed migration leaves in the old root.

use crate::block::DevNo;
use crate::locate::{self, Root};
use crate::lvm::{Access, Mapper, mapping, scan};
use crate::tiny::steps::{Context, Error, Failure};
use crate::{mount, paths};
use rootdir::{Attributes, RootDir};
use rustix::mount::MountFlags;
use std::path::Path;
use std::time::Duration;

/// How long to wait for the old root, which was found before.
const PATIENCE: Duration = Duration::from_secs(10);

/// Writes the reason into the old root, which is otherwise never written before
/// the point of no return. Returns `false` when no root is known to be this
/// machine's: another machine's disk, or a package that was never staged, stays
/// as it is.
pub(super) fn leave(context: &mut Context, failure: &Failure) -> Result<bool, Error> {
    let root = context.found.as_ref().and_then(|f| f.root.as_ref());
    let Some(root) = recognized_root(root, context.recognized) else {
        return Ok(false);
    };
    let old = Path::new(paths::OLD_ROOT);
    // Preflight may have unmapped it.
    if root.device.exists() {
        mount::release(&root.device, old)?;
    }
    let Some(spec) = context.cmdline.root.clone() else {
        return Ok(false);
    };
    let root = locate::wait(&mut context.devices, &spec, PATIENCE)?;
    let mapper = Mapper::open()?;
    for group in &scan(&context.lvm_devices()?).groups {
        for lv in group.vg.lvs.iter().filter(|lv| lv.is_visible()) {
            let Ok(mapping) = mapping(group, lv) else {
                continue;
            };
            let same = Path::new("/dev/mapper").join(&mapping.name);
            let is_root = |path: &Path| {
                use std::os::unix::fs::MetadataExt;
                std::fs::metadata(path).is_ok_and(|m| DevNo::from(m.rdev()) == root.dev)
            };
            if is_root(&same) {
                mapper.activate(group, &lv.name, Access::ReadWrite)?;
            }
        }
    }
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount::device(&root.device, old, &root.kind, flags, "")?;
    let log = std::fs::read_to_string(paths::LOG).unwrap_or_default();
    let text = format!("The migration stopped, and nothing was changed.\n{failure}\n\n{log}");
    let written = write(old, &text);
    mount::unmount_tree(old)?;
    rustix::fs::sync();
    written.map(|()| true)
}

/// Writes the report into the old root; links there mean what they mean on the
/// old system.
fn write(old: &Path, text: &str) -> Result<(), Error> {
    let old = RootDir::open(old)?;
    let path = format!("{}/{}", paths::STAGED_DIR, paths::FAILURE_REPORT);
    old.write(&path, text.as_bytes(), Attributes::root(0o600))?;
    Ok(())
}

/// The old root, if it is known to be this machine's.
fn recognized_root(root: Option<&Root>, recognized: bool) -> Option<&Root> {
    root.filter(|_| recognized)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_root_that_was_recognised_gets_a_report() {
        let root = Root {
            device: "/dev/none".into(),
            dev: DevNo { major: 0, minor: 0 },
            kind: "ext4".into(),
        };
        assert!(recognized_root(Some(&root), true).is_some());
        assert!(recognized_root(Some(&root), false).is_none());
        assert!(recognized_root(None, true).is_none());
    }

    #[test]
    fn the_report_stays_in_the_old_root() {
        use std::os::unix::fs::symlink;
        let top = tempfile::tempdir().unwrap();
        let (old, outside) = (top.path().join("old"), top.path().join("outside"));
        for dir in [&old.join("etc"), &old.join("srv"), &outside] {
            std::fs::create_dir_all(dir).unwrap();
        }
        for link in [outside.to_str().unwrap(), "../../outside"] {
            symlink(link, old.join("etc/upd")).unwrap();
            write(&old, "x").unwrap_err();
            std::fs::remove_file(old.join("etc/upd")).unwrap();
        }
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
        symlink("/srv", old.join("etc/upd")).unwrap();
        write(&old, "why").unwrap();
        let report = std::fs::read_to_string(old.join("srv/report.txt")).unwrap();
        assert_eq!(report, "why");
    }
}
