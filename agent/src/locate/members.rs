// SPDX-License-Identifier: MIT OR Apache-2.0
//! Groups the devices that are members of one RAID array, btrfs or the like.

use crate::plan::Whole;
use std::collections::{BTreeMap, BTreeSet};

/// One member device of a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// The slot of the whole that it fills; halves of a mirror may share one.
    slot: String,
    /// The identifier of the member; a copy of the device has the same.
    id: String,
    node: String,
    disks: BTreeSet<String>,
}

/// Kind and name of a whole.
pub(super) type Key = (String, String);

/// All wholes with their members.
#[derive(Debug, Default)]
pub(super) struct Members {
    found: BTreeMap<Key, Vec<Member>>,
    /// The least number of slots of each whole.
    slots: BTreeMap<Key, u64>,
}

impl Members {
    /// Notes that a whole has at least this many slots.
    pub(super) fn expect(&mut self, key: &Key, slots: u64) {
        let known = self.slots.entry(key.clone()).or_default();
        *known = slots.max(*known);
    }

    /// Notes a member device.
    pub(super) fn add(
        &mut self,
        key: &Key,
        slot: &str,
        id: &str,
        node: &str,
        disks: &BTreeSet<String>,
    ) {
        // A member without an identifier counts as one of its own.
        let own = |text: &str| if text.is_empty() { node } else { text }.to_owned();
        self.found.entry(key.clone()).or_default().push(Member {
            slot: own(slot),
            id: own(id),
            node: node.to_owned(),
            disks: disks.clone(),
        });
    }

    /// The wholes with a member on this disk and at least one more.
    pub(super) fn wholes(&self, disk: &str) -> Vec<Whole> {
        let whole = |(key, members): (&Key, &Vec<Member>)| {
            let here: Vec<&Member> = members.iter().filter(|m| m.disks.contains(disk)).collect();
            let ids: BTreeSet<&str> = here.iter().map(|m| m.id.as_str()).collect();
            let elsewhere = members.iter().filter(|m| {
                let other = m.disks.iter().any(|d| d != disk);
                // A copy of a member that is here does not depend on this disk.
                other && (m.disks.contains(disk) || !ids.contains(m.id.as_str()))
            });
            let slots: BTreeSet<&str> = members.iter().map(|m| m.slot.as_str()).collect();
            let wanted = self.slots.get(key).copied().unwrap_or_default();
            let nodes = |members: &mut dyn Iterator<Item = &Member>| {
                let nodes: BTreeSet<String> = members.map(|m| m.node.clone()).collect();
                nodes.into_iter().collect::<Vec<_>>()
            };
            let whole = Whole {
                kind: key.0.clone(),
                name: key.1.clone(),
                here: nodes(&mut here.iter().copied()),
                elsewhere: nodes(&mut elsewhere.into_iter()),
                missing: wanted.saturating_sub(slots.len() as u64),
            };
            (!here.is_empty() && (wanted > 1 || members.len() > 1)).then_some(whole)
        };
        self.found.iter().filter_map(whole).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds `Members` of `(slot, id, disk)`, and returns what is reported of
    /// the whole.
    fn seen(slots: u64, members: &[(&str, &str, &str)]) -> Option<(usize, usize, u64)> {
        let mut all = Members::default();
        let key = ("RAID array".to_owned(), "x".to_owned());
        all.expect(&key, slots);
        for (n, (slot, id, disk)) in members.iter().enumerate() {
            all.add(
                &key,
                slot,
                id,
                &format!("/dev/{disk}{n}"),
                &[disk.to_string()].into(),
            );
        }
        let wholes = all.wholes("sda");
        let whole = wholes.first()?;
        Some((whole.here.len(), whole.elsewhere.len(), whole.missing))
    }

    #[test]
    fn members_here_elsewhere_and_nowhere() {
        // One device alone, or nothing here: nobody's concern.
        assert_eq!(seen(1, &[("1", "1", "sda")]), None);
        assert_eq!(seen(2, &[("1", "1", "sdb"), ("2", "2", "sdc")]), None);
        assert_eq!(
            seen(2, &[("1", "1", "sda"), ("2", "2", "sda")]),
            Some((2, 0, 0))
        );
        assert_eq!(
            seen(2, &[("1", "1", "sda"), ("2", "2", "sdb")]),
            Some((1, 1, 0))
        );
        assert_eq!(
            seen(3, &[("1", "1", "sda"), ("2", "2", "sda")]),
            Some((2, 0, 1))
        );
        // More members than anybody said there are.
        assert_eq!(
            seen(1, &[("1", "1", "sda"), ("2", "2", "sdb")]),
            Some((1, 1, 0))
        );
        // Halves of a mirror share a place, and are two devices all the same.
        assert_eq!(
            seen(1, &[("1", "a", "sda"), ("1", "b", "sdb")]),
            Some((1, 1, 0))
        );
        // A copy of the only member is none.
        assert_eq!(
            seen(1, &[("1", "a", "sda"), ("1", "a", "sdb")]),
            Some((1, 0, 0))
        );
        // Who does not say who it is, counts for itself.
        assert_eq!(
            seen(1, &[("", "", "sda"), ("", "", "sdb")]),
            Some((1, 1, 0))
        );
    }
}
