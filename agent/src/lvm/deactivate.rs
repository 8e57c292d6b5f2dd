// SPDX-License-Identifier: MIT OR Apache-2.0
//! Removing device-mapper devices.

use std::thread::sleep;
use std::time::{Duration, Instant};

use ondisk::lvm::VolumeGroup;
use rustix::io::Errno;
use sys::dm::{DmError, Selector};

use super::activate::Mapper;
use super::error::LvmError;
use super::node;
use crate::block::{DevNo, Holder, stacked_on};

/// How long to wait for a device that is open: udev, for one, opens devices for a
/// moment.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);

impl Mapper {
    /// Removes every device-mapper device on a disk and its partitions, the
    /// topmost first, with nodes and links. Returns the names in that order.
    ///
    /// Fails before anything is removed if something other than device-mapper is
    /// on top; fails with the name of a device that stays in use.
    pub fn deactivate_disk(&self, disk: DevNo) -> Result<Vec<String>, LvmError> {
        self.remove_stack(&stacked_on(&self.sysfs, disk)?)
    }

    /// Removes every device of a volume group, and those on top of them.
    pub fn deactivate_group(&self, vg: &VolumeGroup) -> Result<Vec<String>, LvmError> {
        let prefix = format!("LVM-{}", vg.id.compact());
        let mut removed = Vec::new();
        for name in self.control.list()? {
            // It may have been removed with another volume's stack.
            let Some(status) = self.control.status(Selector::Name(&name))? else {
                continue;
            };
            if !status.uuid.starts_with(&prefix) {
                continue;
            }
            // A device without a table has no entry in /sys on newer kernels.
            if status.active {
                removed.extend(self.remove_stack(&stacked_on(&self.sysfs, status.dev.into())?)?);
            }
            self.remove(&status.name)?;
            removed.push(status.name);
        }
        Ok(removed)
    }

    fn remove_stack(&self, stack: &[Holder]) -> Result<Vec<String>, LvmError> {
        let names = removable(stack)?;
        for name in &names {
            self.remove(name)?;
        }
        Ok(names)
    }

    /// Removes one device, waiting a while for those who have it open. A device
    /// that does not exist is no error.
    fn remove(&self, name: &str) -> Result<(), LvmError> {
        let start = Instant::now();
        loop {
            match self.control.remove(name) {
                Ok(())
                | Err(DmError::Ioctl {
                    errno: Errno::NXIO, ..
                }) => break,
                Err(DmError::Ioctl {
                    errno: Errno::BUSY, ..
                }) if start.elapsed() < PATIENCE => {
                    sleep(PAUSE);
                }
                Err(DmError::Ioctl {
                    errno: Errno::BUSY, ..
                }) => {
                    let status = self.control.status(Selector::Name(name))?;
                    return Err(LvmError::Busy {
                        name: name.to_owned(),
                        seconds: start.elapsed().as_secs(),
                        open_count: status.map_or(0, |s| s.open_count),
                    });
                }
                Err(e) => return Err(e.into()),
            }
        }
        node::remove(&self.dev_dir, name)
    }
}

/// The names of the devices of a stack, if all belong to device-mapper.
fn removable(stack: &[Holder]) -> Result<Vec<String>, LvmError> {
    let name = |holder: &Holder| {
        let Holder { device, below } = holder;
        device.dm_name.clone().ok_or_else(|| {
            let (holder, below) = (device.name.clone(), below.clone());
            LvmError::ForeignHolder { holder, below }
        })
    };
    stack.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::tests::stack;

    #[test]
    fn an_array_on_the_disk_keeps_everything_in_place() {
        let disk = DevNo { major: 8, minor: 0 };
        let plan = |holders: &[(&str, &str)]| {
            let tmp = stack(holders);
            removable(&stacked_on(tmp.path(), disk).unwrap())
        };
        let volumes = [("sda1", "dm-0"), ("sda2", "dm-1"), ("dm-0", "dm-2")];
        assert_eq!(plan(&volumes).unwrap(), ["name2", "name0", "name1"]);
        // An md array on a partition or the disk, with a volume on it or without.
        for (holders, below) in [
            (vec![("sda1", "md0")], "sda1"),
            (vec![("sda", "md0"), ("md0", "dm-3")], "sda"),
            ([&volumes[..], &[("sda2", "md0")]].concat(), "sda2"),
        ] {
            assert_eq!(
                plan(&holders).unwrap_err().to_string(),
                format!(
                    "md0 uses {below} and is no device-mapper device: stop it first \
                     (a RAID: mdadm --stop /dev/md0)"
                )
            );
        }
    }
}
