// SPDX-License-Identifier: MIT OR Apache-2.0
//! Places in the ring of a metadata area.

use super::label::Area;
use super::mda::{HEADER, MdaError, MdaHeader, RawLocation};
use crate::run::SECTOR;

/// No volume group has more text; a bound on what a damaged header makes us read.
const MAX_TEXT: u64 = 64 << 20;

/// A text does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "LVM metadata of {size} bytes does not fit into a metadata area of {area} bytes: at most {max} bytes do"
)]
pub struct RingError {
    /// Bytes of text.
    pub size: u64,
    /// Bytes of the area.
    pub area: u64,
    /// The most that the area takes, since two texts must fit.
    pub max: u64,
}

/// Where a new text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// First byte, from the start of the metadata area.
    pub offset: u64,
    /// Bytes before the end of the area; the rest stands from byte 512 on.
    pub first: u64,
}

/// The one or two byte ranges of the device that hold the text of `slot`.
pub(super) fn pieces(header: &MdaHeader, slot: &RawLocation) -> Result<Vec<Area>, MdaError> {
    let MdaHeader {
        start, size: area, ..
    } = *header;
    let RawLocation { offset, size, .. } = *slot;
    let wrong = MdaError::Location {
        start,
        offset,
        size,
        area,
    };
    let ring = area.saturating_sub(HEADER);
    if offset < HEADER || offset >= area || size == 0 || size > ring.min(MAX_TEXT) {
        return Err(wrong);
    }
    let first = size.min(area - offset);
    let at = |o: u64| start.checked_add(o).ok_or_else(|| wrong.clone());
    let mut out = vec![Area {
        offset: at(offset)?,
        size: first,
    }];
    if first < size {
        out.push(Area {
            offset: at(HEADER)?,
            size: size - first,
        });
    }
    Ok(out)
}

/// Places a text of `size` bytes after the one that `current` names, as lvm2
/// 2.03 does: on the next 512 bytes after the current text, or at the start of
/// the ring when less than a sector is left. The current text stays whole.
pub(super) fn place(
    area: u64,
    current: Option<&RawLocation>,
    size: u64,
) -> Result<Placement, RingError> {
    let max = (area.saturating_sub(HEADER) / 2).saturating_sub(SECTOR);
    if size == 0 || size > max {
        return Err(RingError { size, area, max });
    }
    let offset = match current {
        Some(c) if !c.is_empty() => {
            let mut end = c.offset.saturating_add(c.size);
            if end > area {
                end = (end - area).saturating_add(HEADER);
            }
            let next = end.next_multiple_of(SECTOR);
            if area.saturating_sub(end) < SECTOR || next > area.saturating_sub(SECTOR) {
                HEADER
            } else {
                next
            }
        }
        _ => HEADER,
    };
    Ok(Placement {
        offset,
        first: size.min(area.saturating_sub(offset)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::Random;

    const AREA: u64 = 1044480;

    fn next(offset: u64, size: u64, new: u64) -> u64 {
        let current = RawLocation {
            offset,
            size,
            ..Default::default()
        };
        place(AREA, Some(&current), new).unwrap().offset
    }

    /// Positions that lvm2 2.03.16 chose over five updates of one volume group.
    #[test]
    fn positions_are_those_of_lvm2() {
        assert_eq!(next(1011200, 8636, 8554), 1019904);
        assert_eq!(next(1019904, 8554, 8506), 1028608);
        assert_eq!(next(1028608, 8506, 8489), 1037312);
        assert_eq!(next(1037312, 8489, 8512), 2048);
        assert_eq!(place(AREA, None, 1613).unwrap().offset, 512);
    }

    #[test]
    fn a_text_that_wraps_is_split_at_the_end_of_the_area() {
        let current = RawLocation {
            offset: 1028608,
            size: 8506,
            ..Default::default()
        };
        let p = place(AREA, Some(&current), 8489).unwrap();
        assert_eq!(
            p,
            Placement {
                offset: 1037312,
                first: 7168
            }
        );
    }

    #[test]
    fn less_than_a_sector_at_the_end_is_skipped() {
        assert_eq!(next(AREA - 1024, 600, 700), HEADER);
        assert_eq!(next(AREA - 2048, 600, 700), AREA - 1024);
        assert_eq!(next(AREA - 2048, 2048, 700), HEADER);
    }

    #[test]
    fn two_texts_must_fit() {
        let max = (AREA - 512) / 2 - 512;
        assert!(place(AREA, None, max).is_ok());
        let e = place(AREA, None, max + 1).unwrap_err();
        assert_eq!(
            e,
            RingError {
                size: max + 1,
                area: AREA,
                max
            }
        );
    }

    /// Whatever the sizes, the new text never touches the one in force.
    #[test]
    fn the_text_in_force_is_never_overwritten() {
        let area = 20480;
        let max = (area - 512) / 2 - 512;
        let mut random = Random(1);
        let mut current = RawLocation::default();
        for _ in 0..20_000 {
            let size = 1 + random.below(max);
            let p = place(area, Some(&current), size).unwrap();
            let cells = |o: u64, s: u64| (0..s).map(move |i| 512 + (o - 512 + i) % (area - 512));
            let mut used = vec![false; area as usize];
            if !current.is_empty() {
                cells(current.offset, current.size).for_each(|c| used[c as usize] = true);
            }
            // The last sector is padded with zeros.
            let padded = size.next_multiple_of(512);
            assert!(
                cells(p.offset, padded).all(|c| !used[c as usize]),
                "{current:?} {p:?}"
            );
            current = RawLocation {
                offset: p.offset,
                size,
                ..Default::default()
            };
        }
    }
}
