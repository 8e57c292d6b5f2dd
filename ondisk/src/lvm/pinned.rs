// SPDX-License-Identifier: MIT OR Apache-2.0
//! The volume that owns the protected extents, so that no program of the new
//! system allocates them; and how it is dissolved.

use super::alloc::Piece;
use super::refusal::Refusal;
use super::segments::segments;
use super::vg::{SegmentKind, VolumeGroup};

/// Name of the volume of the extents that [`PvPlan::avoid`](super::PvPlan::avoid)
/// names. It is read-only and nothing mounts it.
pub const PINNED: &str = "replant-pinned";

/// Why the pinned extents cannot be given to a volume.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// Not there.
    #[error("volume group {vg} has no logical volume {lv}")]
    NoVolume {
        /// The group.
        vg: String,
        /// The volume.
        lv: String,
    },
    /// One of the two volumes is not plain.
    #[error("logical volume {lv} of volume group {vg} cannot take part: {source}")]
    Refused {
        /// The group.
        vg: String,
        /// The volume.
        lv: String,
        /// What it is.
        source: Box<Refusal>,
    },
    /// A volume that would get its own extents, or a segment that is no piece
    /// of one physical volume.
    #[error("logical volume {lv} of volume group {vg} is not what replant made")]
    NotOurs {
        /// The group.
        vg: String,
        /// The volume.
        lv: String,
    },
    /// No generation after this one.
    #[error("volume group {vg} has generation {seqno}, there is no higher one")]
    LastGeneration {
        /// The group.
        vg: String,
        /// Its generation.
        seqno: u32,
    },
}

/// The next generation of a group, for [`next_generation`](super::next_generation):
/// without the volume [`PINNED`], whose extents follow the last ones of the
/// volume `into`. What `into` holds stays where it is.
///
/// # Errors
/// Volumes that are missing or are not plain.
pub fn release_pinned(vg: &VolumeGroup, into: &str) -> Result<VolumeGroup, ReleaseError> {
    let name = || vg.name.clone();
    for lv in [PINNED, into] {
        let found = vg.lv(lv).ok_or_else(|| ReleaseError::NoVolume {
            vg: name(),
            lv: lv.to_owned(),
        })?;
        if let Some(source) = vg.refusal(found) {
            return Err(ReleaseError::Refused {
                vg: name(),
                lv: lv.to_owned(),
                source: Box::new(source),
            });
        }
    }
    let not_ours = || ReleaseError::NotOurs {
        vg: name(),
        lv: PINNED.to_owned(),
    };
    if into == PINNED {
        return Err(not_ours());
    }
    let mut next = vg.clone();
    let seqno = next.seqno.checked_add(1);
    next.seqno = seqno.ok_or_else(|| ReleaseError::LastGeneration {
        vg: name(),
        seqno: vg.seqno,
    })?;
    let pinned = vg.lv(PINNED).into_iter().flat_map(|lv| &lv.segments);
    let mut pieces = Vec::new();
    for segment in pinned {
        let SegmentKind::Striped { stripes, .. } = &segment.kind else {
            return Err(not_ours());
        };
        let [stripe] = stripes.as_slice() else {
            return Err(not_ours());
        };
        let pv = vg.pvs.iter().position(|pv| pv.section == stripe.on);
        pieces.push(Piece {
            pv: pv.ok_or_else(not_ours)?,
            start: stripe.extent,
            count: segment.extent_count,
        });
    }
    next.lvs.retain(|lv| lv.name != PINNED);
    for lv in next.lvs.iter_mut().filter(|lv| lv.name == into) {
        let start = lv.extents();
        lv.segments.extend(segments(&pieces, &vg.pvs, start));
    }
    Ok(next)
}
