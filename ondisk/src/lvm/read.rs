// SPDX-License-Identifier: MIT OR Apache-2.0
//! Everything that one device says about volume groups.

use super::decode::decode;
use super::label::{Area, LABEL_SCAN_SECTORS, Label, LabelError};
use super::mda::{HEADER, MdaError, MdaHeader};
use super::ring::pieces;
use super::vg::VolumeGroup;
use crate::checksum::lvm2;
use crate::run::SECTOR_LEN;

/// A device with a label.
#[derive(Debug, Clone, PartialEq)]
pub struct PvRead {
    /// The label.
    pub label: Label,
    /// The metadata areas, in the label's order.
    pub areas: Vec<MdaRead>,
}

/// A metadata area.
#[derive(Debug, Clone, PartialEq)]
pub struct MdaRead {
    /// Where the label says it is.
    pub area: Area,
    /// Its header, where that is valid.
    pub header: Option<MdaHeader>,
    /// What it holds.
    pub state: MdaState,
}

/// What a metadata area holds.
#[derive(Debug, Clone, PartialEq)]
pub enum MdaState {
    /// No text: an orphan, or a group that was removed.
    Empty,
    /// The area is marked as ignored: the text is on other physical volumes.
    Ignored,
    /// A valid text.
    Group(Box<VolumeGroup>),
    /// Damage. Other areas may be whole.
    Damaged(MdaError),
}

impl PvRead {
    /// The texts that are valid.
    pub fn groups(&self) -> impl Iterator<Item = &VolumeGroup> {
        self.areas.iter().filter_map(|a| match &a.state {
            MdaState::Group(vg) => Some(vg.as_ref()),
            _ => None,
        })
    }

    /// The damage found.
    pub fn damage(&self) -> impl Iterator<Item = &MdaError> {
        self.areas.iter().filter_map(|a| match &a.state {
            MdaState::Damaged(e) => Some(e),
            _ => None,
        })
    }
}

/// Reads label and metadata of a device.
///
/// `read(offset, length)` gives bytes of the device; fewer than `length` only
/// where the device ends. `Ok(Ok(None))`: no label. The outer error is
/// `read`'s; the inner one a label that claims to be one and is damaged.
/// Every text's checksum is verified before the text is looked at.
pub fn read_pv<E>(
    mut read: impl FnMut(u64, usize) -> Result<Vec<u8>, E>,
) -> Result<Result<Option<PvRead>, LabelError>, E> {
    let head = read(0, LABEL_SCAN_SECTORS * SECTOR_LEN)?;
    let label = match Label::find(&head) {
        Ok(Some(label)) => label,
        Ok(None) => return Ok(Ok(None)),
        Err(e) => return Ok(Err(e)),
    };
    let mut areas = Vec::with_capacity(label.metadata_areas.len());
    for area in &label.metadata_areas {
        areas.push(read_area(*area, &mut read)?);
    }
    Ok(Ok(Some(PvRead { label, areas })))
}

fn read_area<E>(
    area: Area,
    read: &mut impl FnMut(u64, usize) -> Result<Vec<u8>, E>,
) -> Result<MdaRead, E> {
    let damaged = |header, e| MdaRead {
        area,
        header,
        state: MdaState::Damaged(e),
    };
    let header = match MdaHeader::decode(&read(area.offset, HEADER as usize)?, area.offset) {
        Ok(header) => header,
        Err(e) => return Ok(damaged(None, e)),
    };
    let slot = header.committed;
    let done = |state| {
        Ok(MdaRead {
            area,
            header: Some(header),
            state,
        })
    };
    if slot.is_ignored() {
        return done(MdaState::Ignored);
    }
    if slot.is_empty() {
        return done(MdaState::Empty);
    }
    let parts = match pieces(&header, &slot) {
        Ok(parts) => parts,
        Err(e) => return Ok(damaged(Some(header), e)),
    };
    let mut text = Vec::new();
    for part in parts {
        let Ok(size) = usize::try_from(part.size) else {
            return Ok(damaged(
                Some(header),
                MdaError::Short { start: area.offset },
            ));
        };
        let bytes = read(part.offset, size)?;
        if bytes.len() != size {
            return Ok(damaged(
                Some(header),
                MdaError::Short { start: area.offset },
            ));
        }
        text.extend_from_slice(&bytes);
    }
    let computed = lvm2(&text);
    if computed != slot.crc {
        let e = MdaError::TextCrc {
            start: area.offset,
            found: slot.crc,
            computed,
        };
        return Ok(damaged(Some(header), e));
    }
    match decode(&text) {
        Ok(vg) => done(MdaState::Group(Box::new(vg))),
        Err(source) => Ok(damaged(
            Some(header),
            MdaError::Decode {
                start: area.offset,
                source,
            },
        )),
    }
}
