// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where sectors of a mapped device lie on the devices below.

use super::mapping::{Target, TargetKind};
use crate::DevNo;
use crate::run::Run;

/// Why the place of sectors cannot be determined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BelowError {
    /// The parameters of a target are not those of its type.
    #[error("the device-mapper target \"{kind} {params}\" cannot be read")]
    Params {
        /// The target's type.
        kind: String,
        /// The target's parameters.
        params: String,
    },
    /// A target that is more than a mapping of sectors.
    #[error("a device-mapper target of type {kind} is neither linear nor striped")]
    Kind {
        /// The target's type.
        kind: String,
    },
    /// No target has the sector.
    #[error("the device-mapper table has no sector {sector}")]
    Outside {
        /// It, in sectors of 512 bytes.
        sector: u64,
    },
    /// Numbers that are beyond all devices.
    #[error("the device-mapper table leads beyond what any device has")]
    Overflow,
}

impl TargetKind {
    /// From its type and parameters, as `dmsetup table` prints them; the
    /// inverse of [`Target::type_name`] and [`Target::params`].
    ///
    /// # Errors
    /// [`BelowError::Kind`], [`BelowError::Params`].
    pub fn parse(kind: &str, params: &str) -> Result<TargetKind, BelowError> {
        let words: Vec<&str> = params.split_ascii_whitespace().collect();
        let parsed = match (kind, words.as_slice()) {
            ("zero", []) => Some(TargetKind::Zero),
            ("error", []) => Some(TargetKind::Error),
            ("linear", [dev, start]) => leg(dev, start).map(|(d, s)| TargetKind::Linear(d, s)),
            ("striped", [count, chunk, legs @ ..]) => striped(count, chunk, legs),
            ("zero" | "error" | "linear" | "striped", _) => None,
            _ => return Err(BelowError::Kind { kind: kind.into() }),
        };
        parsed.ok_or_else(|| BelowError::Params {
            kind: kind.into(),
            params: params.into(),
        })
    }
}

fn striped(count: &str, chunk: &str, words: &[&str]) -> Option<TargetKind> {
    let (pairs, rest) = words.as_chunks::<2>();
    let legs: Option<Vec<_>> = pairs.iter().map(|[dev, start]| leg(dev, start)).collect();
    let legs = legs?;
    let chunk: u64 = chunk.parse().ok()?;
    let fits = rest.is_empty() && count.parse() == Ok(legs.len());
    (fits && chunk > 0 && !legs.is_empty()).then_some(TargetKind::Striped { chunk, legs })
}

fn leg(dev: &str, start: &str) -> Option<(DevNo, u64)> {
    Some((dev.parse().ok()?, start.parse().ok()?))
}

impl Target {
    /// Where the longest piece from `sector` on lies that is in one piece
    /// below, and at most `most` sectors of it.
    fn piece(&self, sector: u64, most: u64) -> Result<(DevNo, Run), BelowError> {
        let inside = sector.checked_sub(self.start).ok_or(BelowError::Overflow)?;
        let most = most.min(self.length.saturating_sub(inside));
        let at = |(dev, start): (DevNo, u64), offset: u64, sectors: u64| {
            let lba = start.checked_add(offset).ok_or(BelowError::Overflow)?;
            Ok((dev, Run { lba, sectors }))
        };
        match &self.kind {
            TargetKind::Linear(dev, start) => at((*dev, *start), inside, most),
            TargetKind::Striped { chunk, legs } => {
                let count = legs.len() as u64;
                let (Some(number), Some(offset)) =
                    (inside.checked_div(*chunk), inside.checked_rem(*chunk))
                else {
                    return Err(BelowError::Overflow);
                };
                let (Some(row), Some(which)) =
                    (number.checked_div(count), number.checked_rem(count))
                else {
                    return Err(BelowError::Overflow);
                };
                let leg = usize::try_from(which).ok().and_then(|n| legs.get(n));
                let leg = *leg.ok_or(BelowError::Overflow)?;
                let before = row.checked_mul(*chunk).ok_or(BelowError::Overflow)?;
                let before = before.checked_add(offset).ok_or(BelowError::Overflow)?;
                at(leg, before, most.min(chunk.saturating_sub(offset)))
            }
            TargetKind::Zero | TargetKind::Error => Err(BelowError::Kind {
                kind: self.type_name().into(),
            }),
        }
    }
}

