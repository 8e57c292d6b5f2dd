// SPDX-License-Identifier: MIT OR Apache-2.0
//! disks and vgchange: block devices, and the volumes on them.

use std::io::Write;

use super::{ConsoleError, Setup, kernel};
use crate::lvm::{Access, Mapper, scan};
use crate::{block, locate};

/// Prints every disk with its partitions, and the mapped devices.
pub(super) fn print(setup: &Setup, output: &mut dyn Write) -> Result<(), ConsoleError> {
    let blocks = block::list(&setup.path(block::SYS))?;
    if blocks.is_empty() {
        writeln!(
            output,
            "The kernel knows no disk: is the driver's module loaded? See dmesg."
        )?;
    }
    for line in crate::tiny::disks::lines(&blocks) {
        writeln!(output, "{line}")?;
    }
    Ok(())
}

/// Maps all logical volumes, and prints their nodes.
pub(super) fn map_volumes(
    setup: &Setup,
    writable: bool,
    output: &mut dyn Write,
) -> Result<(), ConsoleError> {
    let access = match writable {
        true => Access::ReadWrite,
        false => Access::ReadOnly,
    };
    let mut devices = kernel::devices(setup)?;
    devices.ensure(&["dm-mod"])?;
    let blocks = devices.block_devices()?;
    let mapper = Mapper::open()?;
    for group in &scan(&locate::lvm_devices(&blocks)).groups {
        let (active, refused) = mapper.activate_all(group, access)?;
        let lines = active.iter().map(|a| a.link.display().to_string());
        for line in lines.chain(refused.iter().map(|e| e.to_string())) {
            writeln!(output, "{line}")?;
        }
    }
    Ok(())
}
