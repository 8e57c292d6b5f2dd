// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a machine cannot be migrated with a package.

use super::Whole;
use crate::report::bytes;
use ondisk::lifeboat::AllowedError;
use ondisk::{ext4, gpt, lvm};

/// Why a machine cannot be migrated with a package. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(
        "the payload va.tar.xz has no kernel (/boot/vmlinuz-*); install one in the new system and make the package again"
    )]
    NoKernel,
    #[error(
        "the payload va.tar.xz has no /etc/fstab; write one in the new system and make the package again"
    )]
    NoFstab,
    #[error(
        "the payload va.tar.xz has neither grub-install nor grub2-install; install GRUB for BIOS in the new system and make the package again"
    )]
    NoBootloader,
    #[error(
        "the payload va.tar.xz has neither dracut nor update-initramfs; install one in the new system and make the package again, or name the programs in [boot] of layout.toml"
    )]
    NoInitramfsTool,
    #[error(
        "va.sgdisk has no BIOS boot partition (type EF02), which GRUB needs on a GPT disk; make one in the new system and make the package again"
    )]
    NoBiosBoot,
    #[error(
        "bytes {start} to {end} of the disk have to stay until the new system boots, and the new layout has no volume there that could leave them out"
    )]
    Protected {
        start: u64,
        /// The byte after the last one.
        end: u64,
    },
    #[error("where the new volumes will lie cannot be said: {0}")]
    Areas(AllowedError),
    #[error("va.sgdisk does not fit the disk {disk}: {source}")]
    Table { disk: String, source: gpt::Error },
    #[error(
        "migration.toml names partition {number}, va.sgdisk has none of that number; make the package again"
    )]
    NoPartition { number: u32 },
    #[error("migration.toml: {mount} is on {device}, which does not exist; make the package again")]
    NoDevice { mount: String, device: String },
    #[error(
        "a volume group \"{name}\" already exists on {device}, which is not replaced; rename it (vgrename {name} NEWNAME) or detach that disk"
    )]
    GroupExists {
        name: String,
        /// A device of the group.
        device: String,
    },
    #[error(
        "the volume group \"{name}\" is on {here}, which is replaced, and on {device}, which stays: what it has there would be lost; free one of them on the old system (pvmove, then vgreduce {name} DEVICE)"
    )]
    GroupSpans {
        name: String,
        /// A device of it on the disk that is replaced.
        here: String,
        /// A device of it on another disk.
        device: String,
    },
    #[error(
        "the {} {} is on {}, which is replaced, and on {}, which stays: what it has there would be lost or damaged; {}",
        .0.kind, .0.name, .0.here.join(", "), .0.elsewhere.join(", "), free(.0)
    )]
    Spans(Whole),
    #[error(
        "the {} {} is on {}, which is replaced, and {} more of its devices are not found: they may be on a disk that stays, and what they have would be lost; attach or open them, or, if they are gone, {}",
        .0.kind, .0.name, .0.here.join(", "), .0.missing, give_up(.0)
    )]
    Incomplete(Whole),
    #[error(
        "{file}, which opens the encrypted {device} by /etc/crypttab, is on the disk that is replaced: without it, what is on {device} may never be opened again; copy it to another machine and take the line out of /etc/crypttab"
    )]
    Key {
        /// The key, or a header.
        file: String,
        device: String,
    },
    #[error(
        "the {name} of {of} already exists on {device}, which is not replaced: the new system could take one for the other; change it there ({remedy}) or detach that disk"
    )]
    NameTaken {
        /// What kind of name, and the name.
        name: String,
        /// The part of the package that has the name.
        of: String,
        /// The device on another disk that has the name.
        device: String,
        /// How to change it there.
        remedy: String,
    },
    #[error("{0}; use a bigger disk or make the volumes of migration.toml smaller")]
    Volumes(#[from] lvm::PlanError),
    #[error("{mount} is to be {kind}; this version only makes ext4")]
    FilesystemType { mount: String, kind: String },
    #[error("the file system of {mount}: {source}")]
    Filesystem { mount: String, source: ext4::Error },
    /// The payload, with the initramfs of each kernel, is bigger than its file
    /// system.
    #[error("the unpacked payload does not fit {mount}: it needs {}, the file system has {}; use a bigger disk, or make the volume or partition bigger in the package", bytes(*need), bytes(*have))]
    ContentBytes {
        mount: String,
        /// Bytes needed.
        need: u64,
        /// Bytes free on the new file system.
        have: u64,
    },
    #[error(
        "the unpacked payload does not fit {mount}: it has {need} files, the file system takes {have}; make the volume bigger"
    )]
    ContentInodes { mount: String, need: u64, have: u64 },
    #[error(
        "{mount} will have blocks of {have} bytes, for it is small, and {file} of the payload needs {need} for its extended attributes or its link; make {mount} 512 MiB or bigger, or remove them in the new system (setfattr -x)"
    )]
    Block {
        mount: String,
        /// Bytes of a block.
        have: u32,
        /// Bytes needed.
        need: u32,
        file: String,
    },
}

/// How to remove the replaced disk from an array or the like.
fn free(whole: &Whole) -> String {
    let here = whole.here.join(" ");
    let how = match whole.kind.as_str() {
        "RAID array" => {
            format!("mdadm ARRAY --fail {here} --remove {here}, mdadm --zero-superblock {here}")
        }
        "btrfs file system" => format!("btrfs device remove {here} MOUNTPOINT"),
        "ZFS pool" => format!("zpool detach or zpool remove {} {here}", whole.name),
        "bcache set" => "echo 1 >/sys/block/bcacheN/bcache/detach".into(),
        "external journal" => "tune2fs -O ^has_journal DEVICE, then tune2fs -j DEVICE".into(),
        "volume group" => format!("pvmove {here}, vgreduce {} {here}", whole.name),
        "LUKS header" => "cryptsetup luksHeaderBackup, and keep the copy elsewhere".into(),
        "XFS file system" => "copy it to a file system that is on one disk".into(),
        _ => "move what it has here".into(),
    };
    format!(
        "free one of the two on the old system ({how}; then {})",
        erase(whole)
    )
}

/// What to do about an array whose other members are gone for good.
fn give_up(whole: &Whole) -> String {
    match whole.kind.as_str() {
        "volume group" => format!("vgreduce --removemissing {}", whole.name),
        _ => erase(whole),
    }
}

/// How to erase only this signature: the device may be in use for something else,
/// and the signature left over.
fn erase(whole: &Whole) -> String {
    let types = match whole.kind.as_str() {
        "RAID array" => "linux_raid_member",
        "btrfs file system" => "btrfs",
        "ZFS pool" => "zfs_member",
        "bcache set" => "bcache",
        "external journal" => "jbd",
        "volume group" => "LVM2_member",
        "LUKS header" => "crypto_LUKS",
        "XFS file system" => "xfs,xfs_external_log",
        _ => return "free the replaced disk of it".into(),
    };
    format!("wipefs -a -t {types} {}", whole.here.join(" "))
}
