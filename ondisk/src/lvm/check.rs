// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checks that the numbers of a group make sense, which lvm2 takes on trust.

use std::ops::Range;

use super::label::{Area, Label};
use super::text::Value;
use super::uuid::Uuid;
use super::vg::{PhysicalVolume, SegmentKind, VolumeGroup};

/// Something in the metadata that contradicts itself or the device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Two volumes have one identifier.
    #[error("two volumes have the identifier {0}")]
    DuplicateUuid(Uuid),
    /// A volume's segments leave a gap or overlap.
    #[error(
        "logical volume {lv}: a segment begins at extent {found}, the one before ends at {expected}"
    )]
    SegmentOrder {
        /// The volume.
        lv: String,
        /// `start_extent` of the segment.
        found: u64,
        /// Where the one before ends.
        expected: u64,
    },
    /// A segment's extents cannot be split over its legs.
    #[error(
        "logical volume {lv}: {extents} extents cannot be split into {stripes} stripes of {stripe_size} sectors"
    )]
    Stripes {
        /// The volume.
        lv: String,
        /// Extents of the segment.
        extents: u64,
        /// Legs.
        stripes: usize,
        /// Sectors of a stripe.
        stripe_size: u64,
    },
    /// A stripe stands on something that is not there.
    #[error("logical volume {lv} stands on \"{on}\", which the group has not")]
    UnknownStripe {
        /// The volume.
        lv: String,
        /// What it stands on.
        on: String,
    },
    /// A volume uses extents behind the end of a physical volume.
    #[error("logical volume {lv} ends at extent {end} of {pv}, which has {pe_count}")]
    BeyondPv {
        /// The volume.
        lv: String,
        /// The physical volume's section.
        pv: String,
        /// End of the extents it uses.
        end: u64,
        /// Extents of the physical volume.
        pe_count: u64,
    },
    /// Two volumes use the same extents.
    #[error("logical volumes {first} and {second} both use extent {extent} of {pv}")]
    Overlap {
        /// The physical volume's section.
        pv: String,
        /// First extent that both use.
        extent: u64,
        /// A volume.
        first: String,
        /// Another one, or the same.
        second: String,
    },
    /// A physical volume's extents do not fit onto its device.
    #[error(
        "physical volume {pv} ({uuid}) needs {needed} bytes, its device has {size}: cut short?"
    )]
    DeviceTooSmall {
        /// The physical volume's section.
        pv: String,
        /// Its identifier.
        uuid: Uuid,
        /// Bytes up to the end of the last extent.
        needed: u64,
        /// Bytes of the device.
        size: u64,
    },
    /// Extents and metadata share bytes of a device.
    #[error("physical volume {pv} ({uuid}): its extents overlap the metadata area at byte {mda}")]
    MetadataOverlap {
        /// The physical volume's section.
        pv: String,
        /// Its identifier.
        uuid: Uuid,
        /// Start of the metadata area.
        mda: u64,
    },
    /// Numbers that are beyond all devices.
    #[error("{what}: a number is beyond what any device has")]
    Overflow {
        /// The volume.
        what: String,
    },
}

/// Extents of a physical volume that a logical one uses.
struct Used<'a> {
    pv: &'a str,
    start: u64,
    end: u64,
    lv: &'a str,
}

impl VolumeGroup {
    /// Everything in the text that contradicts itself. A group with problems
    /// must not be activated or changed.
    pub fn problems(&self) -> Vec<Problem> {
        let mut out = Vec::new();
        let mut ids: Vec<Uuid> = self.pvs.iter().map(|p| p.id).collect();
        let mut lv_ids: Vec<Uuid> = self.lvs.iter().map(|l| l.id).collect();
        for ids in [&mut ids, &mut lv_ids] {
            ids.sort_unstable();
            for pair in ids.windows(2) {
                if let [a, b] = pair
                    && a == b
                {
                    out.push(Problem::DuplicateUuid(*a));
                }
            }
        }
        let beyond = self.pvs.iter().filter(|pv| self.extents(pv).is_none());
        out.extend(beyond.map(|pv| Problem::Overflow {
            what: format!("physical volume {}", pv.section),
        }));
        let mut used = Vec::new();
        for lv in &self.lvs {
            let mut expected = 0u64;
            for seg in &lv.segments {
                if seg.start_extent != expected {
                    let found = seg.start_extent;
                    out.push(Problem::SegmentOrder {
                        lv: lv.name.clone(),
                        found,
                        expected,
                    });
                }
                match seg.start_extent.checked_add(seg.extent_count) {
                    Some(end) if end.checked_mul(self.extent_size).is_some() => expected = end,
                    _ => {
                        out.push(Problem::Overflow {
                            what: format!("logical volume {}", lv.name),
                        });
                        break;
                    }
                }
                self.legs(&lv.name, &seg.kind, seg.extent_count, &mut used, &mut out);
            }
        }
        self.overlaps(used, &mut out);
        out
    }

