// SPDX-License-Identifier: MIT OR Apache-2.0
//! LVM2: label, metadata areas, text, allocation, and the tables of device-mapper.
//!
//! The way from a disk to a mapped volume: [`read_pv`] finds the label and
//! decodes every metadata area of one device, [`assemble`] joins what several
//! devices said into volume groups, [`VolumeGroup::refusal`] says what must
//! not be mapped and why, and [`VolumeGroup::mapping`] gives the table.
//!
//! The way from a wish to a disk: [`VgPlan::build`] allocates, [`create`] and
//! [`next_generation`] give the writes in order, with the points at which the
//! devices must be flushed.
//!
//! Source of the format: the text format of lvm2 2.02 and 2.03
//! (`lib/format_text/`), checked against volumes that lvm2 made.

mod alloc;
mod assemble;
mod below;
mod check;
mod date;
mod decode;
mod encode;
mod label;
mod mapping;
mod mda;
mod name;
mod pinned;
mod plan;
mod read;
mod refusal;
mod ring;
mod segments;
mod text;
mod uuid;
mod vg;
mod write;

pub use alloc::{AllocError, LvSize, Piece, PvSpace, Request, allocate};
pub use assemble::{Assembly, Group, GroupProblem, PvSlot, assemble};
pub use below::{BelowError, below};
pub use check::Problem;
pub use decode::{DecodeError, decode};
pub use encode::encode;
pub use label::{Area, EXTENSION_USED, EXTENSION_VERSION, Label, LabelError};
pub use mapping::{Mapping, MappingError, Target, TargetKind};
pub use mda::{MdaError, MdaHeader, RawLocation};
pub use name::{NameError, check_lv_name, check_vg_name, dm_name, dm_uuid};
pub use pinned::{PINNED, ReleaseError, release_pinned};
pub use plan::{EXTENT_BYTES, LvPlan, PlanError, PvPlan, VgPlan};
pub use read::{MdaRead, MdaState, PvRead, read_pv};
pub use refusal::Refusal;
pub use ring::{Placement, RingError};
pub use text::{Item, Section, TextError, Value, parse};
pub use uuid::{Uuid, UuidError};
pub use vg::{LogicalVolume, Origin, PhysicalVolume, Segment, SegmentKind, Stripe, VolumeGroup};
pub use write::{PvTarget, Step, WriteError, create, next_generation};
