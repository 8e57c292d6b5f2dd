// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers of the payload's accounts and groups that give way to old ones.

use super::database::{Table, field, number};
use super::files::Files;
use super::ranges::is_reserved;
use crate::error::{Error, Result};
use crate::report::Report;
use std::collections::BTreeSet;

/// Names and numbers of the users or groups that are carried over. An account
/// with such a name and number need not move. Several old accounts may share a
/// number.
pub(super) type Carried = BTreeSet<(String, u32)>;

/// Moves accounts of the payload away from a user's number.
pub(super) fn clear_uid(
    files: &mut Files,
    uid: u32,
    min: u32,
    carried: &Carried,
    report: &mut Report,
) -> Result<Option<(u32, u32)>> {
    let who = ("user", "passwd");
    clear(&mut files.passwd, who, uid, min, carried, report)
}

/// Moves groups of the payload away from a group's number, and with them the
/// accounts that have it as the primary one.
pub(super) fn clear_gid(
    files: &mut Files,
    gid: u32,
    min: u32,
    carried: &Carried,
    users: &Carried,
    report: &mut Report,
) -> Result<Option<(u32, u32)>> {
    let who = ("group", "group");
    let moved = clear(&mut files.group, who, gid, min, carried, report)?;
    if let Some((_, free)) = moved {
        for entry in files.passwd.entries_mut(4) {
            let old = is_carried(entry, users);
            if !old && number(entry, 3) == Some(gid) {
                put(entry, 3, free);
            }
        }
    }
    Ok(moved)
}

fn clear(
    table: &mut Table,
    (kind, file): (&'static str, &'static str),
    taken: u32,
    min: u32,
    carried: &Carried,
    report: &mut Report,
) -> Result<Option<(u32, u32)>> {
    let in_the_way =
        |entry: &[String]| number(entry, 2) == Some(taken) && !is_carried(entry, carried);
    let Some(first) = table.entries(3).find(|e| in_the_way(e)) else {
        return Ok(None);
    };
    let mut numbers: BTreeSet<u32> = carried.iter().map(|(_, n)| *n).collect();
    numbers.extend(table.entries(3).filter_map(|e| number(e, 2)));
    let free = free_number(&numbers, taken, min).ok_or_else(|| Error::NoFreeNumber {
        kind,
        name: field(first, 0).to_owned(),
        file,
    })?;
    for entry in table.entries_mut(3) {
        if in_the_way(entry) {
            let name = field(entry, 0);
            report.warn(format!(
                "the {kind} {name} of the payload gives its number {taken} to one of the old system and has {free} now"
            ));
            put(entry, 2, free);
        }
    }
    Ok(Some((taken, free)))
}

fn is_carried(entry: &[String], carried: &Carried) -> bool {
    number(entry, 2).is_some_and(|n| carried.contains(&(field(entry, 0).to_owned(), n)))
}

fn put(entry: &mut [String], at: usize, number: u32) {
    if let Some(field) = entry.get_mut(at) {
        *field = number.to_string();
    }
}

/// A free number: for system accounts downwards from below the users, for
/// others downwards from 59999, away from where new users get theirs. When
/// these are used up, any.
fn free_number(taken: &BTreeSet<u32>, number: u32, min: u32) -> Option<u32> {
    let range = if number < min { 101..min } else { min..60000 };
    let free = |n: &u32| !taken.contains(n) && !is_reserved(*n);
    range
        .rev()
        .find(free)
        .or_else(|| (60000..u32::MAX).find(free))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_a_free_number() {
        let mut taken: BTreeSet<u32> = (1000..=59999).collect();
        assert_eq!(free_number(&taken, 1000, 1000), Some(60000));
        taken.extend(60000..65534);
        assert_eq!(free_number(&taken, 1000, 1000), Some(65536));
        assert_eq!(free_number(&taken, 300, 1000), Some(999));
    }
}
