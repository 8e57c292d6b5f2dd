// SPDX-License-Identifier: MIT OR Apache-2.0
//! Devices without a driver, and which module they want.

use std::fmt;
use std::path::Path;

use ondisk::modules::modalias::{Kind, describe, kind};

use super::{Drivers, Served, coldplug};

/// A device that the migration may need and that no driver is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unserved {
    pub kind: Kind,
    /// Its name in sysfs (`0000:00:05.0`).
    pub device: String,
    /// The modalias, by which its driver is found.
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

impl Unserved {
    /// Looks up which modules would drive a device that has no driver.
    fn of(device: String, modalias: &str, drivers: &Drivers) -> Unserved {
        let (present, absent) = drivers.of_device(modalias);
        let names = |names: Vec<_>| names.iter().map(ToString::to_string).collect();
        Unserved {
            kind: kind(modalias),
            device,
            modalias: modalias.into(),
            present: names(present),
            absent: names(absent),
        }
    }
}

/// Whether the tiny system has a use for such a device.
pub fn matters(kind: Kind) -> bool {
    !matches!(kind, Kind::Network | Kind::Other)
}

/// The devices below `sys` without a driver, but for those that do not matter;
/// disk controllers first, then by path.
pub(super) fn find(sys: &Path, drivers: &Drivers) -> Vec<Unserved> {
    let mut found = Vec::new();
    for (path, modalias) in coldplug::devices(sys) {
        if !matters(kind(&modalias)) || path.join("driver").exists() {
            continue;
        }
        let name = path.file_name().unwrap_or_default();
        let device = Unserved::of(name.to_string_lossy().into_owned(), &modalias, drivers);
        // A virtual device like an input of the HID layer needs no driver of its own.
        let nothing = device.present.is_empty() && device.absent.is_empty();
        if device.kind == Kind::Storage || !nothing {
            found.push(device);
        }
    }
    // The sort is stable: paths stay in their order.
    found.sort_by_key(|device| device.kind);
    found
}

/// A device of this machine that another system will have no driver for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreseen {
    /// What `find` will say of it there.
    pub device: Unserved,
    /// Whether that is known. Otherwise its driver may be built in there.
    pub certain: bool,
}

impl fmt::Display for Foreseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.device.fmt(f)?;
        match self.certain {
            true => Ok(()),
            false => f.write_str(", unless its driver is built in, which is not known"),
        }
    }
}

/// Looks for a device, which has a driver here, in the system of `drivers`;
/// nothing where it will have one there.
pub fn foresee(served: &Served, drivers: &Drivers) -> Option<Foreseen> {
    let device = Unserved::of(served.device.clone(), &served.modalias, drivers);
    let is_builtin = drivers.is_builtin(&served.modalias) || drivers.is_builtin(&served.module);
    if !device.present.is_empty() || is_builtin {
        return None;
    }
    // Bridges and the like are driven by code that every kernel has built in,
    // under names that no index lists.
    let needs_a_module = matches!(device.kind, Kind::Storage | Kind::Network);
    let certain = !device.absent.is_empty() || drivers.knows_builtins();
    (needs_a_module || !device.absent.is_empty()).then_some(Foreseen { device, certain })
}
