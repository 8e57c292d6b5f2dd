// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds the disk with the record that the command line names.

use super::{Context, Error};
use crate::block::BlockDevice;
use crate::locate::{LONGEST, QUIET, RESTLESS};
use crate::tiny::lifeboat;
use contract::cmdline::RETRY;
use ondisk::lifeboat::Address;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Finds the disk, and waits for it.
pub(super) fn find(context: &mut Context, address: Address) -> Result<(), Error> {
    context.reporter.line(&format!(
        "looking for the disk with the record of staging {}",
        address.id
    ));
    context.devices.coldplug()?;
    context.devices.ensure(&["dm-mod", "ext4"])?;
    let patience = Duration::from_secs(context.cmdline.retry.unwrap_or(RETRY)).min(LONGEST);
    let deadline = Instant::now() + patience;
    let what = "the disk of the record";
    let waited = context.devices.wait_for(what, deadline, |blocks| {
        // Waiting does not make one disk of two.
        let found = lifeboat::find(&disks(blocks), &address);
        (!matches!(found, Err(lifeboat::Error::NotFound { .. }))).then_some(())
    });
    if waited.is_ok() {
        // A copy of it may be on a disk that appears later.
        context.devices.settle(QUIET, Instant::now() + RESTLESS)?;
    }
    let blocks = context.devices.block_devices()?;
    context.lifeboat = Some(lifeboat::find(&disks(&blocks), &address)?);
    Ok(())
}

fn disks(blocks: &[BlockDevice]) -> Vec<PathBuf> {
    let disks = blocks.iter().filter(|b| b.is_disk() && b.bytes > 0);
    disks.map(BlockDevice::path).collect()
}
