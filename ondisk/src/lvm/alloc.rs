// SPDX-License-Identifier: MIT OR Apache-2.0
//! Extents for new linear volumes.

use std::ops::Range;

/// How big a volume is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LvSize {
    /// Bytes, rounded up to whole extents.
    Bytes(u64),
    /// All that the others leave; one volume at most.
    Rest,
}

/// A volume that wants extents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its name, for errors.
    pub name: String,
    /// Its size.
    pub size: LvSize,
}

/// A physical volume's extents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PvSpace {
    /// Sector (of 512 bytes) of the first extent.
    pub pe_start: u64,
    /// Extents.
    pub pe_count: u64,
    /// Bytes of the device that must not be touched. An extent that shares a
    /// single byte with one of them is left free.
    pub avoid: Vec<Range<u64>>,
}

/// Consecutive extents of one physical volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Index of the physical volume.
    pub pv: usize,
    /// First extent.
    pub start: u64,
    /// Extents.
    pub count: u64,
}

/// Why the volumes do not fit. Numbers are bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AllocError {
    /// Not enough extents.
    #[error(
        "logical volumes need {needed} bytes ({volumes}), the volume group has {free} free ({avoided} of its {total} bytes are kept)"
    )]
    NoSpace {
        /// What the volumes of fixed size need, rounded up to extents.
        needed: u64,
        /// Each volume with its size.
        volumes: String,
        /// Free bytes.
        free: u64,
        /// Bytes that must be avoided, rounded to extents.
        avoided: u64,
        /// All bytes of the group.
        total: u64,
    },
    /// Nothing is left for the volume that takes the rest.
    #[error(
        "nothing is left for the logical volume {name}: the others take all of the {free} free bytes"
    )]
    NoRest {
        /// The volume.
        name: String,
        /// Free bytes.
        free: u64,
    },
    /// Two volumes want the rest.
    #[error("logical volumes {first} and {second} both ask for the rest of the volume group")]
    TwoRests {
        /// One.
        first: String,
        /// The other.
        second: String,
    },
    /// A size of zero.
    #[error("logical volume {name} has the size 0")]
    Empty {
        /// The volume.
        name: String,
    },
    /// Numbers that are beyond all devices.
    #[error("sizes of the volume group are beyond what any device has")]
    Overflow,
}

/// Gives extents to volumes in the order given: first fit from the start of
/// the first physical volume, in as few pieces as the avoided ranges allow.
/// `extent_size` is in sectors. The result has the pieces of each request.
pub fn allocate(
    extent_size: u64,
    pvs: &[PvSpace],
    requests: &[Request],
) -> Result<Vec<Vec<Piece>>, AllocError> {
    let extent = extent_size
        .checked_mul(512)
        .filter(|n| *n > 0)
        .ok_or(AllocError::Overflow)?;
    let mut free = Vec::new();
    for (i, pv) in pvs.iter().enumerate() {
        free_runs(i, pv, extent, &mut free)?;
    }
    let free_count = sum(free.iter().map(|p| p.count))?;
    let total = sum(pvs.iter().map(|p| p.pe_count))?;
    let bytes = |extents: u64| extents.saturating_mul(extent);

    let mut rest_name: Option<&str> = None;
    let mut counts = Vec::with_capacity(requests.len());
    for r in requests {
        counts.push(match r.size {
            LvSize::Bytes(0) => {
                return Err(AllocError::Empty {
                    name: r.name.clone(),
                });
            }
            LvSize::Bytes(n) => Some(n.div_ceil(extent)),
            LvSize::Rest => {
                if let Some(first) = rest_name.replace(&r.name) {
                    let (first, second) = (first.to_owned(), r.name.clone());
                    return Err(AllocError::TwoRests { first, second });
                }
                None
            }
        });
    }
    let fixed = sum(counts.iter().flatten().copied())?;
    let rest = free_count.checked_sub(fixed).ok_or_else(|| {
        let sized = requests.iter().zip(&counts);
        let volumes: Vec<String> = sized
            .filter_map(|(r, n)| n.map(|n| format!("{} {}", r.name, bytes(n))))
            .collect();
        AllocError::NoSpace {
            needed: bytes(fixed),
            volumes: volumes.join(", "),
            free: bytes(free_count),
            avoided: bytes(total.saturating_sub(free_count)),
            total: bytes(total),
        }
    })?;
    if let Some(name) = rest_name.filter(|_| rest == 0) {
        return Err(AllocError::NoRest {
            name: name.to_owned(),
            free: bytes(free_count),
        });
    }

    let mut runs = free.into_iter();
    let mut run = runs.next();
    let mut out = Vec::with_capacity(counts.len());
    for count in counts {
        let mut want = count.unwrap_or(rest);
        let mut pieces = Vec::new();
        while want > 0 {
            let Some(r) = run.as_mut() else {
                return Err(AllocError::Overflow);
            };
            let take = want.min(r.count);
            pieces.push(Piece {
                pv: r.pv,
                start: r.start,
                count: take,
            });
            r.start += take;
            r.count -= take;
            want -= take;
            if r.count == 0 {
                run = runs.next();
            }
        }
        out.push(pieces);
    }
    Ok(out)
}

