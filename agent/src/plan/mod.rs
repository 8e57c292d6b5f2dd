// SPDX-License-Identifier: MIT OR Apache-2.0
//! All that a migration will do to the disk, computed before any of it is done.
//!
//! [`Plan::compute`] is pure: the same function refuses a machine in
//! `replant check` on the old system and in the tiny system's `preflight`.
//! The destructive steps only carry a plan out.

mod display;
mod names;
mod others;
mod protected;
mod refusal;
#[cfg(test)]
mod tests;
mod unused;
mod volumes;

pub use others::{Name, OtherDisk, OtherGroup, Others, Whole};
pub use refusal::Refusal;
#[cfg(test)]
pub(crate) use tests::{sample, sample_files, sample_input, sample_with};
pub use unused::{Space, Unused};
pub use volumes::{PvDevice, volume_group};

use crate::block;
use identity::Policy;
use ondisk::gpt::{Backup, Guid, LastPartition, Table};
use ondisk::lifeboat::Protected;
use ondisk::lvm::{VgPlan, dm_name};
use ondisk::manifest::{Device, Filesystem, Manifest, with_overhead};
use ondisk::{ext4, inventory, lvm};
use std::ops::Range;
use std::path::PathBuf;

/// What the machine is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Kernel's name of the disk that is replaced, as `sda`.
    pub disk: String,
    /// Its size in bytes.
    pub disk_bytes: u64,
    /// Its logical block size in bytes.
    pub block_size: u32,
    pub others: Others,
    /// The old machine's host name, for the creator of volumes.
    pub host: String,
    /// Seconds since 1970.
    pub time: u64,
    /// Ranges that must stay on the disk until the new system boots.
    pub protected: Protected,
}

/// A file system that will be made.
#[derive(Debug, Clone)]
pub struct PlannedFilesystem {
    /// Its device, as `/dev/sda2` or `/dev/mapper/VA-root`.
    pub device: PathBuf,
    /// Where it is mounted in the new system.
    pub mount: String,
    pub options: ext4::Options,
    /// Bytes that the payload puts on it.
    pub content_bytes: u64,
}

/// All that will be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The disk's node, as `/dev/sda`.
    pub disk: PathBuf,
    /// The table that it gets.
    pub table: Table,
    pub groups: Vec<VgPlan>,
    /// The file systems, parents before what is mounted in them.
    pub filesystems: Vec<PlannedFilesystem>,
    /// Kernels of the new system, newest first.
    pub kernels: Vec<String>,
    pub identity: Policy,
    /// Ranges of the whole disk that no step may write: none, unless files of the
    /// staging stay there.
    pub protected: Protected,
}

/// Space for one initramfs for any machine, which the `boot` step makes for each
/// kernel: EL9's has about 100 MiB, twice that of the payload.
const INITRAMFS: u64 = 128 << 20;

/// What the `boot` step adds to the file system that holds /boot, in bytes.
fn boot_room(manifest: &Manifest, mount: &str) -> u64 {
    let has_own = manifest.filesystems.iter().any(|f| f.mount == "/boot");
    let holds_boot = mount == if has_own { "/boot" } else { "/" };
    let kernels = u64::try_from(manifest.payload.kernels.len()).unwrap_or(u64::MAX);
    INITRAMFS.saturating_mul(if holds_boot { kernels } else { 0 })
}

impl Plan {
    /// The node of a partition that the disk gets.
    pub fn partition_node(&self, number: u32) -> PathBuf {
        // Not its file name: `/dev/cciss/c0d0` has directories.
        let name = self.disk.strip_prefix("/dev").unwrap_or(&self.disk);
        block::partition_node(&name.to_string_lossy(), number)
    }

