// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kinds of machines that this version cannot migrate.

use crate::locate::KINDS;
use crate::lvm::LvmError;
use std::path::PathBuf;

/// Why this machine is refused; a device is named as it is mounted.
#[derive(Debug, thiserror::Error)]
pub enum Unsupported {
    #[error("this machine booted by UEFI; this version only migrates machines that boot by BIOS")]
    Uefi,
    #[error("the root file system is {kind}; this version reads {}", KINDS.join(", "))]
    RootKind { kind: String },
    #[error("the old root: {0}")]
    RootVolume(#[from] LvmError),
    #[error("the root {device} is a device-mapper device that is no logical volume")]
    RootMap { device: String },
    #[error(
        "the root {device} is on {name}, which is software RAID or the like; this version reads partitions and logical volumes"
    )]
    RootRaid {
        device: String,
        /// The kernel's name of what it is on.
        name: String,
    },
    #[error("/etc is a file system of its own ({device}); it must be on the root's")]
    Etc { device: String },
    #[error(
        "/boot is on {device}, which is no plain partition: GRUB could not take the one-shot entry back after use"
    )]
    BootVolume { device: String },
    #[error(
        "/boot is on {device}, which is not on {disk}, the disk of the root file system: the machine boots from a disk that is not replaced; move /boot to the root's disk"
    )]
    BootElsewhere { device: String, disk: String },
    #[error(
        "/boot is on {device}, a {kind} file system, where GRUB cannot write: it could not take the one-shot entry back after use"
    )]
    BootKind { device: String, kind: String },
    #[error(
        "/boot is the directory {directory} of {device}, mounted a second time: GRUB would look for the files elsewhere; mount a file system of its own there, or none"
    )]
    BootDirectory { device: String, directory: String },
    #[error("nothing is mounted at {}; is /proc mounted?", .0.display())]
    NothingMounted(PathBuf),
    #[error("{device} ({}) has no UUID that can be read", node.display())]
    NoUuid { device: String, node: PathBuf },
    #[error(transparent)]
    Bios(#[from] NotByThisDisk),
}

/// Why the machine may not start from the disk that is replaced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotByThisDisk {
    #[error(
        "the BIOS starts this machine from {first}: the {loader} in the first sector of {first} starts the system on {own_disk}, and {}", consequence(.own_disk)
    )]
    First {
        first: String,
        loader: &'static str,
        own_disk: String,
    },
    #[error(
        "GRUB found {own_disk} as its disk hd{number}, so the BIOS starts this machine from another disk, and {} has a GRUB in its first sector: {}", .others.join(" and "), consequence(.own_disk)
    )]
    Number {
        number: u32,
        others: Vec<String>,
        own_disk: String,
    },
    #[error(
        "{own_disk} and {} have a GRUB in their first sector, and nothing says from which of them the BIOS starts this machine; if it is not {own_disk}, {}. To let this be found out, load the module edd (modprobe edd); where that does not help, detach {}", .others.join(" and "), consequence(.own_disk), .others.join(" and ")
    )]
    Unknown {
        others: Vec<String>,
        own_disk: String,
    },
    #[error(
        "GRUB is in the first sector of {}, and {own_disk} has none: {}", .others.join(" and "), consequence(.own_disk)
    )]
    Other {
        others: Vec<String>,
        own_disk: String,
    },
}

fn consequence(own_disk: &str) -> String {
    format!(
        "after the migration of {own_disk} it would not find its files any more; install GRUB on {own_disk}, let the BIOS start from {own_disk}, restart and try again"
    )
}
