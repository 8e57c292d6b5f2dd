// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sets the attributes of directories last, when they are filled.

use super::attributes;
use super::error::{Error, Lost};
use super::root::Root;
use ondisk::pax::Entry;

/// Directories whose owner, mode, attributes and time are set at the end, because
/// files made in them would change the time and inherit a default ACL or the
/// set-group-ID bit.
#[derive(Default)]
pub(super) struct Directories(Vec<Entry>);

impl Directories {
    /// Notes a directory. If it comes twice, the later attributes count.
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
