// SPDX-License-Identifier: MIT OR Apache-2.0
//! The description of a package, as a table or as JSON.

use super::signed::Signed;
use crate::initramfs::mebibytes;
use ondisk::cpu::Level;
use ondisk::gpt::Table;
use ondisk::manifest::{
    BESIDE_PAYLOAD, Device, File, Filesystem, Manifest, PAYLOAD, Payload, Policy, Seal, Size,
    VolumeGroup, with_overhead,
};
use serde::Serialize;
use std::fmt;

/// All of it. Sizes are in bytes.
#[derive(Debug, Serialize)]
pub struct Report {
    name: String,
    version: String,
    format: u32,
    /// Whether the manifest has a checksum of its own.
    sealed: bool,
    /// What the package says of who signed it.
    pub signature: Option<Signed>,
    files: Vec<File>,
    /// Version of the tiny system's kernel.
    pub kernel: String,
    /// Modules of its initramfs.
    pub modules: Vec<String>,
    payload: Payload,
    partitions: Vec<Partition>,
    volume_groups: Vec<VolumeGroup>,
    filesystems: Vec<Filesystem>,
    identity: Policy,
    /// The level that the package demands.
    protection: Option<String>,
    proof_boot: bool,
    console_password: bool,
    requires: Requires,
}

#[derive(Debug, Serialize)]
struct Partition {
    number: u32,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    start: u64,
    size: u64,
    grows: bool,
}

/// What a machine must have at least.
#[derive(Debug, Default, Serialize)]
struct Requires {
    /// RAM for the tiny system, where the payload has to lie in it.
    memory: u64,
    /// RAM, where it stays on the disk (protection `resume`).
    memory_resume: u64,
    disk: u64,
    /// The processor's level, if the package names one.
    cpu: Option<Level>,
}

impl Report {
    /// What the manifest says.
    pub fn of(manifest: &Manifest, seal: Seal) -> Report {
        let payload = manifest.file(PAYLOAD).map_or(0, |file| file.size);
        let beside = BESIDE_PAYLOAD;
        Report {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            format: manifest.format,
            sealed: seal == Seal::Right,
            signature: None,
            files: manifest.files.clone(),
            kernel: String::new(),
            modules: Vec::new(),
            payload: manifest.payload.clone(),
            partitions: Vec::new(),
            volume_groups: manifest.volume_groups.clone(),
            filesystems: manifest.filesystems.clone(),
            identity: manifest.identity,
            protection: manifest.protection.map(|p| p.word().to_string()),
            proof_boot: manifest.has_proof_boot(),
            console_password: manifest.console.password.is_some(),
            requires: Requires {
                memory: payload.saturating_add(beside),
                memory_resume: beside,
                disk: 0,
                cpu: manifest.requires.cpu,
            },
        }
    }

    /// What the partition table says.
    pub fn add_table(&mut self, table: &Table, manifest: &Manifest) {
        let last = table.last_partition().filter(|_| manifest.table.grow_last);
        for partition in &table.partitions {
            let bytes = table.byte_range(partition);
            self.partitions.push(Partition {
                number: partition.number,
                kind: partition.type_guid.to_string(),
                name: partition.name.to_string(),
                start: bytes.start,
                size: bytes.end.saturating_sub(bytes.start),
                grows: last.is_some_and(|l| l.number == partition.number),
            });
        }
        self.requires.disk = match last {
            None => table.disk_bytes(),
            Some(last) => {
                let start = table.byte_range(last).start;
                let end = start.saturating_add(self.needed(last.number));
                end.saturating_add(1 << 20)
            }
        };
    }

    /// What lies on a partition, at least.
    fn needed(&self, number: u32) -> u64 {
        let on = |device: &Device| {
            self.filesystems
                .iter()
                .find(|f| f.device().as_ref() == Some(device))
        };
        if let Some(filesystem) = on(&Device::Partition(number)) {
            return with_overhead(filesystem.content_bytes);
        }
        let groups = self.volume_groups.iter();
        let own = groups.filter(|group| group.partitions == [number]);
        let volumes = own.flat_map(|group| group.volumes.iter().map(move |v| (group, v)));
        let size = |(group, volume): (&VolumeGroup, &ondisk::manifest::Volume)| match volume.size {
            Size::Bytes(bytes) => bytes,
            Size::Rest => on(&Device::Volume {
                group: &group.name,
                volume: &volume.name,
            })
            .map_or(0, |filesystem| with_overhead(filesystem.content_bytes)),
        };
        volumes.map(size).fold(1 << 20, u64::saturating_add)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = format!("{} {}", self.name, self.version);
        writeln!(f, "package {} (format {})", title.trim_end(), self.format)?;
        if !self.sealed {
            writeln!(f, "  migration.toml has no checksum of its own")?;
        }
        match &self.signature {
            None => writeln!(f, "  not signed")?,
            Some(signed) => writeln!(f, "  {signed}")?,
        }
        writeln!(f, "\nfiles")?;
        for file in &self.files {
            writeln!(
                f,
                "  {:<26} {:>12}  {}",
                file.name,
                mebibytes(file.size),
                file.sha256
            )?;
        }
        writeln!(f, "\ntiny system")?;
        writeln!(
            f,
            "  kernel {}, {} modules",
            self.kernel,
            self.modules.len()
        )?;
        writeln!(f, "\nnew system")?;
        writeln!(
            f,
            "  {} members, {} unpacked; kernels {}; {}, {}",
            self.payload.entries,
            mebibytes(self.payload.unpacked_bytes),
            self.payload.kernels.join(", "),
            self.payload.grub_install,
            self.payload.initramfs_tool
        )?;
        writeln!(f, "\npartitions")?;
        for p in &self.partitions {
            let grows = if p.grows { "  takes the rest" } else { "" };
            writeln!(
                f,
                "  {:>3}  {:>12}  {}  {}{grows}",
                p.number,
                mebibytes(p.size),
                p.kind,
                p.name
            )?;
        }
        for group in &self.volume_groups {
            writeln!(f, "\nvolume group {} on {:?}", group.name, group.partitions)?;
            for volume in &group.volumes {
                let size = match volume.size {
                    Size::Bytes(bytes) => mebibytes(bytes),
                    Size::Rest => "the rest".into(),
                };
                writeln!(f, "  {:<26} {size:>12}", volume.name)?;
            }
        }
        writeln!(f, "\nfile systems")?;
        for filesystem in &self.filesystems {
            let content = mebibytes(filesystem.content_bytes);
            writeln!(
                f,
                "  {:<16} {:<16} {}  {content:>12} in {} files",
                filesystem.mount, filesystem.device, filesystem.kind, filesystem.content_entries
            )?;
        }
        let demanded = self
            .protection
            .as_deref()
            .unwrap_or("what the machine can have");
        writeln!(
            f,
            "\nprotection: {demanded}{}",
            if self.proof_boot {
                ""
            } else {
                ", without the restart that proves the loader"
            }
        )?;
        if self.console_password {
            writeln!(f, "the tiny system's console asks for a password")?;
        }
        writeln!(
            f,
            "the tiny system needs {} of memory ({} with protection resume), the new one a disk of {} at least",
            mebibytes(self.requires.memory),
            mebibytes(self.requires.memory_resume),
            mebibytes(self.requires.disk)
        )?;
        match self.requires.cpu {
            Some(level) => writeln!(f, "the machine's processor must have {level}"),
            None => Ok(()),
        }
    }
}
