// SPDX-License-Identifier: MIT OR Apache-2.0
//! Allocated pieces as the metadata has them.

use super::alloc::Piece;
use super::vg::{PhysicalVolume, Segment, SegmentKind, Stripe};

/// Linear segments of a volume, from its extent `start_extent` on.
pub(super) fn segments(
    pieces: &[Piece],
    pvs: &[PhysicalVolume],
    mut start_extent: u64,
) -> Vec<Segment> {
    let mut segments = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let on = pvs
            .get(piece.pv)
            .map(|pv| pv.section.clone())
            .unwrap_or_default();
        segments.push(Segment {
            start_extent,
            extent_count: piece.count,
            tags: Vec::new(),
            kind: SegmentKind::Striped {
                stripe_size: 0,
                stripes: vec![Stripe {
                    on,
                    extent: piece.start,
                }],
            },
        });
        start_extent = start_extent.saturating_add(piece.count);
    }
    segments
}
