// SPDX-License-Identifier: MIT OR Apache-2.0
//! Volume group to disk: which bytes go where, in which order.

use super::encode::encode;
use super::label::{Area, EXTENSION_USED, EXTENSION_VERSION, Label};
use super::mda::{HEADER, MdaHeader, RawLocation};
use super::ring::{RingError, pieces, place};
use super::uuid::Uuid;
use super::vg::VolumeGroup;
use crate::checksum::lvm2;
use crate::run::{SECTOR, SECTOR_LEN};

/// Where lvm2 puts the first metadata area.
const MDA_START: u64 = 4096;
/// Sector of the label.
const LABEL_SECTOR: u64 = 1;
/// What is cleared at the start of a new physical volume: room of the labels,
/// of older signatures, and of the metadata area's header.
const CLEARED: usize = 8192;

/// One step of a change. `pv` is the index of the device; offsets are bytes.
/// Writes and their offsets are whole sectors of 512 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Write `bytes` at `offset`.
    Write {
        /// The device.
        pv: usize,
        /// First byte.
        offset: u64,
        /// What to write.
        bytes: Vec<u8>,
    },
    /// Wait until everything is on all devices, caches of the drives included.
    Flush,
}

/// A metadata area that takes part in a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PvTarget {
    /// Index of the device.
    pub pv: usize,
    /// The area's header as it was read.
    pub header: MdaHeader,
}

/// Why a group cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The text is too long.
    #[error("volume group {vg}: {source}")]
    Ring {
        /// The group.
        vg: String,
        /// Why.
        source: RingError,
    },
    /// The extents leave no room for a metadata area.
    #[error(
        "physical volume {pv} ({uuid}): its extents begin at sector {pe_start}, which leaves no room for metadata"
    )]
    NoRoom {
        /// The section.
        pv: String,
        /// The identifier.
        uuid: Uuid,
        /// First sector of the extents.
        pe_start: u64,
    },
    /// The label's lists are too long, which cannot be with one area.
    #[error(transparent)]
    Label(#[from] super::label::LabelError),
    /// An area that does not consist of whole sectors.
    #[error(
        "volume group {vg}: the metadata area at byte {start} has {size} bytes, not whole sectors"
    )]
    Unaligned {
        /// The group.
        vg: String,
        /// Start of the area.
        start: u64,
        /// Its bytes.
        size: u64,
    },
    /// The header of an area names a place that no text can have.
    #[error("volume group {vg}: {source}")]
    Area {
        /// The group.
        vg: String,
        /// What is wrong.
        source: super::mda::MdaError,
    },
    /// Not as many sizes as there are physical volumes.
    #[error("volume group {vg} has {pvs} physical volumes, {sizes} sizes of devices are given")]
    Sizes {
        /// The group.
        vg: String,
        /// Physical volumes.
        pvs: usize,
        /// Sizes.
        sizes: usize,
    },
    /// No area to write to.
    #[error("volume group {vg} has no metadata area that could be written")]
    NoArea {
        /// The group.
        vg: String,
    },
    /// The group contradicts itself.
    #[error("volume group {vg}: {problem}")]
    Problem {
        /// The group.
        vg: String,
        /// What is wrong.
        problem: super::check::Problem,
    },
}

/// The steps that make new physical volumes and a group of them.
///
/// `sizes` are the bytes of the devices of `vg.pvs`, in that order; one on which
/// the extents do not fit is refused. First come
/// labels of orphans and empty headers, then the text, then the headers that
/// name it, then the labels' "used" flag; a flush after each. A crash on the
/// way leaves orphans or the whole group.
pub fn create(vg: &VolumeGroup, sizes: &[u64]) -> Result<Vec<Step>, WriteError> {
    if let Some(problem) = vg.problems().into_iter().next() {
        return Err(WriteError::Problem {
            vg: vg.name.clone(),
            problem,
        });
    }
    if vg.pvs.len() != sizes.len() {
        return Err(WriteError::Sizes {
            vg: vg.name.clone(),
            pvs: vg.pvs.len(),
            sizes: sizes.len(),
        });
    }
    let mut labels = Vec::new();
    let mut targets = Vec::new();
    let mut steps = Vec::new();
    for (i, (pv, size)) in vg.pvs.iter().zip(sizes).enumerate() {
        let data = pv.pe_start.saturating_mul(SECTOR);
        let mda_size = data.saturating_sub(MDA_START);
        if mda_size < CLEARED as u64 {
            let (name, uuid, pe_start) = (pv.section.clone(), pv.id, pv.pe_start);
            return Err(WriteError::NoRoom {
                pv: name,
                uuid,
                pe_start,
            });
        }
        let label = Label {
            sector: LABEL_SECTOR,
            uuid: pv.id,
            device_size: *size,
            data_areas: vec![Area {
                offset: data,
                size: 0,
            }],
            metadata_areas: vec![Area {
                offset: MDA_START,
                size: mda_size,
            }],
            extension_version: EXTENSION_VERSION,
            extension_flags: 0,
            bootloader_areas: Vec::new(),
        };
        if let Some(problem) = vg.device_problems(pv, &label, *size).into_iter().next() {
            return Err(WriteError::Problem {
                vg: vg.name.clone(),
                problem,
            });
        }
        let empty = RawLocation::default();
        let header = MdaHeader {
            start: MDA_START,
            size: mda_size,
            committed: empty,
            precommitted: empty,
        };
        let mut head = vec![0u8; SECTOR_LEN];
        head.extend_from_slice(&label.encode()?);
        head.resize(MDA_START as usize, 0);
        head.extend_from_slice(&header.encode());
        head.resize(CLEARED, 0);
        steps.push(Step::Write {
            pv: i,
            offset: 0,
            bytes: head,
        });
        labels.push(label);
        targets.push(PvTarget { pv: i, header });
    }
    steps.push(Step::Flush);
    steps.extend(commit(vg, &targets, false)?);
    for (pv, label) in labels.iter_mut().enumerate() {
        label.extension_flags = EXTENSION_USED;
        let bytes = label.encode()?.to_vec();
        steps.push(Step::Write {
            pv,
            offset: LABEL_SECTOR * SECTOR,
            bytes,
        });
    }
    steps.push(Step::Flush);
    Ok(steps)
}

