// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text to volume group.

use super::text::{Item, Section, TextError, Value, parse};
use super::uuid::{Uuid, UuidError};
use super::vg::{LogicalVolume, Origin, PhysicalVolume, Segment, SegmentKind, Stripe, VolumeGroup};

/// Words of `status`; lvm2 refuses a group with any other, so do we.
const VG_STATUS: &[&str] = &[
    "EXPORTED",
    "RESIZEABLE",
    "PVMOVE",
    "READ",
    "WRITE",
    "WRITE_LOCKED",
    "CLUSTERED",
    "SHARED",
    "PARTIAL",
    "PRECOMMITTED",
];
const PV_STATUS: &[&str] = &["ALLOCATABLE", "EXPORTED", "MISSING"];
const LV_STATUS: &[&str] = &[
    "READ",
    "WRITE",
    "FIXED_MINOR",
    "VISIBLE",
    "PVMOVE",
    "LOCKED",
    "NOTSYNCED",
    "REBUILD",
    "RESHAPE",
    "RESHAPE_DELTA_DISKS_PLUS",
    "RESHAPE_DELTA_DISKS_MINUS",
    "REMOVE_AFTER_RESHAPE",
    "WRITEMOSTLY",
    "LV_NOSCAN",
    "CONVERTING",
    "WRITE_LOCKED",
];

/// Why a text is no volume group that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The text does not parse.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The text holds no volume group, or several.
    #[error("LVM text holds {found} volume groups, exactly one is expected")]
    Groups {
        /// How many.
        found: usize,
    },
    /// `contents` or `version` is not that of a volume group's text.
    #[error("LVM text: \"{key}\" is not what a volume group's text has there")]
    Kind {
        /// The key.
        key: &'static str,
    },
    /// A key that must be there is missing or of another type.
    #[error("LVM metadata, {place}: \"{key}\" is missing or is not {expected}")]
    Key {
        /// The section.
        place: String,
        /// The key.
        key: &'static str,
        /// Its type.
        expected: &'static str,
    },
    /// An identifier is not one.
    #[error("LVM metadata, {place}: {source}")]
    Uuid {
        /// The section.
        place: String,
        /// What is wrong.
        source: UuidError,
    },
    /// A word of `status` that means something we do not know.
    #[error("LVM metadata, {place}: unknown status \"{word}\": made by a newer lvm2")]
    Status {
        /// The section.
        place: String,
        /// The word.
        word: String,
    },
    /// `segment_count` and the segments disagree.
    #[error("LVM metadata, {place}: {claimed} segments are announced, {found} are there")]
    SegmentCount {
        /// The volume.
        place: String,
        /// `segment_count`.
        claimed: u64,
        /// Sections `segmentN`.
        found: u64,
    },
}

