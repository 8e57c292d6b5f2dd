// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names and places of the pinned files.

use super::Error;
use crate::old::pinned::{self, Obstacle, Reserved, Search, Wish};
use ondisk::lifeboat::boot_sector::MAX_SECTORS;
use ondisk::lifeboat::{Role, Run, SECTOR, Twin};
use std::collections::BTreeMap;
use std::path::Path;

/// Their directory inside that of the staged package.
pub const DIR: &str = "pinned";

/// Wished distances between two copies, in bytes, the best first: damage to a
/// disk often covers an area. The last one must be accepted.
const APART: [u64; 4] = [64 << 20, 8 << 20, 1 << 20, 0];
/// The same for the state, where a record accepts no smaller distance.
const STATES_APART: [u64; 3] = [64 << 20, 8 << 20, 1 << 20];
/// Space assumed for an identity or a record before its size is known.
const SMALL: u64 = 1 << 20;

/// The name of a pinned file.
pub(super) fn name(role: Role) -> String {
    role.to_string().to_lowercase().replace(' ', "-")
}

/// The wishes that follow from the package: sizes of kernel, initramfs and
/// payload in bytes. `unit` is the disk's unit of writing in bytes.
pub fn wishes(kernel: u64, initramfs: u64, payload: u64, unit: u64) -> Vec<Wish> {
    let blob = u64::from(MAX_SECTORS) * SECTOR;
    let twice = [
        Wish::one_run(unit, unit),
        Wish::runs(kernel),
        Wish::runs(initramfs),
        Wish::one_run(blob, unit),
        Wish::runs(SMALL),
    ];
    let mut all = [&twice[..], &twice].concat();
    all.extend([payload, SMALL].map(Wish::runs));
    all
}

/// Reserved places by role.
pub(super) struct Places<'a> {
    search: Search<'a>,
    reserved: BTreeMap<Role, Reserved<'a>>,
}

impl<'a> Places<'a> {
    pub(super) fn new(search: Search<'a>) -> Places<'a> {
        let reserved = BTreeMap::new();
        Places { search, reserved }
    }

    /// All of them.
    pub(super) fn all(&self) -> &BTreeMap<Role, Reserved<'a>> {
        &self.reserved
    }

    /// Where the file of this role will lie.
    pub(super) fn runs(&self, role: Role) -> Vec<Run> {
        self.reserved.get(&role).map_or(Vec::new(), Reserved::runs)
    }

    /// Reserves a place.
    pub(super) fn one(&mut self, role: Role, wish: &Wish) -> Result<(), Error> {
        let reserved = self.search.reserve(&name(role), wish)?;
        self.reserved.insert(role, reserved);
        Ok(())
    }

    /// Reserves two places of one kind, as far apart as possible. Of several
    /// wishes for each, the first that can be fulfilled counts.
    pub(super) fn twins(
        &mut self,
        role: fn(Twin) -> Role,
        [a, b]: [&[Wish]; 2],
    ) -> Result<(), Error> {
        self.first(role(Twin::A), a)?;
        let first = self.runs(role(Twin::A));
        let distances = match role(Twin::A) {
            Role::State(_) => &STATES_APART[..],
            _ => &APART,
        };
        let mut wishes = Vec::new();
        for distance in distances {
            let away = |wish: &Wish| wish.clone().apart_from(first.clone(), *distance);
            wishes.extend(b.iter().map(away));
        }
        self.first(role(Twin::B), &wishes)
    }

    /// Reserves by the first of these wishes that can be fulfilled.
    fn first(&mut self, role: Role, wishes: &[Wish]) -> Result<(), Error> {
        let mut result = Ok(());
        for wish in wishes {
            result = self.one(role, wish);
            let no_place = matches!(
                result,
                Err(Error::Pinned(pinned::Error::Obstacle(
                    Obstacle::NoPlace { .. } | Obstacle::NoRun { .. }
                )))
            );
            if !no_place {
                break;
            }
        }
        result
    }

    /// Takes a reserved place out, to fill it.
    pub(super) fn take(&mut self, dir: &Path, role: Role) -> Result<Reserved<'a>, Error> {
        let missing = || Error::NoFile(dir.join(name(role)));
        self.reserved.remove(&role).ok_or_else(missing)
    }
}
