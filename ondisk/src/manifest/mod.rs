// SPDX-License-Identifier: MIT OR Apache-2.0
//! `migration.toml`: what is in a package and what becomes of it.
//!
//! The manifest is written by `replant-pack bundle` and read on the old
//! system and in the tiny one. It says the size and SHA-256 of every other
//! file of the package, and in its last line the SHA-256 of itself. What it
//! says of the payload is compared with the payload before a machine is staged
//! ([`crate::inventory`]); from then on it is trusted while the sums are right.

mod carry;
mod check;
mod filesystem;
mod password;
mod policy;
mod protection;
mod seal;
mod size;
#[cfg(test)]
mod tests;

pub use carry::{Carry, Hooks};
pub use filesystem::{Device, Filesystem};
pub use password::{Password, is_crypt_hash};
pub use policy::Policy;
pub use protection::{BadProtection, Protection};
pub use seal::Seal;
pub use size::Size;

use crate::cpu::Level;
use crate::document;
use serde::{Deserialize, Serialize};

/// The format that this version writes and reads.
pub const FORMAT: u32 = 1;

/// The longest manifest in bytes that is read, and the longest signature.
pub const LONGEST: u64 = 4 << 20;

/// Name of the manifest in a package.
pub const MANIFEST: &str = "migration.toml";
/// Name of its signature in a package, in minisign's format.
pub const SIGNATURE: &str = "migration.toml.minisig";
/// Name of the partition table in a package, in `sgdisk --backup` format.
pub const TABLE: &str = "va.sgdisk";
/// Name of the new system's files in a package.
pub const PAYLOAD: &str = "va.tar.xz";
/// Name of the tiny system's initramfs in a package.
pub const INITRAMFS: &str = "initramfs-convert.img";
/// Name of the tiny system's kernel in a package.
pub const KERNEL: &str = "vmlinuz-convert";
/// Name of the entry point on the old system.
pub const SCRIPT: &str = "upgrade_to_tiny_system.sh";
/// Name of the static binary in a package.
pub const BINARY: &str = "replant";

/// Most memory in bytes that one thread of the payload's xz decoder may need:
/// the dictionary of `xz -9` (64 MiB), its state and its buffers. `bundle`
/// refuses a payload that needs more, and the agent counts on it.
pub const DECODER_BYTES: u64 = 80 << 20;

/// What a migration needs of RAM in bytes beside the payload, where that lies
/// in RAM, and beside what the tiny system itself takes.
pub const BESIDE_PAYLOAD: u64 = 300 << 20;

/// Bytes of room that so many bytes of content take in a file system, with
/// directories, extents and blocks of extended attributes: 2 % and 16 MiB more
/// are well above what distributions' trees need.
pub fn with_overhead(content: u64) -> u64 {
    content
        .saturating_add(content / 50)
        .saturating_add(16 << 20)
}

/// The whole manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// What the package is called in messages.
    pub name: String,
    /// Its version, free text.
    #[serde(default)]
    pub version: String,
    /// What a power cut may lead to at most: a machine that cannot have it is
    /// refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<Protection>,
    /// Where the migration may be cut off, the machine restarts once before
    /// anything is destroyed, to show that the firmware starts the loader;
    /// see [`Manifest::has_proof_boot`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_boot: Option<bool>,
    /// What the payload unpacks to.
    pub payload: Payload,
    /// How the partition table meets a disk of another size.
    #[serde(default)]
    pub table: Table,
    /// Commands of the new system that make it bootable.
    #[serde(default)]
    pub boot: Boot,
    /// What of the old machine's identity is carried over.
    #[serde(default)]
    pub identity: Policy,
    /// Who may use the tiny system's recovery console.
    #[serde(default, skip_serializing_if = "Console::is_default")]
    pub console: Console,
    /// What becomes of the old disk's free space.
    #[serde(default, skip_serializing_if = "Wipe::is_default")]
    pub wipe: Wipe,
    /// What a machine must have.
    #[serde(default, skip_serializing_if = "Requires::is_default")]
    pub requires: Requires,
    /// Files of the old system that the new one gets.
    #[serde(default, skip_serializing_if = "Carry::is_default")]
    pub carry: Carry,
    /// Programs of the new system that belong to the migration.
    #[serde(default, skip_serializing_if = "Hooks::is_default")]
    pub hooks: Hooks,
    /// The package's other files.
    #[serde(rename = "file")]
    pub files: Vec<File>,
    /// Volume groups to make.
    #[serde(rename = "volume_group", default)]
    pub volume_groups: Vec<VolumeGroup>,
    /// File systems to make, in any order.
    #[serde(rename = "filesystem")]
    pub filesystems: Vec<Filesystem>,
}

/// One file of the package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its name, without a directory.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// What the payload contains, found when the package was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payload {
    /// Sum of the sizes of its files, in bytes.
    pub unpacked_bytes: u64,
    /// Number of its members.
    pub entries: u64,
    /// Versions of the kernels in its /boot, newest first.
    pub kernels: Vec<String>,
    /// Whether it has an /etc/fstab.
    pub fstab: bool,
    /// The program in it that installs GRUB, e.g. `/usr/sbin/grub-install`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub grub_install: String,
    /// The program in it that makes an initramfs, e.g. `/usr/bin/dracut`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub initramfs_tool: String,
}

/// How the partition table is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The last partition grows to the end of a bigger disk.
    #[serde(default = "yes")]
    pub grow_last: bool,
}

