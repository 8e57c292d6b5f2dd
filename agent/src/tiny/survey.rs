// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant=report`: what this machine has, changing nothing.

use crate::locate;
use crate::lvm::scan;
use crate::report::bytes;
use crate::steps::Context;
use std::time::{Duration, Instant};

/// Prints disks, partitions, file systems, volume groups, and devices that
/// have no driver. What cannot be found out is a line, not an end.
pub(super) fn print(context: &mut Context) {
    if let Err(error) = survey(context) {
        context.reporter.line(&error.to_string());
    }
}

fn survey(context: &mut Context) -> Result<(), crate::steps::Error> {
    context.devices.coldplug()?;
    context.devices.ensure(&["dm-mod", "ext4"])?;
    context.devices.settle(
        Duration::from_millis(500),
        Instant::now() + Duration::from_secs(10),
    )?;
    let reporter = context.reporter.clone();
    let blocks = context.devices.block_devices()?;
    for disk in blocks.iter().filter(|b| b.is_disk()) {
        reporter.line(&disk.describe());
        let own = blocks
            .iter()
            .filter(|b| b.parent.as_deref() == Some(&disk.name));
        for part in std::iter::once(disk).chain(own) {
            if let Some(content) = locate::identify(&part.path()) {
                reporter.line(&format!(
                    "  {:<12} {:>9}  {} {} {}",
                    part.name,
                    bytes(part.bytes()),
                    content.kind,
                    content.uuid,
                    content.label
                ));
            }
        }
    }
    let groups = scan(&context.lvm_devices()?);
    for group in &groups.groups {
        reporter.line(&format!(
            "volume group {} on {}",
            group.vg.name,
            group.device_names()
        ));
        for problem in &group.problems {
            reporter.line(&format!("  {problem}"));
        }
        for lv in group.vg.lvs.iter().filter(|lv| lv.is_visible()) {
            let size = lv.extents().saturating_mul(group.vg.extent_bytes());
            let note = group
                .mapping(lv)
                .err()
                .map(|e| format!("  {e}"))
                .unwrap_or_default();
            reporter.line(&format!("  {:<12} {:>9}{note}", lv.name, bytes(size)));
        }
    }
    for failure in &groups.failures {
        reporter.line(&failure.to_string());
    }
    for device in context.devices.unserved() {
        reporter.line(&device.to_string());
    }
    Ok(())
}
