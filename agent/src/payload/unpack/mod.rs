// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes an archive onto a mounted root, as GNU tar would as root: content,
//! holes, owners, modes, times, attributes, links, devices.
//!
//! Every path is resolved by `openat2` with `RESOLVE_BENEATH` and
//! `RESOLVE_NO_SYMLINKS`, so nothing can be written outside of the root
//! whatever the archive says; a kernel without it (before 5.6) is refused.
//! What is in the way is replaced, so that a second run over a half-written
//! tree gives the same tree as a first one.

mod attributes;
mod directories;
mod error;
mod root;
mod writer;

pub use error::{Error, Lost};

use super::stream;
use super::xz::Limits;
use super::{Payload, Progress};
use ondisk::pax::Totals;
use std::path::Path;
use writer::Writer;

/// How to unpack.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub decoder: Limits,
    /// What the manifest says the archive holds at most (its `entries` and
    /// `bytes`); more is an error, raised before it is written.
    pub at_most: Option<Totals>,
}

/// What was unpacked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    pub totals: Totals,
    /// Attributes that the file system cannot hold, the first hundred.
    pub lost: Vec<Lost>,
}

/// Unpacks the payload below the directory `root`, where all file systems of
/// the new system are mounted, and waits until it is on the disk. `progress`
/// is called for every piece of data; it should be quick.
pub fn unpack(
    payload: &Payload,
    root: &Path,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary, Error> {
    let mut writer = Writer::new(root, options.at_most)?;
    stream::read(payload, options.decoder, progress, |event| {
        crate::stop::check()?;
        writer.event(event)
    })?;
    writer.finish()
}