/// The steps that replace a group's metadata by a newer generation; `vg.seqno`
/// must already be one more. Areas that are ignored are left alone.
///
/// Text, flush, headers with the text as precommitted, flush, headers with the
/// text as committed, flush: a crash leaves the old or the new group.
pub fn next_generation(vg: &VolumeGroup, targets: &[PvTarget]) -> Result<Vec<Step>, WriteError> {
    if let Some(problem) = vg.problems().into_iter().next() {
        return Err(WriteError::Problem {
            vg: vg.name.clone(),
            problem,
        });
    }
    commit(vg, targets, true)
}

fn commit(
    vg: &VolumeGroup,
    targets: &[PvTarget],
    precommit: bool,
) -> Result<Vec<Step>, WriteError> {
    let text = encode(vg);
    let (size, sum) = (text.len() as u64, lvm2(&text));
    let mut steps = Vec::new();
    let mut headers = Vec::new();
    for target in targets.iter().filter(|t| !t.header.committed.is_ignored()) {
        let (pv, header) = (target.pv, target.header);
        let MdaHeader {
            start, size: area, ..
        } = header;
        if !area.is_multiple_of(SECTOR) || !start.is_multiple_of(SECTOR) {
            // Padding to whole sectors would reach into the extents.
            return Err(WriteError::Unaligned {
                vg: vg.name.clone(),
                start,
                size: area,
            });
        }
        if !header.committed.is_empty() {
            // Only a valid place can be kept free.
            pieces(&header, &header.committed).map_err(|source| WriteError::Area {
                vg: vg.name.clone(),
                source,
            })?;
        }
        let placed = place(header.size, Some(&header.committed), size).map_err(|source| {
            WriteError::Ring {
                vg: vg.name.clone(),
                source,
            }
        })?;
        let first = usize::try_from(placed.first)
            .unwrap_or(usize::MAX)
            .min(text.len());
        let (a, b) = text.split_at_checked(first).unwrap_or((&text, &[]));
        for (offset, part) in [(placed.offset, a), (HEADER, b)] {
            if !part.is_empty() {
                let mut bytes = part.to_vec();
                bytes.resize(bytes.len().next_multiple_of(SECTOR_LEN), 0);
                steps.push(Step::Write {
                    pv,
                    offset: header.start.saturating_add(offset),
                    bytes,
                });
            }
        }
        headers.push((
            pv,
            header,
            RawLocation {
                offset: placed.offset,
                size,
                crc: sum,
                flags: 0,
            },
        ));
    }
    if headers.is_empty() {
        return Err(WriteError::NoArea {
            vg: vg.name.clone(),
        });
    }
    steps.push(Step::Flush);
    let mut each = |slot: &dyn Fn(MdaHeader, RawLocation) -> MdaHeader| {
        steps.extend(headers.iter().map(|(pv, header, new)| Step::Write {
            pv: *pv,
            offset: header.start,
            bytes: slot(*header, *new).encode().to_vec(),
        }));
        steps.push(Step::Flush);
    };
    if precommit {
        each(&|header, new| MdaHeader {
            precommitted: new,
            ..header
        });
    }
    each(&|header, new| MdaHeader {
        committed: new,
        precommitted: RawLocation::default(),
        ..header
    });
    Ok(steps)
}
