// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can go wrong with volume groups.

use std::path::PathBuf;

use ondisk::lvm::{GroupProblem, LabelError, MappingError, PlanError, ReleaseError, WriteError};
use sys::dm::DmError;

use crate::block::{BlockDevice, DevNo};
use crate::disk;
use sys::FileError;
use sys::transient;

/// A request about volume groups that was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum LvmError {
    #[error(transparent)]
    Disk(#[from] disk::Error),
    /// No group of that name.
    #[error("no volume group \"{name}\" on the devices that were looked at; found: {found}")]
    NoGroup {
        name: String,
        /// The names that are there.
        found: String,
    },
    /// No volume of that name.
    #[error("volume group {vg} has no logical volume \"{lv}\"; it has: {found}")]
    NoVolume {
        vg: String,
        lv: String,
        found: String,
    },
    /// Something is wrong with the group as a whole.
    #[error("volume group {vg} cannot be used: {problem}")]
    Group {
        vg: String,
        problem: Box<GroupProblem<BlockDevice>>,
    },
    /// A volume that must not, or cannot, be mapped.
    #[error("{0}")]
    Mapping(Box<MappingError>),
    /// Device-mapper refused.
    #[error(transparent)]
    Dm(#[from] DmError),
    /// A device with this name exists and is not the volume.
    #[error(
        "device-mapper has a device \"{name}\" already, with the uuid \"{found}\" and not \"{wanted}\": remove it first"
    )]
    NameTaken {
        name: String,
        found: String,
        wanted: String,
    },
    /// The volume is mapped with another table.
    #[error(
        "logical volume {name} is mapped as \"{found}\", its metadata say \"{wanted}\": remove the mapping first"
    )]
    MappedDifferently {
        name: String,
        found: String,
        /// The table of the metadata.
        wanted: String,
    },
    /// The volume is in use for writing.
    #[error("logical volume {name} is in use for writing and cannot be made read-only")]
    InUse { name: String },
    /// A device that does not belong to device-mapper uses this one.
    #[error(
        "{holder} uses {below} and is no device-mapper device: stop it first{}",
        stop(holder)
    )]
    ForeignHolder {
        /// The kernel's name of the user, `md0`.
        holder: String,
        below: String,
    },
    /// A device-mapper device stayed in use.
    #[error(
        "device-mapper device \"{name}\" is still in use after {seconds} s (opened {open_count} times): unmount it, or swapoff"
    )]
    Busy {
        name: String,
        /// How long removing it was tried.
        seconds: u64,
        open_count: i32,
    },
    /// A node or link in /dev.
    #[error(transparent)]
    File(#[from] FileError),
    /// Something else is at the path of the link.
    #[error("{path} exists and is neither a link nor a block device: remove it first")]
    NodeTaken { path: PathBuf },
    /// The plan cannot be carried out.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The metadata cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The reserved extents cannot be given to a volume.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// The devices are not those of the plan.
    #[error("volume group {vg} was planned for {planned} devices, {given} are given")]
    DeviceCount {
        vg: String,
        planned: usize,
        given: usize,
    },
    /// A device has another size than planned.
    #[error("{device} has {found} bytes, the volume group was planned for {planned}")]
    DeviceSize {
        device: String,
        /// Its bytes.
        found: u64,
        planned: u64,
    },
    /// Another device has the name by now.
    #[error("{device} is device {found} now, the volume group was planned for {planned}")]
    DeviceNumber {
        device: String,
        found: DevNo,
        planned: DevNo,
    },
    /// What was read back is not what was written.
    #[error(
        "{device}: the LVM metadata that were written read back differently ({what}): the disk is not to be trusted"
    )]
    Verify { device: String, what: String },
    /// A damaged label.
    #[error("{device}: {source}")]
    Label { device: String, source: LabelError },
}

impl LvmError {
    /// Whether trying again may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::File(error) => error.is_transient(),
            Self::Disk(error) => error.is_transient(),
            Self::Dm(error) => error.errno().is_some_and(transient::errno),
            // It may have been written a moment ago and not be visible everywhere
            // yet.
            Self::NoGroup { .. } | Self::NoVolume { .. } | Self::Verify { .. } => true,
            Self::InUse { .. } | Self::Busy { .. } => true,
            Self::Group { .. }
            | Self::Mapping(_)
            | Self::NameTaken { .. }
            | Self::MappedDifferently { .. }
            | Self::ForeignHolder { .. }
            | Self::NodeTaken { .. }
            | Self::Plan(_)
            | Self::Write(_)
            | Self::DeviceCount { .. }
            | Self::DeviceSize { .. }
            | Self::DeviceNumber { .. }
            | Self::Release(_)
            | Self::Label { .. } => false,
        }
    }
}

impl From<MappingError> for LvmError {
    fn from(e: MappingError) -> Self {
        Self::Mapping(Box::new(e))
    }
}

fn stop(holder: &str) -> String {
    match holder.starts_with("md") {
        true => format!(" (a RAID: mdadm --stop /dev/{holder})"),
        false => String::new(),
    }
}