impl Default for Table {
    fn default() -> Table {
        Table { grow_last: true }
    }
}

fn yes() -> bool {
    true
}

/// Commands that are run in the new root instead of the default ones. In an
/// argument `{disk}` is the disk, `{kernel}` the newest kernel's version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boot {
    /// Each a program and its arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<Vec<String>>,
}

/// The tiny system's recovery console.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Console {
    /// Asked before anything but looking and leaving; without one, whoever
    /// is at the console is root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
}

impl Console {
    /// Whether nothing is said.
    pub fn is_default(&self) -> bool {
        *self == Console::default()
    }
}

/// How thoroughly the old system goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wipe {
    /// What is overwritten beyond signatures and tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erase: Option<Erase>,
}

impl Wipe {
    /// Whether nothing is said.
    pub fn is_default(&self) -> bool {
        *self == Wipe::default()
    }
}

/// What of the old disk is overwritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Erase {
    /// All that the new system does not use.
    Free,
}

/// What a machine must have, beyond what follows from the package's files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requires {
    /// The processor's level, if that is more than the new system's C library
    /// demands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Level>,
}

impl Requires {
    /// Whether nothing is said.
    pub fn is_default(&self) -> bool {
        *self == Requires::default()
    }
}

/// A volume group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeGroup {
    /// Its name.
    pub name: String,
    /// Numbers of the partitions that are its physical volumes.
    pub partitions: Vec<u32>,
    /// Extent size in bytes.
    #[serde(default = "four_mib")]
    pub extent_size: Size,
    /// Its logical volumes, allocated in this order.
    #[serde(rename = "volume", default)]
    pub volumes: Vec<Volume>,
}

fn four_mib() -> Size {
    Size::Bytes(4 << 20)
}

/// A logical volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// Its size; `"rest"` once in a group, for all that the others leave.
    pub size: Size,
}

/// What is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not TOML, or not the manifest's keys.
    #[error("migration.toml: {0}; make the package again with replant-pack")]
    Syntax(#[from] document::Error),
    /// Its values cannot be written as TOML.
    #[error("migration.toml cannot be written: {0}")]
    Unwritable(#[from] document::WriteError),
    /// Its own checksum is another one.
    #[error(
        "migration.toml is not as replant-pack wrote it: its last line is the SHA-256 of other lines; unpack migration.tar.gz again, or, to change the package, edit layout.toml and make it anew with replant-pack bundle"
    )]
    Changed,
    /// A format that this version does not know.
    #[error(
        "migration.toml has format {found}, this replant reads {FORMAT}; use a newer replant: the one of the package, if its SHA-256 is the one in migration.toml"
    )]
    Format {
        /// The format that the file names.
        found: u32,
    },
    /// A key has a value that makes no sense.
    #[error("migration.toml: {place}: {what}")]
    Value {
        /// The key, with the name of its section.
        place: String,
        /// What is wrong and what to do.
        what: String,
    },
}

impl Manifest {
    /// Whether the machine restarts once by the loader before anything is
    /// destroyed, if the package does not leave that out.
    #[must_use]
    pub fn has_proof_boot(&self) -> bool {
        self.proof_boot.unwrap_or(true)
    }

    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// [`Error`] names the key; nothing in a returned manifest refers to a
    /// volume or file that it does not have.
    pub fn parse(text: &str) -> Result<Manifest, Error> {
        #[derive(Deserialize)]
        struct Versioned {
            format: u32,
        }
        // First of all: what is damaged may say anything.
        seal::check(text)?;
        let versioned: Versioned = document::read(text)?;
        if versioned.format != FORMAT {
            return Err(Error::Format {
                found: versioned.format,
            });
        }
        let manifest: Manifest = document::read(text)?;
        check::check(&manifest)?;
        Ok(manifest)
    }

    /// Whether the text of a manifest has its own checksum.
    ///
    /// # Errors
    /// [`Error::Changed`].
    pub fn seal(text: &str) -> Result<Seal, Error> {
        seal::check(text)
    }

    /// The text of `migration.toml`, with its checksum.
    ///
    /// # Errors
    /// [`Error`] as of [`Manifest::parse`]: what cannot be read back is not written.
    pub fn encode(&self) -> Result<String, Error> {
        check::check(self)?;
        let text = document::write(self)?;
        Ok(seal::add(&text))
    }

    /// The entry of a file of the package.
    pub fn file(&self, name: &str) -> Option<&File> {
        self.files.iter().find(|f| f.name == name)
    }

    /// Whether a file of this name in a package is neither the manifest nor its
    /// signature, and has no checksum in it: then nobody says what it must be.
    #[must_use]
    pub fn leaves_out(&self, name: &str) -> bool {
        !matches!(name, MANIFEST | SIGNATURE) && self.file(name).is_none()
    }

    /// The file system that is mounted at `mount`.
    pub fn filesystem(&self, mount: &str) -> Option<&Filesystem> {
        self.filesystems.iter().find(|f| f.mount == mount)
    }

    /// File systems in the order in which they are mounted: parents first.
    pub fn mount_order(&self) -> Vec<&Filesystem> {
        let mut order: Vec<&Filesystem> = self.filesystems.iter().collect();
        order.sort_by_key(|f| {
            (
                f.mount
                    .trim_matches('/')
                    .split('/')
                    .filter(|p| !p.is_empty())
                    .count(),
                f.mount.clone(),
            )
        });
        order
    }
}
