// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a machine cannot be migrated with a package.

use crate::report::bytes;
use ondisk::{ext4, gpt, lvm};

/// Why a machine cannot be migrated with a package. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No kernel in the payload.
    #[error(
        "the payload va.tar.xz has no kernel (/boot/vmlinuz-*); install one in the new system and make the package again"
    )]
    NoKernel,
    /// No fstab in the payload.
    #[error(
        "the payload va.tar.xz has no /etc/fstab; write one in the new system and make the package again"
    )]
    NoFstab,
    /// No way to install a boot loader.
    #[error(
        "the payload va.tar.xz has neither grub-install nor grub2-install; install GRUB for BIOS in the new system and make the package again"
    )]
    NoBootloader,
    /// No way to make an initramfs.
    #[error(
        "the payload va.tar.xz has neither dracut nor update-initramfs; install one in the new system and make the package again, or name the programs in [boot] of layout.toml"
    )]
    NoInitramfsTool,
    /// Nowhere to put GRUB.
    #[error(
        "va.sgdisk has no BIOS boot partition (type EF02), which GRUB needs on a GPT disk; make one in the new system and make the package again"
    )]
    NoBiosBoot,
    /// The table does not fit the disk.
    #[error("va.sgdisk does not fit the disk {disk}: {source}")]
    Table {
        /// The disk.
        disk: String,
        /// Why.
        source: gpt::Error,
    },
    /// The manifest names a partition that the table does not have.
    #[error(
        "migration.toml names partition {number}, va.sgdisk has none of that number; make the package again"
    )]
    NoPartition {
        /// The number.
        number: u32,
    },
    /// The manifest names a device that does not exist.
    #[error("migration.toml: {mount} is on {device}, which does not exist; make the package again")]
    NoDevice {
        /// Where it is mounted.
        mount: String,
        /// What was asked for.
        device: String,
    },
    /// A volume group of this name stays on another disk.
    #[error(
        "a volume group \"{name}\" already exists on {device}, which is not replaced; rename it (vgrename {name} NEWNAME) or detach that disk"
    )]
    GroupExists {
        /// The group.
        name: String,
        /// A device of the group.
        device: String,
    },
    /// A volume group lies on the replaced disk and on another one.
    #[error(
        "the volume group \"{name}\" is on {here}, which is replaced, and on {device}, which stays: what it has there would be lost; free one of them on the old system (pvmove, then vgreduce {name} DEVICE), or detach the other disk if nothing of it is needed"
    )]
    GroupSpans {
        /// The group.
        name: String,
        /// A device of it on the disk that is replaced.
        here: String,
        /// A device of it on another disk.
        device: String,
    },
    /// The volumes do not fit, or have names that LVM does not take.
    #[error("{0}; use a bigger disk or make the volumes of migration.toml smaller")]
    Volumes(#[from] lvm::PlanError),
    /// We only make ext4.
    #[error("{mount} is to be {kind}; this version only makes ext4")]
    FilesystemType {
        /// Where it is mounted.
        mount: String,
        /// The type.
        kind: String,
    },
    /// A file system cannot be made.
    #[error("the file system of {mount}: {source}")]
    Filesystem {
        /// Where it is mounted.
        mount: String,
        /// Why.
        source: ext4::Error,
    },
    /// The payload, with the initramfs of each kernel, is bigger than its file
    /// system.
    #[error("the unpacked payload does not fit {mount}: it needs {}, the file system has {}; use a bigger disk, or make the volume or partition bigger in the package", bytes(*need), bytes(*have))]
    ContentBytes {
        /// Where it is mounted.
        mount: String,
        /// Bytes needed.
        need: u64,
        /// Bytes free on the new file system.
        have: u64,
    },
    /// The payload has more files than its file system has inodes.
    #[error(
        "the unpacked payload does not fit {mount}: it has {need} files, the file system takes {have}; make the volume bigger"
    )]
    ContentInodes {
        /// Where it is mounted.
        mount: String,
        /// Files.
        need: u64,
        /// Free inodes.
        have: u64,
    },
    /// The identity table of the manifest.
    #[error("migration.toml: [identity]: {0}; make the package again")]
    Identity(String),
}
