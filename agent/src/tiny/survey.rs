// SPDX-License-Identifier: MIT OR Apache-2.0
//! The survey: lists what this machine has, and changes nothing.

use crate::lvm::{device_names, mapping, scan};
use crate::report::bytes;
use crate::tiny::steps::Context;
use std::time::{Duration, Instant};

/// Prints disks, partitions, file systems, volume groups, and devices that
/// have no driver, or the error that kept it from looking.
pub(super) fn print(context: &mut Context) {
    if let Err(error) = survey(context) {
        context.reporter.line(&error.to_string());
    }
}

fn survey(context: &mut Context) -> Result<(), crate::tiny::steps::Error> {
    context.devices.coldplug()?;
    context.devices.ensure(&["dm-mod", "ext4"])?;
    context.devices.settle(
        Duration::from_millis(500),
        Instant::now() + Duration::from_secs(10),
    )?;
    let reporter = context.reporter.clone();
    let blocks = context.devices.block_devices()?;
    for line in super::disks::lines(&blocks) {
        reporter.line(&line);
    }
    let groups = scan(&context.lvm_devices()?);
    for group in &groups.groups {
        reporter.line(&format!(
            "volume group {} on {}",
            group.vg.name,
            device_names(group)
        ));
        for problem in &group.problems {
            reporter.line(&format!("  {problem}"));
        }
        for lv in group.vg.lvs.iter().filter(|lv| lv.is_visible()) {
            let size = lv.extents().saturating_mul(group.vg.extent_bytes());
            let note = mapping(group, lv)
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
