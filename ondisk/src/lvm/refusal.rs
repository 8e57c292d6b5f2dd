// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which volumes must not be mapped here, and why.

use super::check::Problem;
use super::text::{Item, Section, Value};
use super::vg::{LogicalVolume, SegmentKind, VolumeGroup, has};

/// Why a logical volume is not mapped. The message names the reason; what to
/// do is to map it with lvm2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The group is exported.
    #[error("volume group {vg} is exported: run vgimport on the host that it belongs to")]
    Exported {
        /// The group.
        vg: String,
    },
    /// The group is shared between hosts.
    #[error("volume group {vg} is shared between hosts by {manager}")]
    Shared {
        /// The group.
        vg: String,
        /// `lock_type`, or `CLUSTERED`.
        manager: String,
    },
    /// The metadata contradicts itself.
    #[error("volume group {vg}: {problem}")]
    Problem {
        /// The group.
        vg: String,
        /// What is wrong.
        problem: Problem,
    },
    /// Another type of segment.
    #[error("logical volume {vg}/{lv} has the segment type {kind}, which only lvm2 can activate")]
    SegmentType {
        /// The group.
        vg: String,
        /// The volume.
        lv: String,
        /// The type, with its flags.
        kind: String,
    },
    /// The origin of a snapshot. It looks like a plain linear volume, and a
    /// write that goes past the snapshot destroys it.
    #[error(
        "logical volume {vg}/{lv} is the origin of the snapshot {snapshot}: writing to it would destroy the snapshot; remove or merge the snapshot first"
    )]
    SnapshotOrigin {
        /// The group.
        vg: String,
        /// The volume.
        lv: String,
        /// The volume that holds the snapshot's changes.
        snapshot: String,
    },
    /// The volume that holds a snapshot's changes.
    #[error("logical volume {vg}/{lv} is a snapshot of {origin}, which only lvm2 can activate")]
    SnapshotCow {
        /// The group.
        vg: String,
        /// The volume.
        lv: String,
        /// The origin.
        origin: String,
    },
    /// The volume stands on another logical volume.
    #[error("logical volume {vg}/{lv} stands on the logical volume {on}: {hint}")]
    OnLv {
        /// The group.
        vg: String,
        /// The volume.
        lv: String,
        /// What it stands on.
        on: String,
        /// What that means.
        hint: &'static str,
    },
    /// Another volume is made of this one.
    #[error("logical volume {vg}/{lv} is a part of {by}, never to be mapped alone")]
    PartOf {
        /// The group.
        vg: String,
        /// The volume.
        lv: String,
        /// The volume that it is a part of.
        by: String,
    },
    /// A hidden volume.
    #[error("logical volume {vg}/{lv} is hidden: lvm2 made it for its own use")]
    Hidden {
        /// The group.
        vg: String,
        /// The volume.
        lv: String,
    },
    /// A state in which it must be left alone.
    #[error("logical volume {vg}/{lv} has the status {status}")]
    Status {
        /// The group.
        vg: String,
        /// The volume.
        lv: String,
        /// The word.
        status: String,
    },
    /// The user asked that it is not activated.
    #[error("logical volume {vg}/{lv} has the flag ACTIVATION_SKIP: clear it with lvchange -kn")]
    ActivationSkip {
        /// The group.
        vg: String,
        /// The volume.
        lv: String,
    },
    /// A physical volume is known to be lost.
    #[error("logical volume {vg}/{lv} stands on {pv}, which the group has marked as missing")]
    MissingPv {
        /// The group.
        vg: String,
        /// The volume.
        lv: String,
        /// The physical volume's section and identifier.
        pv: String,
    },
}

/// Keys of segments whose strings are no volumes' names.
const NOT_NAMES: &[&str] = &[
    "policy",
    "policy_settings",
    "cache_mode",
    "discards",
    "mode",
    "internal_hash",
    "tags",
    "writecache_setting_key",
    "writecache_setting_val",
    "zero_new_blocks",
    "journal_sectors",
];

impl VolumeGroup {
    /// Why the volume must not be mapped; `None`: it may.
    ///
    /// That all its physical volumes are there is not judged here, see
    /// [`VolumeGroup::mapping`].
    pub fn refusal(&self, lv: &LogicalVolume) -> Option<Refusal> {
        self.group_refusal().or_else(|| self.lv_refusal(lv))
    }

