// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is done on the old system so that the migration survives a power cut at
//! any instant.
//!
//! [`judge`] says which level of protection this machine can have, and why not a
//! better one; `check` and `stage` both use it. [`pin`] leaves on the disk all
//! that the tiny system needs when the old file systems are gone, and makes the
//! boot sector that starts it. [`forget`] and [`put_back`] undo that.

mod ahead;
mod choice;
mod files;
mod forget;
mod judge;
mod obstacle;
mod pin;
mod sector;
mod sums;
#[cfg(test)]
mod tests;

pub use choice::Refused;
pub(super) use choice::choose;
pub(super) use files::DIR;
pub(super) use forget::forget;
pub(super) use judge::{Question, chain, first_sector, judge, read};
pub use obstacle::Obstacle;
pub use pin::Error;
pub(super) use pin::{Staging, pin};
pub use sector::Error as SectorError;
pub(super) use sector::{is_armed, put_back};

/// The file in /boot that GRUB's `chainloader` starts.
pub(super) const BOOT_SECTOR: &str = "stage1.bin";
