// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recognising the disk while it is rewritten.

use super::look::newest_state;
use crate::disk::{self, Disk};
use ondisk::lifeboat::Address;

/// Whether this disk has a state of the address's staging.
///
/// # Errors
/// When it cannot be read; no state is no error.
pub fn is_on(disk: &Disk, address: &Address) -> Result<bool, disk::Error> {
    match newest_state(disk, address) {
        Ok(_) => Ok(true),
        Err(super::Error::Disk(error)) => Err(error),
        Err(_) => Ok(false),
    }
}
