// SPDX-License-Identifier: MIT OR Apache-2.0
//! For tests: simulates a loss of power after a number of writes of this thread.

use std::cell::Cell;
use std::io;

/// How much is still written before the simulated power loss.
#[derive(Debug, Clone, Copy)]
struct Cut {
    /// Writes that still succeed.
    writes: u32,
    /// Bytes of the write after those that still reach the disk.
    torn: usize,
    /// Whether a write has failed since.
    gone: bool,
}

thread_local! {
    static CUT: Cell<Option<Cut>> = const { Cell::new(None) };
}

/// From now on `writes` writes succeed, then the first `torn` bytes of one more,
/// and then none.
pub(crate) fn after(writes: u32, torn: usize) {
    CUT.set(Some(Cut {
        writes,
        torn,
        gone: false,
    }));
}

/// Lets all writes succeed again. Returns whether one had failed.
pub(crate) fn mended() -> bool {
    CUT.take().is_some_and(|cut| cut.gone)
}

/// The bytes of a write that reach the disk, and whether it fails. Sector 0 is
/// taken to be written atomically.
pub(super) fn take(offset: u64, bytes: &[u8]) -> (&[u8], io::Result<()>) {
    let Some(cut) = CUT.get() else {
        return (bytes, Ok(()));
    };
    if let Some(writes) = cut.writes.checked_sub(1) {
        CUT.set(Some(Cut { writes, ..cut }));
        return (bytes, Ok(()));
    }
    CUT.set(Some(Cut {
        torn: 0,
        gone: true,
        ..cut
    }));
    let torn = if offset == 0 { 0 } else { cut.torn };
    (
        bytes.get(..torn).unwrap_or(bytes),
        Err(io::Error::other("the power is gone")),
    )
}