    /// Why no volume of the group may be mapped.
    pub fn group_refusal(&self) -> Option<Refusal> {
        let vg = || self.name.clone();
        if self.is_exported() {
            return Some(Refusal::Exported { vg: vg() });
        }
        let manager = self
            .lock_type
            .as_deref()
            .filter(|t| !t.is_empty() && *t != "none");
        let clustered = ["CLUSTERED", "SHARED"]
            .into_iter()
            .find(|w| has(&self.status, w));
        if let Some(manager) = manager.or(clustered) {
            return Some(Refusal::Shared {
                vg: vg(),
                manager: manager.to_owned(),
            });
        }
        let problem = self.problems().into_iter().next()?;
        Some(Refusal::Problem { vg: vg(), problem })
    }

    fn lv_refusal(&self, lv: &LogicalVolume) -> Option<Refusal> {
        let (vg, name) = (|| self.name.clone(), || lv.name.clone());
        for segment in &lv.segments {
            if let SegmentKind::Other { name: kind, .. } = &segment.kind {
                let kind = kind.clone();
                return Some(Refusal::SegmentType {
                    vg: vg(),
                    lv: name(),
                    kind,
                });
            }
        }
        if let Some(refusal) = self.used_by_another(lv) {
            return Some(refusal);
        }
        for segment in &lv.segments {
            let SegmentKind::Striped { stripes, .. } = &segment.kind else {
                continue;
            };
            for stripe in stripes {
                let Some(pv) = self.pv(&stripe.on) else {
                    let hint = match stripe.on.starts_with("pvmove") {
                        true => "a pvmove is under way; finish it or run pvmove --abort",
                        false => "only lvm2 can activate it",
                    };
                    let on = stripe.on.clone();
                    return Some(Refusal::OnLv {
                        vg: vg(),
                        lv: name(),
                        on,
                        hint,
                    });
                };
                if pv.is_missing() {
                    let pv = format!("{} ({})", pv.section, pv.id);
                    return Some(Refusal::MissingPv {
                        vg: vg(),
                        lv: name(),
                        pv,
                    });
                }
            }
        }
        if !lv.is_visible() {
            return Some(Refusal::Hidden {
                vg: vg(),
                lv: name(),
            });
        }
        if let Some(status) = ["PVMOVE", "LOCKED", "CONVERTING"]
            .into_iter()
            .find(|w| has(&lv.status, w))
        {
            let status = status.to_owned();
            return Some(Refusal::Status {
                vg: vg(),
                lv: name(),
                status,
            });
        }
        if has(&lv.flags, "ACTIVATION_SKIP") {
            return Some(Refusal::ActivationSkip {
                vg: vg(),
                lv: name(),
            });
        }
        None
    }

    /// Whether a segment of another volume names this one, in any role.
    fn used_by_another(&self, lv: &LogicalVolume) -> Option<Refusal> {
        let vg = || self.name.clone();
        for other in self.lvs.iter().filter(|o| o.name != lv.name) {
            for segment in &other.segments {
                match &segment.kind {
                    SegmentKind::Other { name: kind, params } if kind == "snapshot" => {
                        let text = |key: &str| match params.value(key) {
                            Some(Value::Text(s)) => s.clone(),
                            _ => String::new(),
                        };
                        let cow = match text("cow_store") {
                            s if s.is_empty() => text("merging_store"),
                            s => s,
                        };
                        if text("origin") == lv.name {
                            let (lv, snapshot) = (lv.name.clone(), cow);
                            return Some(Refusal::SnapshotOrigin {
                                vg: vg(),
                                lv,
                                snapshot,
                            });
                        }
                        if cow == lv.name || names(params, &lv.name) {
                            let (lv, origin) = (lv.name.clone(), text("origin"));
                            return Some(Refusal::SnapshotCow {
                                vg: vg(),
                                lv,
                                origin,
                            });
                        }
                    }
                    SegmentKind::Other { params, .. } if names(params, &lv.name) => {
                        let (lv, by) = (lv.name.clone(), other.name.clone());
                        return Some(Refusal::PartOf { vg: vg(), lv, by });
                    }
                    SegmentKind::Striped { stripes, .. }
                        if stripes
                            .iter()
                            .any(|s| s.on == lv.name && self.pv(&s.on).is_none()) =>
                    {
                        let (lv, by) = (lv.name.clone(), other.name.clone());
                        return Some(Refusal::PartOf { vg: vg(), lv, by });
                    }
                    _ => {}
                }
            }
        }
        None
    }
}

fn names(params: &Section, lv: &str) -> bool {
    params
        .entries
        .iter()
        .filter(|(key, _)| !NOT_NAMES.contains(&key.as_str()))
        .any(|(_, item)| match item {
            Item::Value(Value::Text(s)) => s == lv,
            Item::Value(Value::List(list)) => {
                list.iter().any(|v| matches!(v, Value::Text(s) if s == lv))
            }
            Item::Value(_) => false,
            Item::Section(s) => names(s, lv),
        })
}