    fn legs<'a>(
        &'a self,
        lv: &'a str,
        kind: &'a SegmentKind,
        extents: u64,
        used: &mut Vec<Used<'a>>,
        out: &mut Vec<Problem>,
    ) {
        let mut add = |on: &'a str, start: u64, count: u64, out: &mut Vec<Problem>| {
            let Some(pv) = self.pv(on) else {
                if self.lv(on).is_none() {
                    out.push(Problem::UnknownStripe {
                        lv: lv.to_owned(),
                        on: on.to_owned(),
                    });
                }
                return;
            };
            let end = start.saturating_add(count);
            if end > pv.pe_count {
                let (lv, pv_name) = (lv.to_owned(), on.to_owned());
                out.push(Problem::BeyondPv {
                    lv,
                    pv: pv_name,
                    end,
                    pe_count: pv.pe_count,
                });
            } else {
                used.push(Used {
                    pv: on,
                    start,
                    end,
                    lv,
                });
            }
        };
        match kind {
            SegmentKind::Striped {
                stripe_size,
                stripes,
            } => {
                let legs = stripes.len() as u64;
                let per_leg = extents.checked_div(legs).unwrap_or(0);
                let whole = per_leg.checked_mul(legs) == Some(extents);
                let chunks = legs == 1
                    || (*stripe_size > 0
                        && per_leg
                            .saturating_mul(self.extent_size)
                            .is_multiple_of(*stripe_size));
                if !whole || !chunks {
                    out.push(Problem::Stripes {
                        lv: lv.to_owned(),
                        extents,
                        stripes: stripes.len(),
                        stripe_size: *stripe_size,
                    });
                }
                for s in stripes {
                    add(&s.on, s.extent, per_leg, out);
                }
            }
            // A mirror on physical volumes: that of a pvmove under way.
            SegmentKind::Other { params, .. } => {
                if let Some(Value::List(list)) = params.value("mirrors") {
                    for pair in list.chunks_exact(2) {
                        if let [Value::Text(on), Value::Int(extent)] = pair
                            && self.lv(on).is_none()
                        {
                            add(on, u64::try_from(*extent).unwrap_or(u64::MAX), extents, out);
                        }
                    }
                }
            }
            SegmentKind::Zero | SegmentKind::Error => {}
        }
    }

    fn overlaps(&self, mut used: Vec<Used<'_>>, out: &mut Vec<Problem>) {
        used.sort_by(|a, b| (a.pv, a.start, a.end).cmp(&(b.pv, b.start, b.end)));
        let mut last: Option<&Used<'_>> = None;
        for u in &used {
            if let Some(l) = last
                && l.pv == u.pv
                && u.start < l.end
            {
                out.push(Problem::Overlap {
                    pv: u.pv.to_owned(),
                    extent: u.start,
                    first: l.lv.to_owned(),
                    second: u.lv.to_owned(),
                });
            }
            if last.is_none_or(|l| l.pv != u.pv || u.end > l.end) {
                last = Some(u);
            }
        }
    }

    /// The bytes of its device that a physical volume's extents are.
    fn extents(&self, pv: &PhysicalVolume) -> Option<Range<u64>> {
        let start = pv.pe_start.checked_mul(512)?;
        let sectors = pv.pe_count.checked_mul(self.extent_size)?;
        Some(start..start.checked_add(sectors.checked_mul(512)?)?)
    }

    /// Whether the physical volume fits onto its device of `size` bytes, beside
    /// the areas that its label names.
    pub fn device_problems(&self, pv: &PhysicalVolume, label: &Label, size: u64) -> Vec<Problem> {
        let (name, uuid) = (pv.section.clone(), pv.id);
        let Some(Range { start, end }) = self.extents(pv) else {
            return vec![Problem::Overflow {
                what: format!("physical volume {name}"),
            }];
        };
        let mut out = Vec::new();
        if end > size {
            let pv = name.clone();
            out.push(Problem::DeviceTooSmall {
                pv,
                uuid,
                needed: end,
                size,
            });
        }
        for Area { offset, size } in &label.metadata_areas {
            if *offset < end && offset.saturating_add(*size) > start {
                out.push(Problem::MetadataOverlap {
                    pv: name.clone(),
                    uuid,
                    mda: *offset,
                });
            }
        }
        out
    }
}