/// Decodes a text, either form (on disk, or of /etc/lvm/backup).
///
/// Unknown keys and unknown `flags` are ignored, as lvm2 does; unknown words
/// of `status` are an error. What the numbers say is not judged here: see
/// [`VolumeGroup::problems`].
pub fn decode(text: &[u8]) -> Result<VolumeGroup, DecodeError> {
    let root = parse(text)?;
    if root.value("contents") != Some(&Value::Text("Text Format Volume Group".to_owned())) {
        return Err(DecodeError::Kind { key: "contents" });
    }
    if root.value("version") != Some(&Value::Int(1)) {
        return Err(DecodeError::Kind { key: "version" });
    }
    let groups: Vec<_> = root.sections().collect();
    let [(name, section)] = groups.as_slice() else {
        return Err(DecodeError::Groups {
            found: groups.len(),
        });
    };
    let top = NamedSection {
        path: "header".to_owned(),
        section: &root,
    };
    let origin = Origin {
        generator: String::new(),
        description: top.text("description").filter(|s| !s.is_empty()),
        creation_host: top.text("creation_host"),
        host_comment: String::new(),
        creation_time: top.int("creation_time"),
        system_id: top.text("creation_host_system_id"),
    };
    let vg = NamedSection {
        path: format!("volume group {name}"),
        section,
    };
    let pvs = vg
        .section
        .section("physical_volumes")
        .ok_or_else(|| vg.key("physical_volumes", "a section"))?;
    let lvs = vg.section.section("logical_volumes");
    Ok(VolumeGroup {
        name: (*name).to_owned(),
        id: vg.uuid()?,
        seqno: vg
            .number("seqno")?
            .try_into()
            .map_err(|_| vg.key("seqno", "a small number"))?,
        format: vg.text("format"),
        status: vg.status(VG_STATUS)?,
        flags: vg.words("flags"),
        tags: vg.words("tags"),
        system_id: vg.text("system_id").filter(|s| !s.is_empty()),
        lock_type: vg.text("lock_type"),
        lock_args: vg.text("lock_args"),
        allocation_policy: vg.text("allocation_policy"),
        profile: vg.text("profile"),
        extent_size: match vg.number("extent_size")? {
            0 => return Err(vg.key("extent_size", "a number above 0")),
            n => n,
        },
        max_lv: vg.number("max_lv")?,
        max_pv: vg.number("max_pv")?,
        metadata_copies: vg.optional("metadata_copies")?,
        pvs: pvs
            .sections()
            .map(|(n, s)| physical_volume(n, s))
            .collect::<Result<_, _>>()?,
        lvs: lvs
            .map(|l| {
                l.sections()
                    .map(|(n, s)| logical_volume(n, s))
                    .collect::<Result<_, _>>()
            })
            .transpose()?
            .unwrap_or_default(),
        historical: vg.section.section("historical_logical_volumes").cloned(),
        origin,
    })
}

fn physical_volume(name: &str, section: &Section) -> Result<PhysicalVolume, DecodeError> {
    let pv = NamedSection {
        path: format!("physical volume {name}"),
        section,
    };
    let area = (pv.optional("ba_start")?, pv.optional("ba_size")?);
    Ok(PhysicalVolume {
        section: name.to_owned(),
        id: pv.uuid()?,
        device: pv.text("device"),
        device_id_type: pv.text("device_id_type"),
        device_id: pv.text("device_id"),
        status: pv.status(PV_STATUS)?,
        flags: pv.words("flags"),
        tags: pv.words("tags"),
        dev_size: pv.optional("dev_size")?,
        pe_start: pv.number("pe_start")?,
        pe_count: pv.number("pe_count")?,
        bootloader_area: match area {
            (Some(start), Some(size)) => Some((start, size)),
            (None, None) => None,
            _ => return Err(pv.key("ba_start, ba_size", "there together")),
        },
    })
}

fn logical_volume(name: &str, section: &Section) -> Result<LogicalVolume, DecodeError> {
    let lv = NamedSection {
        path: format!("logical volume {name}"),
        section,
    };
    let claimed = lv.number("segment_count")?;
    let segments: Vec<Segment> = section
        .sections()
        .filter(|(n, _)| n.starts_with("segment"))
        .map(|(n, s)| segment(name, n, s))
        .collect::<Result<_, _>>()?;
    let found = segments.len() as u64;
    if claimed != found || found == 0 {
        return Err(DecodeError::SegmentCount {
            place: lv.path,
            claimed,
            found,
        });
    }
    // One without the other says nothing; lvm2 refuses the host alone.
    let (creation_time, creation_host) = lv
        .int("creation_time")
        .zip(lv.text("creation_host"))
        .unzip();
    Ok(LogicalVolume {
        name: name.to_owned(),
        id: lv.uuid()?,
        status: lv.status(LV_STATUS)?,
        flags: lv.words("flags"),
        tags: lv.words("tags"),
        creation_time,
        creation_host,
        lock_args: lv.text("lock_args"),
        allocation_policy: lv.text("allocation_policy"),
        profile: lv.text("profile"),
        read_ahead: lv.int("read_ahead"),
        major: lv.int("major"),
        minor: lv.int("minor"),
        segments,
    })
}

