// SPDX-License-Identifier: MIT OR Apache-2.0
//! A look through the whole archive without unpacking it: everything that
//! could go wrong while reading it goes wrong here, before anything on the
//! disk has changed.
use super::stream;
use super::xz::Limits;
use super::{Payload, Progress, StreamError};
use ondisk::pax::{Entry, Event, Kind, Totals};
use std::collections::BTreeMap;

/// The most bytes of one file that are kept.
pub const MAX_KEPT: u64 = 1 << 20;

/// What the archive holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Survey {
    /// Its size.
    pub totals: Totals,
    /// The content of the files that were asked for, by path; of a file that
    /// comes twice the last one, as when it is unpacked.
    pub files: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// Reads the whole archive and verifies every check. `keep` sees every member
/// and says whether its content is wanted (regular files of up to
/// [`MAX_KEPT`] bytes; bigger ones are not kept).
pub fn survey(
    payload: &Payload,
    limits: Limits,
    keep: &mut dyn FnMut(&Entry) -> bool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Survey, StreamError> {
    let mut survey = Survey::default();
    let mut current: Option<(Vec<u8>, usize, Vec<u8>)> = None;
    stream::read(payload, limits, progress, |event| {
        match event {
            Event::Entry(entry) => {
                survey.totals.add(&entry);
                let wanted = keep(&entry);
                if let (
                    true,
                    Kind::File {
                        size: size @ 0..=MAX_KEPT,
                        ..
                    },
                ) = (wanted, entry.kind)
                {
                    current = Some((entry.path, size as usize, Vec::new()));
                }
            }
            Event::Data { offset, bytes } => {
                if let Some((_, _, content)) = &mut current {
                    // Below `MAX_KEPT`; what lies in between is a hole.
                    content.resize(offset as usize, 0);
                    content.extend_from_slice(bytes);
                }
            }
            Event::EntryEnd => {
                if let Some((path, size, mut content)) = current.take() {
                    content.resize(size, 0);
                    survey.files.insert(path, content);
                }
            }
            Event::End => {}
        }
        Ok::<(), StreamError>(())
    })?;
    Ok(survey)
}
