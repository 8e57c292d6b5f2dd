// SPDX-License-Identifier: MIT OR Apache-2.0
//! Devices without a driver, and which module they want.

use std::fmt;
use std::path::Path;

use ondisk::modules::modalias::{Kind, describe, kind};

use super::{Modules, coldplug};

/// A device that matters and that no driver took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unserved {
    /// What kind of device it is.
    pub kind: Kind,
    /// Its name in sysfs (`0000:00:05.0`).
    pub device: String,
    /// What its driver is found by.
    pub modalias: String,
    /// Modules of the image that should drive it and do not.
    pub present: Vec<String>,
    /// Modules that drive it and were left out of the image.
    pub absent: Vec<String>,
}

impl fmt::Display for Unserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}) has no driver: ",
            self.device,
            describe(&self.modalias)
        )?;
        match (self.present.as_slice(), self.absent.as_slice()) {
            ([], []) => f.write_str("no module of this kernel is known for it"),
            ([], absent) => {
                let with: Vec<_> = absent.iter().map(|name| format!("--with {name}")).collect();
                let (names, with) = (absent.join(" or "), with.join(" "));
                write!(f, "module {names} is wanted and not in this initramfs; ")?;
                write!(f, "make it again with `replant-pack initramfs {with}`")
            }
            (present, _) => write!(
                f,
                "module {} did not take it, see dmesg",
                present.join(", ")
            ),
        }
    }
}

/// The devices below `sys` without a driver, but for those that do not matter;
/// disk controllers first, then by path.
pub(super) fn find(sys: &Path, modules: &Modules) -> Vec<Unserved> {
    let mut found = Vec::new();
    for (path, modalias) in coldplug::devices(sys) {
        let kind = kind(&modalias);
        if kind == Kind::Other || path.join("driver").exists() {
            continue;
        }
        let device = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let (present, absent) = modules.drivers(&modalias);
        // A virtual device like an input of the HID layer needs no driver of its own.
        if kind != Kind::Storage && present.is_empty() && absent.is_empty() {
            continue;
        }
        let names = |names: Vec<_>| names.iter().map(ToString::to_string).collect();
        let (present, absent) = (names(present), names(absent));
        found.push(Unserved {
            kind,
            device,
            modalias,
            present,
            absent,
        });
    }
    // The sort is stable: paths stay in their order.
    found.sort_by_key(|device| device.kind);
    found
}