    /// Computes what will be done; `random` fills its buffer with random bytes.
    pub fn compute(
        manifest: &Manifest,
        backup: &Backup,
        facts: &Facts,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Plan, Refusal> {
        require_contents(manifest)?;
        refuse_groups(manifest, &facts.others.groups)?;
        refuse_shared(&facts.others)?;
        let last = if manifest.table.grow_last {
            LastPartition::Grow
        } else {
            LastPartition::Keep
        };
        let table = backup
            .table()
            .fit(facts.disk_bytes, facts.block_size, last)
            .map_err(|source| Refusal::Table {
                disk: facts.disk.clone(),
                source,
            })?;
        // The boot step looks for GRUB's images there, whatever installs them.
        let bios = |p: &ondisk::gpt::Partition| p.type_guid == Guid::BIOS_BOOT;
        if !table.partitions.iter().any(bios) {
            return Err(Refusal::NoBiosBoot);
        }
        names::refuse_taken(manifest, &table, &facts.others.names)?;
        let groups = manifest
            .volume_groups
            .iter()
            .map(|group| plan_group(group, &table, facts, random))
            .collect::<Result<Vec<_>, _>>()?;
        protected::refuse_outside(&facts.protected, manifest, &table, &groups)?;
        let mut filesystems = Vec::new();
        for filesystem in manifest.mount_order() {
            let more = boot_room(manifest, &filesystem.mount);
            let planned = plan_filesystem(filesystem, more, &table, &groups, facts, random)?;
            filesystems.push(planned);
        }
        let kernels = manifest.payload.kernels.clone();
        let disk = block::node(&facts.disk);
        Ok(Plan {
            disk,
            table,
            groups,
            filesystems,
            kernels,
            identity: manifest.identity,
            protected: facts.protected.clone(),
        })
    }

    /// Whether the file systems can hold what was found in the payload.
    pub fn holds(&self, facts: &inventory::Facts) -> Result<(), Refusal> {
        for content in &facts.content {
            let Some(planned) = self.filesystems.iter().find(|f| f.mount == content.mount) else {
                continue;
            };
            let mount = content.mount.clone();
            let layout = ext4::Layout::plan(&planned.options);
            let layout = layout.map_err(|source| Refusal::Filesystem {
                mount: mount.clone(),
                source,
            })?;
            if layout.block_size() < content.block {
                return Err(Refusal::Block {
                    mount,
                    have: layout.block_size(),
                    need: content.block,
                    file: content.because.clone(),
                });
            }
        }
        Ok(())
    }

    /// The new root file system.
    pub fn root(&self) -> Option<&PlannedFilesystem> {
        self.filesystems.iter().find(|f| f.mount == "/")
    }
}

/// Refuses a group that is not on the replaced disk alone, and the name of a
/// group that stays.
fn refuse_groups(manifest: &Manifest, others: &[OtherGroup]) -> Result<(), Refusal> {
    for OtherGroup { name, device, here } in others {
        let (name, device) = (name.clone(), device.clone());
        if let Some(here) = here.clone() {
            return Err(Refusal::GroupSpans { name, here, device });
        }
        if manifest.volume_groups.iter().any(|g| g.name == name) {
            return Err(Refusal::GroupExists { name, device });
        }
    }
    Ok(())
}

/// Refuses arrays and the like that span the replaced disk and another one, for
/// they would be lost as a whole, and those with a missing member.
fn refuse_shared(others: &Others) -> Result<(), Refusal> {
    for whole in &others.wholes {
        if !whole.elsewhere.is_empty() {
            return Err(Refusal::Spans(whole.clone()));
        }
        if whole.missing > 0 && !others.whole_before.contains(&whole.id()) {
            return Err(Refusal::Incomplete(whole.clone()));
        }
    }
    if let Some((file, device)) = others.keys.first().cloned() {
        return Err(Refusal::Key { file, device });
    }
    Ok(())
}

/// Refuses a payload without what the new system needs to boot.
fn require_contents(manifest: &Manifest) -> Result<(), Refusal> {
    if manifest.payload.kernels.is_empty() {
        return Err(Refusal::NoKernel);
    }
    if !manifest.payload.fstab {
        return Err(Refusal::NoFstab);
    }
    // Commands of the package's own replace both.
    if manifest.boot.commands.is_empty() {
        if manifest.payload.grub_install.is_empty() {
            return Err(Refusal::NoBootloader);
        }
        if manifest.payload.initramfs_tool.is_empty() {
            return Err(Refusal::NoInitramfsTool);
        }
    }
    Ok(())
}

fn partition(table: &Table, number: u32) -> Result<&ondisk::gpt::Partition, Refusal> {
    table
        .partition(number)
        .ok_or(Refusal::NoPartition { number })
}

fn node(facts: &Facts, number: u32) -> PathBuf {
    block::partition_node(&facts.disk, number)
}

/// The protected ranges within a partition, in bytes from its start.
fn on_partition(protected: &Protected, partition: &Range<u64>) -> Vec<Range<u64>> {
    let within = protected.within(partition).into_iter();
    within
        .map(|r| r.start - partition.start..r.end - partition.start)
        .collect()
}

fn plan_group(
    group: &ondisk::manifest::VolumeGroup,
    table: &Table,
    facts: &Facts,
    random: &mut dyn FnMut(&mut [u8]),
) -> Result<VgPlan, Refusal> {
    let mut devices = Vec::new();
    for &number in &group.partitions {
        let bytes = table.byte_range(partition(table, number)?);
        devices.push(PvDevice {
            path: node(facts, number).display().to_string(),
            bytes: bytes.end.saturating_sub(bytes.start),
            avoid: on_partition(&facts.protected, &bytes),
        });
    }
    let (host, time) = (&facts.host, facts.time);
    Ok(volume_group(group, &devices, host, time, random)?)
}

fn plan_filesystem(
    filesystem: &Filesystem,
    more: u64,
    table: &Table,
    groups: &[VgPlan],
    facts: &Facts,
    random: &mut dyn FnMut(&mut [u8]),
) -> Result<PlannedFilesystem, Refusal> {
    let mount = filesystem.mount.clone();
    if filesystem.kind != "ext4" {
        return Err(Refusal::FilesystemType {
            mount,
            kind: filesystem.kind.clone(),
        });
    }
    let unknown = || Refusal::NoDevice {
        mount: mount.clone(),
        device: filesystem.device.clone(),
    };
    let (device, size_bytes) = match filesystem.device().ok_or_else(unknown)? {
        Device::Partition(number) => {
            let bytes = table.byte_range(partition(table, number)?);
            (node(facts, number), bytes.end.saturating_sub(bytes.start))
        }
        Device::Volume { group, volume } => {
            let plan = groups
                .iter()
                .find(|g| g.name == group)
                .ok_or_else(unknown)?;
            let built = plan.build()?;
            let extents = built.lv(volume).ok_or_else(unknown)?.extents();
            let name = dm_name(group, volume).map_err(lvm::PlanError::from)?;
            let bytes = extents.saturating_mul(built.extent_bytes());
            (PathBuf::from("/dev/mapper").join(name), bytes)
        }
    };
    let mut fresh = [[0; 16]; 2];
    fresh.iter_mut().for_each(|bytes| random(bytes));
    let [mut new_uuid, hash_seed] = fresh;
    // RFC 9562: version 4, variant 1.
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut new_uuid;
    *version = *version & 0x0f | 0x40;
    *variant = *variant & 0x3f | 0x80;
    let id = filesystem.uuid_bytes().unwrap_or(new_uuid);
    let time = u32::try_from(facts.time).unwrap_or(u32::MAX);
    let refused = |source| Refusal::Filesystem {
        mount: mount.clone(),
        source,
    };
    let mut options = ext4::Options::new(size_bytes, id, hash_seed, time);
    options.label = ext4::Label::new(&filesystem.label).map_err(refused)?;
    options.sector_bytes = facts.block_size;
    // Never 0, which jbd2 takes for "none"; never that of an old journal; and far
    // below the maximum, because it counts transactions and would wrap.
    let [a, b, c, d, ..] = hash_seed;
    options.journal_sequence = (u32::from_le_bytes([a, b, c, d]) >> 2).max(1);
    let layout = ext4::Layout::plan(&options).map_err(refused)?;
    let need = with_overhead(filesystem.content_bytes.saturating_add(more));
    if need > layout.free_bytes() {
        return Err(Refusal::ContentBytes {
            mount,
            need,
            have: layout.free_bytes(),
        });
    }
    if filesystem.content_entries > layout.free_inodes() {
        let (need, have) = (filesystem.content_entries, layout.free_inodes());
        return Err(Refusal::ContentInodes { mount, need, have });
    }
    Ok(PlannedFilesystem {
        device,
        mount,
        options,
        content_bytes: filesystem.content_bytes,
    })
}
