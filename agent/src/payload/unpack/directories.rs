// SPDX-License-Identifier: MIT OR Apache-2.0
//! Directories get their attributes last, when all is in them.

use super::attributes;
use super::error::{Error, Lost};
use super::root::Root;
use ondisk::pax::Entry;

/// Directories whose owner, mode, attributes and time are set at the end:
/// what is made in them changes their time, a default ACL would go over to
/// it, and a set-group-ID bit, too.
#[derive(Default)]
pub(super) struct Directories(Vec<Entry>);

impl Directories {
    /// Notes a directory. One that comes twice gets what came last.
    pub(super) fn push(&mut self, entry: Entry) {
        self.0.push(entry);
    }

    /// Forgets a directory that something else has replaced.
    pub(super) fn forget(&mut self, path: &[u8]) {
        self.0.retain(|entry| entry.path != path);
    }

    /// Sets everything.
    pub(super) fn finish(mut self, root: &mut Root, lost: &mut Vec<Lost>) -> Result<(), Error> {
        // The same paths come together, still in the order of the archive.
        self.0.sort_by(|one, other| one.path.cmp(&other.path));
        let same = self.0.chunk_by(|one, other| one.path == other.path);
        for entry in same.filter_map(<[Entry]>::last) {
            let dir = root.directory(&entry.path)?;
            attributes::set_open(&dir, entry, lost)?;
        }
        Ok(())
    }
}
