// SPDX-License-Identifier: MIT OR Apache-2.0
//! Commands that the recovery console gets from the rest of replant.

use crate::console::Extra;
use crate::device::Devices;
use crate::lvm::{Access, Mapper, scan};
use std::io::Write;

/// Modules and volume groups, by hand.
pub const CONSOLE_COMMANDS: [Extra; 2] = [
    Extra {
        usage: "modprobe NAME...",
        help: "loads kernel modules with all that they need",
        run: modprobe,
    },
    Extra {
        usage: "vgchange [rw]",
        help: "maps all logical volumes, read-only unless rw is said",
        run: vgchange,
    },
];

fn devices() -> Result<Devices, String> {
    let text =
        std::fs::read_to_string("/proc/cmdline").map_err(|e| format!("/proc/cmdline: {e}"))?;
    Devices::open(&text).map_err(|e| e.to_string())
}

fn modprobe(arguments: &[String], _output: &mut dyn Write) -> Result<(), String> {
    let names: Vec<&str> = arguments.iter().map(String::as_str).collect();
    devices()?.ensure(&names).map_err(|e| e.to_string())
}

fn vgchange(arguments: &[String], output: &mut dyn Write) -> Result<(), String> {
    let access = match arguments {
        [] => Access::ReadOnly,
        [word] if word == "rw" => Access::ReadWrite,
        _ => return Err("vgchange takes nothing, or rw".into()),
    };
    let mut devices = devices()?;
    devices.ensure(&["dm-mod"]).map_err(|e| e.to_string())?;
    let blocks = devices.block_devices().map_err(|e| e.to_string())?;
    let mapper = Mapper::open().map_err(|e| e.to_string())?;
    for group in &scan(&crate::locate::lvm_devices(&blocks)).groups {
        let (active, refused) = mapper
            .activate_all(group, access)
            .map_err(|e| e.to_string())?;
        let lines = active.iter().map(|a| a.link.display().to_string());
        for line in lines.chain(refused.iter().map(|e| e.to_string())) {
            writeln!(output, "{line}").map_err(|e| e.to_string())?;
        }
    }
    Ok(())
}
