// SPDX-License-Identifier: MIT OR Apache-2.0
//! The address of a staging on the tiny system's kernel command line.

use super::id::{BadId, Id};
use super::role::{Role, Twin};
use super::state;
use crate::run::{Run, SECTOR};
use std::fmt;
use std::str::FromStr;

/// Sectors of a state, and what it is aligned to on the disk.
const STATE_SECTORS: u64 = state::BYTES as u64 / SECTOR;

/// Which staging, and where its record and its state begin: all that the tiny
/// system needs to find the rest. All numbers are sectors of 512 bytes from the
/// start of the disk, of copy A and of copy B.
///
/// As text: the staging's 32 digits, record A, record B, state A, state B, with
/// commas between them. There is one spelling of each address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// The staging.
    pub id: Id,
    /// The first sector of each record, two different ones.
    pub record: [u64; 2],
    /// The first sector of each state, two different ones, both multiples of 8.
    pub state: [u64; 2],
}

/// The text is not the address of a staging.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Not five fields.
    #[error("the address of a staging has 5 fields with commas between them, not {0}")]
    Fields(usize),
    /// A first field that is not the number of a staging in lower case.
    #[error("{BadId}, in lower case")]
    Id,
    /// A field that is not the number of a sector that a disk can have.
    #[error("{0}: not the number of a sector")]
    Sector(Role),
    /// A state that does not begin where a block of 4096 bytes does.
    #[error("{role} begins at sector {lba}, which is not a multiple of {STATE_SECTORS}")]
    Unaligned {
        /// The copy.
        role: Role,
        /// Its sector of 512 bytes.
        lba: u64,
    },
    /// Two copies in one place.
    #[error("{0} and {1} begin at the same sector")]
    Same(Role, Role),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Address { id, record, state } = self;
        let places = record.iter().chain(state);
        write!(f, "{id}")?;
        places.into_iter().try_for_each(|lba| write!(f, ",{lba}"))
    }
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Address, BadAddress> {
        let fields: Vec<&str> = text.split(',').collect();
        let &[id, record_a, record_b, state_a, state_b] = fields.as_slice() else {
            return Err(BadAddress::Fields(fields.len()));
        };
        let capital = id.contains(|c: char| c.is_ascii_uppercase());
        let id = id.parse().ok().filter(|_| !capital).ok_or(BadAddress::Id)?;
        Ok(Address {
            id,
            record: pair(Role::Record, record_a, record_b, 1)?,
            state: pair(Role::State, state_a, state_b, STATE_SECTORS)?,
        })
    }
}

/// Where the copies of a file begin, each at a multiple of `align` sectors.
fn pair(role: fn(Twin) -> Role, a: &str, b: &str, align: u64) -> Result<[u64; 2], BadAddress> {
    let [role_a, role_b] = [role(Twin::A), role(Twin::B)];
    let place = |role, text| {
        let lba = sector(text).ok_or(BadAddress::Sector(role))?;
        let aligned = lba.is_multiple_of(align);
        aligned
            .then_some(lba)
            .ok_or(BadAddress::Unaligned { role, lba })
    };
    let [a, b] = [place(role_a, a)?, place(role_b, b)?];
    if a == b {
        return Err(BadAddress::Same(role_a, role_b));
    }
    Ok([a, b])
}

/// A number in its only spelling, small enough that the bytes of a state from
/// there on have an offset of 64 bits.
fn sector(text: &str) -> Option<u64> {
    let lba = text.parse().ok().filter(|n: &u64| n.to_string() == text)?;
    let sectors = STATE_SECTORS;
    Run { lba, sectors }.bytes().map(|_| lba)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "000102030405060708090a0b0c0d0eff,2051,0,4096,98304";

    #[test]
    fn text_and_back() {
        let address: Address = TEXT.parse().unwrap();
        assert_eq!(address.id.0[15], 0xff);
        assert_eq!(address.record, [2051, 0]);
        assert_eq!(address.state, [4096, 98304]);
        assert_eq!(address.to_string(), TEXT);
    }

    #[test]
    fn each_field_is_refused_by_its_name() {
        let id = TEXT.split_once(',').unwrap().0;
        let error_of = |text: &str| text.parse::<Address>().unwrap_err();
        for (text, fields) in [("", 1), (id, 1), (&TEXT[..44], 4), (&format!("{TEXT},"), 6)] {
            assert_eq!(error_of(text), BadAddress::Fields(fields), "{text}");
        }
        for id in ["", &id[1..], &id.to_uppercase(), &format!(" {}", &id[1..])] {
            assert_eq!(error_of(&format!("{id},1,2,8,16")), BadAddress::Id, "{id}");
        }
        let good = ["1", "2", "8", "16"];
        let roles = &Role::ALL[..4];
        let put = |at: usize, text: &str| {
            let mut fields = good;
            fields[at] = text;
            error_of(&format!("{id},{}", fields.join(",")))
        };
        for (at, &role) in roles.iter().enumerate() {
            let far = (u64::MAX / 512 - 7).next_multiple_of(8).to_string();
            let bad = [
                "", "+8", "-8", " 8", "8 ", "08", "00", "0x8", "8.", "٨", &far,
            ];
            for text in bad.into_iter().chain(["18446744073709551616"]) {
                assert_eq!(put(at, text), BadAddress::Sector(role), "{text}");
            }
        }
        for (at, lba) in [(2, 1), (2, 4095), (3, 4), (3, 17)] {
            let role = roles[at];
            assert_eq!(
                put(at, &lba.to_string()),
                BadAddress::Unaligned { role, lba }
            );
        }
        for at in [0, 2] {
            let same = BadAddress::Same(roles[at], roles[at + 1]);
            assert_eq!(put(at, good[at + 1]), same);
            assert_eq!(put(at + 1, good[at]), same);
        }
    }

    #[test]
    fn what_is_said() {
        let said = |text: &str| text.parse::<Address>().unwrap_err().to_string();
        let id = Id([0xaf; 16]);
        for (text, words) in [
            (
                "1,2",
                "the address of a staging has 5 fields with commas between them, not 2",
            ),
            (
                "AF,1,2,8,16",
                "the number of a staging has 32 hexadecimal digits, in lower case",
            ),
            (
                &format!("{id},1,,8,16"),
                "record B: not the number of a sector",
            ),
            (
                &format!("{id},1,2,9,16"),
                "state A begins at sector 9, which is not a multiple of 8",
            ),
            (
                &format!("{id},1,2,16,16"),
                "state A and state B begin at the same sector",
            ),
        ] {
            assert_eq!(said(text), words);
        }
    }
}
