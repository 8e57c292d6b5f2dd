// SPDX-License-Identifier: MIT OR Apache-2.0
//! Activating logical volumes: creating their device-mapper devices.

use std::path::{Path, PathBuf};

use ondisk::lvm::{LogicalVolume, Mapping};
use sys::dm::{Control, Selector, Status, TableLine};

use super::error::LvmError;
use super::node;
use super::scan::{FoundGroup, find_lv, mapping};
use crate::block::DevNo;

/// Whether a volume may be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The device refuses writes.
    ReadOnly,
    /// As the volume's metadata say.
    ReadWrite,
}

/// A volume that is mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveLv {
    pub vg: String,
    pub lv: String,
    pub dm_name: String,
    pub node: PathBuf,
    pub link: PathBuf,
    pub dev: DevNo,
    /// Bytes.
    pub size: u64,
    /// Whether the device refuses writes.
    pub read_only: bool,
}

/// Device-mapper, and the directory with its nodes.
#[derive(Debug)]
pub struct Mapper {
    pub(super) control: Control,
    pub(super) dev_dir: PathBuf,
    pub(super) sysfs: PathBuf,
}

impl Mapper {
    /// Opens /dev/mapper/control; dm-mod must be loaded.
    pub fn open() -> Result<Self, LvmError> {
        Ok(Self {
            control: Control::open()?,
            dev_dir: Path::new("/dev").to_owned(),
            sysfs: Path::new("/sys").to_owned(),
        })
    }

    /// Device-mapper itself.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Maps one volume. The second time it changes nothing.
    ///
    /// A device that is mapped already must have the table of the metadata, or
    /// the call fails. From read-only to writable it is switched in place, the
    /// other way only while nobody has it open.
    pub fn activate(
        &self,
        group: &FoundGroup,
        lv: &str,
        access: Access,
    ) -> Result<ActiveLv, LvmError> {
        let lv = find_lv(group, lv)?;
        self.activate_lv(group, lv, access)
    }

    /// Maps every visible volume of a group that can be mapped. The second list
    /// has the ones that were refused, each with the reason.
    pub fn activate_all(
        &self,
        group: &FoundGroup,
        access: Access,
    ) -> Result<(Vec<ActiveLv>, Vec<LvmError>), LvmError> {
        let mut active = Vec::new();
        let mut refused = Vec::new();
        for lv in group
            .vg
            .lvs
            .iter()
            .filter(|lv| lv.is_visible() && !is_snapshot_link(lv))
        {
            match self.activate_lv(group, lv, access) {
                Ok(a) => active.push(a),
                Err(e @ LvmError::Mapping(_)) => refused.push(e),
                Err(e) => return Err(e),
            }
        }
        Ok((active, refused))
    }

    fn activate_lv(
        &self,
        group: &FoundGroup,
        lv: &LogicalVolume,
        access: Access,
    ) -> Result<ActiveLv, LvmError> {
        let mapping = mapping(group, lv)?;
        let read_only = mapping.read_only || access == Access::ReadOnly;
        let status = self.map(&mapping, read_only)?;
        let (vg, name) = (mapping.path.0.as_str(), mapping.path.1.as_str());
        let dev = DevNo::from(status.dev);
        let (node, link) = node::make(&self.dev_dir, &mapping.name, (vg, name), dev)?;
        Ok(ActiveLv {
            vg: vg.to_owned(),
            lv: name.to_owned(),
            dm_name: mapping.name.clone(),
            node,
            link,
            dev,
            size: lv.extents().saturating_mul(group.vg.extent_bytes()),
            read_only: status.read_only,
        })
    }

    fn map(&self, mapping: &Mapping, read_only: bool) -> Result<Status, LvmError> {
        let name = mapping.name.as_str();
        let wanted = table(mapping);
        let by_uuid = self.control.status(Selector::Uuid(&mapping.uuid))?;
        if let Some(status) = by_uuid.filter(|s| s.name == name) {
            if status.active {
                let found = self.control.table(name)?;
                if found != wanted {
                    let (found, wanted) = (show(&found), show(&wanted));
                    return Err(LvmError::MappedDifferently {
                        name: name.to_owned(),
                        found,
                        wanted,
                    });
                }
                if status.read_only == read_only {
                    return match status.suspended {
                        true => Ok(self.control.resume(name, read_only)?),
                        false => Ok(status),
                    };
                }
                if read_only && status.open_count > 0 {
                    return Err(LvmError::InUse {
                        name: name.to_owned(),
                    });
                }
            }
            // Either an interrupted activation left the device without a table, or it has the
            // other access.
            return self.put_into_force(name, read_only, &wanted);
        }
        if let Some(other) = self.control.status(Selector::Name(name))? {
            let (found, wanted) = (other.uuid, mapping.uuid.clone());
            return Err(LvmError::NameTaken {
                name: name.to_owned(),
                found,
                wanted,
            });
        }
        self.control.create(name, &mapping.uuid)?;
        self.put_into_force(name, read_only, &wanted)
            .inspect_err(|_| {
                // The first error is returned; the empty device must not stay
                // behind.
                if let Err(e) = self.control.remove(name) {
                    log::warn!("{e}");
                }
            })
    }

    fn put_into_force(
        &self,
        name: &str,
        read_only: bool,
        wanted: &[TableLine],
    ) -> Result<Status, LvmError> {
        self.control.load(name, read_only, wanted)?;
        Ok(self.control.resume(name, read_only)?)
    }
}

/// lvm2 stores a snapshot's relation to its origin in a pseudo-volume.
fn is_snapshot_link(lv: &LogicalVolume) -> bool {
    use ondisk::lvm::SegmentKind::Other;
    lv.segments
        .iter()
        .any(|s| matches!(&s.kind, Other { name, .. } if name == "snapshot"))
}

fn table(mapping: &Mapping) -> Vec<TableLine> {
    mapping
        .targets
        .iter()
        .map(|t| TableLine {
            start: t.start,
            length: t.length,
            kind: t.type_name().to_owned(),
            params: t.params(),
        })
        .collect()
}

fn show(table: &[TableLine]) -> String {
    let line = |t: &TableLine| format!("{} {} {} {}", t.start, t.length, t.kind, t.params);
    table.iter().map(line).collect::<Vec<_>>().join("; ")
}