fn segment(lv: &str, name: &str, section: &Section) -> Result<Segment, DecodeError> {
    let seg = NamedSection {
        path: format!("logical volume {lv}, {name}"),
        section,
    };
    let kind = seg
        .text("type")
        .ok_or_else(|| seg.key("type", "a string"))?;
    let kind = match kind.as_str() {
        "striped" | "linear" => {
            let stripes = seg.stripes()?;
            let count = seg.optional("stripe_count")?.unwrap_or(1);
            if count != stripes.len() as u64 || stripes.is_empty() {
                return Err(seg.key("stripes", "a list of stripe_count stripes"));
            }
            let stripe_size = match stripes.len() {
                1 => 0,
                _ => seg.number("stripe_size")?,
            };
            SegmentKind::Striped {
                stripe_size,
                stripes,
            }
        }
        "zero" => SegmentKind::Zero,
        "error" => SegmentKind::Error,
        _ => {
            let known = ["start_extent", "extent_count", "type", "tags"];
            let keep = |(n, _): &&(String, Item)| !known.contains(&n.as_str());
            let entries = section.entries.iter().filter(keep).cloned().collect();
            SegmentKind::Other {
                name: kind,
                params: Section { entries },
            }
        }
    };
    Ok(Segment {
        start_extent: seg.number("start_extent")?,
        extent_count: match seg.number("extent_count")? {
            0 => return Err(seg.key("extent_count", "a number above 0")),
            n => n,
        },
        tags: seg.words("tags"),
        kind,
    })
}

/// A section with the name that errors give it.
struct NamedSection<'a> {
    path: String,
    section: &'a Section,
}

impl NamedSection<'_> {
    fn key(&self, key: &'static str, expected: &'static str) -> DecodeError {
        DecodeError::Key {
            place: self.path.clone(),
            key,
            expected,
        }
    }

    fn text(&self, key: &str) -> Option<String> {
        match self.section.value(key) {
            Some(Value::Text(s)) => Some(s.clone()),
            _ => None,
        }
    }

    fn int(&self, key: &str) -> Option<i64> {
        match self.section.value(key) {
            Some(Value::Int(n)) => Some(*n),
            _ => None,
        }
    }

    fn optional(&self, key: &'static str) -> Result<Option<u64>, DecodeError> {
        match self.section.get(key) {
            None => Ok(None),
            Some(_) => self.number(key).map(Some),
        }
    }

    fn number(&self, key: &'static str) -> Result<u64, DecodeError> {
        let n = self.int(key).and_then(|n| u64::try_from(n).ok());
        n.ok_or_else(|| self.key(key, "a number"))
    }

    fn uuid(&self) -> Result<Uuid, DecodeError> {
        let id = self.text("id").ok_or_else(|| self.key("id", "a string"))?;
        Uuid::parse(&id).map_err(|source| DecodeError::Uuid {
            place: self.path.clone(),
            source,
        })
    }

    /// A list of strings; a single string counts as a list, other values are left out.
    fn words(&self, key: &str) -> Vec<String> {
        let word = |v: &Value| match v {
            Value::Text(s) => Some(s.clone()),
            _ => None,
        };
        match self.section.value(key) {
            Some(Value::List(list)) => list.iter().filter_map(word).collect(),
            Some(v) => word(v).into_iter().collect(),
            None => Vec::new(),
        }
    }

    fn status(&self, known: &[&str]) -> Result<Vec<String>, DecodeError> {
        if !matches!(
            self.section.value("status"),
            Some(Value::List(_) | Value::Text(_))
        ) {
            return Err(self.key("status", "a list"));
        }
        let words = self.words("status");
        match words.iter().find(|w| !known.contains(&w.as_str())) {
            Some(w) => Err(DecodeError::Status {
                place: self.path.clone(),
                word: w.clone(),
            }),
            None => Ok(words),
        }
    }

    fn stripes(&self) -> Result<Vec<Stripe>, DecodeError> {
        let wrong = || self.key("stripes", "a list of names and extents");
        let Some(Value::List(list)) = self.section.value("stripes") else {
            return Err(wrong());
        };
        if !list.len().is_multiple_of(2) {
            return Err(wrong());
        }
        list.chunks_exact(2)
            .map(|pair| match pair {
                [Value::Text(on), Value::Int(extent)] => Ok(Stripe {
                    on: on.clone(),
                    extent: u64::try_from(*extent).map_err(|_| wrong())?,
                }),
                _ => Err(wrong()),
            })
            .collect()
    }
}