/// Where sectors of a mapped device lie, in their order; what follows each
/// other on one device is one run. `targets` are its table, by their starts.
///
/// # Errors
/// [`BelowError`], and nothing is known then.
pub fn below(targets: &[Target], sectors: Run) -> Result<Vec<(DevNo, Run)>, BelowError> {
    let mut found: Vec<(DevNo, Run)> = Vec::new();
    let (mut at, mut left) = (sectors.lba, sectors.sectors);
    while left > 0 {
        let has = |t: &&Target| t.start <= at && at - t.start < t.length;
        let target = targets.iter().find(has);
        let target = target.ok_or(BelowError::Outside { sector: at })?;
        let (dev, run) = target.piece(at, left)?;
        match found.last_mut() {
            Some((same, last))
                if *same == dev && last.lba.checked_add(last.sectors) == Some(run.lba) =>
            {
                last.sectors = last.sectors.saturating_add(run.sectors);
            }
            _ => found.push((dev, run)),
        }
        at = at.checked_add(run.sectors).ok_or(BelowError::Overflow)?;
        left = left.saturating_sub(run.sectors);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: DevNo = DevNo { major: 8, minor: 2 };
    const B: DevNo = DevNo { major: 8, minor: 3 };

    fn table(lines: &[&str]) -> Result<Vec<Target>, BelowError> {
        let line = |line: &&str| {
            let mut words = line.splitn(4, ' ');
            let mut next = || words.next().unwrap_or_default();
            Ok(Target {
                start: next().parse().unwrap(),
                length: next().parse().unwrap(),
                kind: TargetKind::parse(next(), next())?,
            })
        };
        lines.iter().map(line).collect()
    }

    fn runs(lines: &[&str], lba: u64, sectors: u64) -> Vec<(DevNo, u64, u64)> {
        let found = below(&table(lines).unwrap(), Run { lba, sectors }).unwrap();
        found.iter().map(|(d, r)| (*d, r.lba, r.sectors)).collect()
    }

    #[test]
    fn a_table_is_read_as_it_is_printed() {
        for line in [
            "0 100 linear 8:2 2048",
            "0 4096 striped 2 128 8:2 2048 8:3 4096",
            "0 8 zero ",
            "8 8 error ",
        ] {
            let read = table(&[line]).unwrap();
            assert_eq!(read[0].to_string(), line);
        }
        let bad = |line| table(&[line]).unwrap_err().to_string();
        assert_eq!(
            bad("0 8 crypt aes-xts-plain64 :64:logon:x 0 8:2 4096"),
            "a device-mapper target of type crypt is neither linear nor striped"
        );
        for line in [
            "0 8 linear 8:2",
            "0 8 linear 8:2 x",
            "0 8 linear sda 0",
            "0 8 striped 2 128 8:2 0",
            "0 8 striped 1 0 8:2 0",
            "0 8 striped 0 128",
            "0 8 striped 1 128 8:2 0 8:3",
            "0 8 zero 1",
        ] {
            assert!(bad(line).contains("cannot be read"), "{line}");
        }
    }

    #[test]
    fn several_linear_segments() {
        let lines = [
            "0 100 linear 8:2 2048",
            "100 50 linear 8:2 2148",
            "150 50 linear 8:3 0",
        ];
        // The first two are one run, for they follow each other below.
        assert_eq!(
            runs(&lines, 90, 70),
            [(A, 2138, 60), (B, 0, 10)],
            "across all three"
        );
        assert_eq!(runs(&lines, 199, 1), [(B, 49, 1)]);
        assert_eq!(runs(&lines, 0, 0), []);
    }

    #[test]
    fn stripes_go_round() {
        let lines = ["8 4096 striped 2 16 8:2 1000 8:3 2000"];
        let expected = [
            (A, 1004, 12),
            (B, 2000, 16),
            (A, 1016, 16),
            (B, 2016, 16),
            (A, 1032, 1),
        ];
        assert_eq!(runs(&lines, 12, 61), expected);
        // One leg is a linear one.
        assert_eq!(runs(&["0 64 striped 1 8 8:2 5"], 3, 40), [(A, 8, 40)]);
    }

    #[test]
    fn what_is_nowhere_is_refused() {
        let lines = table(&["0 8 linear 8:2 0", "8 8 zero", "20 8 linear 8:2 0"]).unwrap();
        let fails = |lba, sectors| below(&lines, Run { lba, sectors }).unwrap_err();
        assert_eq!(fails(4, 8).to_string().split(' ').nth(5), Some("zero"));
        assert_eq!(fails(16, 1), BelowError::Outside { sector: 16 });
        assert_eq!(fails(27, 2), BelowError::Outside { sector: 28 });
        let end = table(&["0 18446744073709551615 linear 8:2 18446744073709551615"]).unwrap();
        let run = Run { lba: 1, sectors: 1 };
        assert_eq!(below(&end, run), Err(BelowError::Overflow));
        let whole = [Target {
            start: 0,
            length: 8,
            kind: TargetKind::Striped {
                chunk: 0,
                legs: vec![],
            },
        }];
        let run = Run { lba: 0, sectors: 1 };
        assert_eq!(below(&whole, run), Err(BelowError::Overflow));
    }
}
