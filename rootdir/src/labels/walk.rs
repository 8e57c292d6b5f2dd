// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every file of a tree, for its label.

use super::Labels;
use crate::error::io as fail;
use crate::{Error, RootDir, attribute, beneath};
use ondisk::selinux::Kind;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::OpenTreeFlags;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What is done with a file that has no label: its path in this process, and
/// the label that it should have.
type Missing<'a> = &'a mut dyn FnMut(&[u8], &str) -> Result<(), Errno>;

/// What a walk found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Files with a label.
    pub labelled: u64,
    /// Files without one, to which the policy gives one.
    pub unlabelled: u64,
    /// Files without one, to which the policy gives none.
    pub free: u64,
}

/// One file system that is mounted at `path`, alone: what other mounts cover
/// in it can be reached, and what is mounted in it cannot.
///
/// # Errors
/// The kernel refuses.
pub fn tree(path: &Path) -> Result<OwnedFd, Error> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let tree = rustix::mount::open_tree(rustix::fs::CWD, path, flags)
        .map_err(|e| fail("look at the file system at", path, e))?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(&tree, ".", flags, Mode::empty())
        .map_err(|e| fail("open the directory", path, e))
}

/// Counts the labels of the new system's files, on all that is mounted there.
/// What the file systems themselves were made with is not counted.
///
/// # Errors
/// A directory cannot be read, or a label.
pub fn count(labels: &Labels, root: &RootDir) -> Result<Count, Error> {
    let top = root
        .directory("")
        .map_err(|e| fail("open the directory", &root.full(""), e))?;
    let mut made = 0;
    let found = visit(labels, &top, "/", &mut |file, _| {
        made += u64::from(file.ends_with(b"/lost+found"));
        Ok(())
    })?;
    let unlabelled = found.unlabelled.saturating_sub(made);
    Ok(Count {
        unlabelled,
        ..found
    })
}

/// Gives every file below `top`, which is `mount` in the new system, the label
/// that it has not.
///
/// # Errors
/// As [`count`]; a label cannot be set.
pub fn complete(labels: &Labels, top: &OwnedFd, mount: &str) -> Result<Count, Error> {
    visit(labels, top, mount, &mut |file, label| {
        attribute::set(file, &attribute::value(label))
    })
}

/// Looks at each file, and calls `missing` for those that have no label.
fn visit(
    labels: &Labels,
    top: &OwnedFd,
    mount: &str,
    missing: Missing<'_>,
) -> Result<Count, Error> {
    let mut found = Count::default();
    let mount = mount.trim_end_matches('/').as_bytes();
    let mut look = |dir: &OwnedFd, name: &[u8], path: &[u8], kind: Kind| {
        let file = attribute::path(dir, name);
        let path = match [mount, path].concat() {
            path if path.is_empty() => b"/".to_vec(),
            path => path,
        };
        let named = Path::new(OsStr::from_bytes(&path));
        let label = match attribute::get(&file) {
            Ok(Some(_)) => {
                found.labelled += 1;
                return Ok(());
            }
            Ok(None) => labels.contexts.label(&path, kind),
            // A file system that holds no labels.
            Err(Errno::OPNOTSUPP) => None,
            Err(e) => return Err(fail("read the SELinux label of", named, e)),
        };
        let Some(label) = label else {
            found.free += 1;
            return Ok(());
        };
        found.unlabelled += 1;
        missing(&file, label).map_err(|e| fail("set the SELinux label of", named, e))
    };
    look(top, b".", b"", Kind::Directory)?;
    // Paths below the top, each with a slash in front.
    let mut rest: Vec<Vec<u8>> = vec![Vec::new()];
    while let Some(directory) = rest.pop() {
        let failed = |e| {
            let path = [mount, &directory].concat();
            fail("list the directory", Path::new(OsStr::from_bytes(&path)), e)
        };
        let inside = directory.strip_prefix(b"/").unwrap_or(b".");
        let dir = beneath(top, inside).map_err(failed)?;
        for entry in Dir::read_from(&dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_bytes();
            if [&b"."[..], b".."].contains(&name) {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => {
                    let stat = rustix::fs::statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW);
                    FileType::from_raw_mode(stat.map_err(failed)?.st_mode)
                }
                known => known,
            };
            let path = [&directory, &b"/"[..], name].concat();
            look(&dir, name, &path, attribute::kind(kind))?;
            if kind == FileType::Directory {
                rest.push(path);
            }
        }
    }
    Ok(found)
}
