// SPDX-License-Identifier: MIT OR Apache-2.0
//! The devices that a disk or a network interface hangs on, with the drivers
//! that they have on this system.

use std::path::{Path, PathBuf};

use crate::block::sysfs::text;

/// Drivers and their modules where the names differ: what is built in has no
/// link to its module, and these set none even where it is one.
const MODULES: [(&str, &str); 6] = [
    ("sd", "sd_mod"),
    ("sr", "sr_mod"),
    ("vbd", "xen_blkfront"),
    ("vif", "xen_netfront"),
    ("xen-pcifront", "xen_pcifront"),
    ("mmcblk", "mmc_block"),
];

/// The module of the driver of this name.
fn module(driver: String) -> String {
    let found = MODULES.iter().find(|(name, _)| *name == driver);
    found.map_or(driver, |(_, module)| (*module).to_string())
}

/// A device that has a driver here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Its name in sysfs (`0000:00:05.0`).
    pub device: String,
    /// The modalias, by which another kernel would find its driver.
    pub modalias: String,
    /// The module that drives it here; by the driver's name, where the kernel
    /// does not say of which module it is.
    pub module: String,
}

impl Served {
    /// The device of this directory, if it has a driver and a modalias.
    fn of(directory: &Path) -> Option<Served> {
        let driver = directory.join("driver");
        let modalias = text(directory, "modalias").filter(|_| driver.exists())?;
        let target = |link: PathBuf| {
            let path = std::fs::canonicalize(link).ok()?;
            Some(path.file_name()?.to_string_lossy().into_owned())
        };
        Some(Served {
            device: directory.file_name()?.to_string_lossy().into_owned(),
            modalias,
            module: target(driver.join("module")).or_else(|| target(driver).map(module))?,
        })
    }
}

/// The devices above `directory` (a disk's, an interface's) in sysfs, the nearest
/// first. Devices without a driver, such as the SCSI host between a disk and its
/// controller, are left out.
pub fn above(directory: &Path) -> Vec<Served> {
    // /sys/block has links; the parents are those of the real path.
    let real = std::fs::canonicalize(directory).unwrap_or_else(|_| directory.into());
    real.ancestors()
        .take_while(|path| path.file_name().is_some_and(|name| name != "devices"))
        .filter_map(Served::of)
        .collect()
}
