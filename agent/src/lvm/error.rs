// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can go wrong with volume groups.

use std::path::PathBuf;

use ondisk::lvm::{LabelError, MappingError, PlanError, WriteError};
use rustix::io::Errno;
use sys::dm::DmError;

use super::scan::GroupError;

/// A request about volume groups that was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum LvmError {
    /// A device could not be opened, read, written or flushed.
    #[error("cannot {action} {device} at byte {offset}: {errno}{}", busy(*errno))]
    Io {
        /// What was tried.
        action: &'static str,
        /// The device.
        device: String,
        /// First byte concerned.
        offset: u64,
        /// The kernel's answer.
        errno: Errno,
    },
    /// A device ends before a read or write does.
    #[error("cannot {action} {device} at byte {offset}: the device ends there")]
    End {
        /// What was tried.
        action: &'static str,
        /// The device.
        device: String,
        /// First byte that is not there.
        offset: u64,
    },
    /// No group of that name.
    #[error("no volume group \"{name}\" on the devices that were looked at; found: {found}")]
    NoGroup {
        /// The name.
        name: String,
        /// The names that are there.
        found: String,
    },
    /// No volume of that name.
    #[error("volume group {vg} has no logical volume \"{lv}\"; it has: {found}")]
    NoVolume {
        /// The group.
        vg: String,
        /// The name.
        lv: String,
        /// The visible volumes.
        found: String,
    },
    /// Something is wrong with the group as a whole.
    #[error("volume group {vg} cannot be used: {problem}")]
    Group {
        /// The group.
        vg: String,
        /// What is wrong.
        problem: Box<GroupError>,
    },
    /// A volume that must not, or cannot, be mapped.
    #[error("{0}")]
    Mapping(Box<MappingError>),
    /// Device-mapper refused.
    #[error(transparent)]
    Dm(#[from] DmError),
    /// A device of this name exists and is something else.
    #[error(
        "device-mapper has a device \"{name}\" already, with the uuid \"{found}\" and not \"{wanted}\": remove it first"
    )]
    NameTaken {
        /// The name.
        name: String,
        /// Its uuid.
        found: String,
        /// The volume's uuid.
        wanted: String,
    },
    /// The volume is mapped in another way.
    #[error(
        "logical volume {name} is mapped as \"{found}\", its metadata say \"{wanted}\": remove the mapping first"
    )]
    MappedDifferently {
        /// The device-mapper name.
        name: String,
        /// The table in force.
        found: String,
        /// The table of the metadata.
        wanted: String,
    },
    /// The volume is in use for writing.
    #[error("logical volume {name} is in use for writing and cannot be made read-only")]
    InUse {
        /// The device-mapper name.
        name: String,
    },
    /// Something that is not device-mapper's uses the device.
    #[error(
        "{holder} uses {below} and is no device-mapper device: stop it first{}",
        stop(holder)
    )]
    ForeignHolder {
        /// The kernel's name of the user, `md0`.
        holder: String,
        /// The device used.
        below: String,
    },
    /// A device-mapper device stayed in use.
    #[error(
        "device-mapper device \"{name}\" is still in use after {seconds} s (opened {open_count} times): unmount it, or swapoff"
    )]
    Busy {
        /// The name.
        name: String,
        /// How long it was tried.
        seconds: u64,
        /// Number of openers.
        open_count: i32,
    },
    /// A node or link in /dev, or an entry of /sys.
    #[error("cannot {action} {path}: {errno}")]
    Node {
        /// What was tried.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// The kernel's answer.
        errno: Errno,
    },
    /// Something else stands where a link is to be made.
    #[error("{path} exists and is neither a link nor a block device: remove it first")]
    NodeTaken {
        /// The path.
        path: PathBuf,
    },
    /// The kernel says something in /sys that cannot be read.
    #[error("{path}: \"{text}\" is not what the kernel writes there")]
    Sysfs {
        /// The path.
        path: PathBuf,
        /// Its contents.
        text: String,
    },
    /// The plan cannot be carried out.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The metadata cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The devices are not those of the plan.
    #[error("volume group {vg} was planned for {planned} devices, {given} are given")]
    DeviceCount {
        /// The group.
        vg: String,
        /// Devices of the plan.
        planned: usize,
        /// Devices given.
        given: usize,
    },
    /// A device has another size than planned.
    #[error("{device} has {found} bytes, the volume group was planned for {planned}")]
    DeviceSize {
        /// The device.
        device: String,
        /// Its bytes.
        found: u64,
        /// The plan's.
        planned: u64,
    },
    /// What was read back is not what was written.
    #[error(
        "{device}: the LVM metadata that were written read back differently ({what}): the disk is not to be trusted"
    )]
    Verify {
        /// The device.
        device: String,
        /// What differs.
        what: String,
    },
    /// A damaged label.
    #[error("{device}: {source}")]
    Label {
        /// The device.
        device: String,
        /// What is wrong.
        source: LabelError,
    },
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

fn busy(errno: Errno) -> &'static str {
    match errno {
        Errno::BUSY => " (it is mounted, or another device stands on it)",
        _ => "",
    }
}