fn sum(mut numbers: impl Iterator<Item = u64>) -> Result<u64, AllocError> {
    numbers
        .try_fold(0u64, |a, n| a.checked_add(n))
        .ok_or(AllocError::Overflow)
}

/// The extents of a physical volume that share a byte with what must not be
/// touched, in order and joined.
fn kept(pv: &PvSpace, extent: u64) -> Result<Vec<Range<u64>>, AllocError> {
    let base = pv.pe_start.checked_mul(512).ok_or(AllocError::Overflow)?;
    let size = pv
        .pe_count
        .checked_mul(extent)
        .ok_or(AllocError::Overflow)?;
    base.checked_add(size).ok_or(AllocError::Overflow)?;
    let mut kept: Vec<Range<u64>> = pv
        .avoid
        .iter()
        .filter(|r| r.start < r.end)
        .map(|r| {
            let first = r.start.saturating_sub(base) / extent;
            let end = r.end.saturating_sub(base).div_ceil(extent);
            first.min(pv.pe_count)..end.min(pv.pe_count)
        })
        .filter(|r| r.start < r.end)
        .collect();
    kept.sort_unstable_by_key(|r| r.start);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in kept {
        match joined.last_mut() {
            Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    Ok(joined)
}

/// The extents that [`allocate`] leaves out, as pieces of a volume of their
/// own. `extent_size` is in sectors.
pub(super) fn kept_pieces(extent_size: u64, pvs: &[PvSpace]) -> Result<Vec<Piece>, AllocError> {
    let extent = extent_size.checked_mul(512).filter(|n| *n > 0);
    let extent = extent.ok_or(AllocError::Overflow)?;
    let mut pieces = Vec::new();
    for (i, pv) in pvs.iter().enumerate() {
        pieces.extend(kept(pv, extent)?.into_iter().map(|r| Piece {
            pv: i,
            start: r.start,
            count: r.end - r.start,
        }));
    }
    Ok(pieces)
}

/// Appends the runs of extents of a physical volume that may be used.
fn free_runs(i: usize, pv: &PvSpace, extent: u64, out: &mut Vec<Piece>) -> Result<(), AllocError> {
    let kept = kept(pv, extent)?;
    let mut at = 0;
    for r in kept
        .into_iter()
        .chain(std::iter::once(pv.pe_count..pv.pe_count))
    {
        if r.start > at {
            out.push(Piece {
                pv: i,
                start: at,
                count: r.start - at,
            });
        }
        at = at.max(r.end);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::Random;

    const MIB: u64 = 1 << 20;

    fn pv(pe_count: u64, avoid: &[Range<u64>]) -> PvSpace {
        PvSpace {
            pe_start: 2048,
            pe_count,
            avoid: avoid.to_vec(),
        }
    }

    fn want(sizes: &[LvSize]) -> Vec<Request> {
        let named = |(i, s): (usize, &LvSize)| Request {
            name: format!("lv{i}"),
            size: *s,
        };
        sizes.iter().enumerate().map(named).collect()
    }

    #[test]
    fn volumes_follow_each_other_and_the_rest_is_what_is_left() {
        use LvSize::{Bytes, Rest};
        let got = allocate(
            8192,
            &[pv(100, &[])],
            &want(&[Bytes(10 * MIB), Rest, Bytes(4 * MIB)]),
        )
        .unwrap();
        let piece = |start, count| {
            vec![Piece {
                pv: 0,
                start,
                count,
            }]
        };
        assert_eq!(got, [piece(0, 3), piece(3, 96), piece(99, 1)]);
    }

    #[test]
    fn a_volume_goes_on_on_the_next_physical_volume() {
        let got = allocate(8192, &[pv(2, &[]), pv(5, &[])], &want(&[LvSize::Rest])).unwrap();
        let both = vec![
            Piece {
                pv: 0,
                start: 0,
                count: 2,
            },
            Piece {
                pv: 1,
                start: 0,
                count: 5,
            },
        ];
        assert_eq!(got, [both]);
    }

    #[test]
    fn avoided_bytes_cost_whole_extents() {
        // Extent n begins at (1 + 4 n) MiB. The first range ends one byte into
        // extent 2, the second lies before the extents, the third behind them.
        let avoid = [5 * MIB..9 * MIB + 1, 0..MIB, 1000 * MIB..2000 * MIB, 7..7];
        let got = allocate(8192, &[pv(5, &avoid)], &want(&[LvSize::Rest])).unwrap();
        let split = vec![
            Piece {
                pv: 0,
                start: 0,
                count: 1,
            },
            Piece {
                pv: 0,
                start: 3,
                count: 2,
            },
        ];
        assert_eq!(got, [split]);
    }

    #[test]
    fn errors_have_the_numbers() {
        let avoid = 5 * MIB..6 * MIB;
        let e = allocate(8192, &[pv(3, &[avoid])], &want(&[LvSize::Bytes(9 * MIB)])).unwrap_err();
        assert_eq!(
            e.to_string(),
            "logical volumes need 12582912 bytes (lv0 12582912), the volume group has 8388608 free \
             (4194304 of its 12582912 bytes are kept)"
        );
        let one = [pv(1, &[])];
        let bytes = LvSize::Bytes;
        assert!(matches!(
            allocate(8192, &one, &want(&[bytes(1), LvSize::Rest])),
            Err(AllocError::NoRest { .. })
        ));
        assert!(matches!(
            allocate(8192, &one, &want(&[LvSize::Rest, LvSize::Rest])),
            Err(AllocError::TwoRests { .. })
        ));
        assert!(matches!(
            allocate(8192, &one, &want(&[bytes(0)])),
            Err(AllocError::Empty { .. })
        ));
        assert_eq!(allocate(0, &one, &[]), Err(AllocError::Overflow));
        assert_eq!(allocate(u64::MAX, &one, &[]), Err(AllocError::Overflow));
        assert_eq!(
            allocate(8192, &[pv(u64::MAX, &[])], &[]),
            Err(AllocError::Overflow)
        );
    }

    /// No extent twice, none that is to be avoided, and all of them.
    #[test]
    fn random_holes_are_respected() {
        let mut random = Random(1);
        let mut next = |n: u64| random.below(n);
        for _ in 0..500 {
            let avoid: Vec<Range<u64>> = (0..next(6))
                .map(|_| {
                    let start = next(500 * MIB);
                    start..start + 1 + next(40 * MIB)
                })
                .collect();
            let space = pv(1 + next(120), &avoid);
            let mut sizes: Vec<LvSize> = (0..next(4))
                .map(|_| LvSize::Bytes(1 + next(60 * MIB)))
                .collect();
            sizes.push(LvSize::Rest);
            let extent = 4 * MIB;
            let kept = |e: u64| {
                let (a, b) = (MIB + e * extent, MIB + (e + 1) * extent);
                avoid.iter().any(|r| r.start < b && r.end > a)
            };
            let usable: Vec<u64> = (0..space.pe_count).filter(|e| !kept(*e)).collect();
            match allocate(8192, std::slice::from_ref(&space), &want(&sizes)) {
                Ok(all) => {
                    let got: Vec<u64> = all
                        .iter()
                        .flatten()
                        .flat_map(|p| p.start..p.start + p.count)
                        .collect();
                    assert_eq!(got, usable);
                }
                Err(AllocError::NoSpace { free, .. } | AllocError::NoRest { free, .. }) => {
                    assert_eq!(free, usable.len() as u64 * extent);
                }
                Err(e) => panic!("{e}"),
            }
        }
    }
}
