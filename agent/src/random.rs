// SPDX-License-Identifier: MIT OR Apache-2.0
//! Random bytes from the kernel.

use rustix::rand::{GetRandomFlags, getrandom};
use std::time::{SystemTime, UNIX_EPOCH};

/// Fills `bytes` from the kernel. Early in the boot of a machine without a
/// hardware source it waits for entropy; identifiers that repeat would be worse.
pub(crate) fn fill(bytes: &mut [u8]) {
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match getrandom(&mut *rest, GetRandomFlags::empty()) {
            Ok(count) => filled += count,
            Err(rustix::io::Errno::INTR) => {}
            // Not on any kernel since 3.17; the time is better than nothing.
            Err(_) => {
                let now = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                let mut seed = now.as_nanos() | 1;
                for byte in rest.iter_mut() {
                    seed = seed.wrapping_mul(0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645);
                    *byte = seed.to_be_bytes()[0];
                }
                return;
            }
        }
    }
}
