// SPDX-License-Identifier: MIT OR Apache-2.0
//! For tests: a loss of power after so many writes of this thread.

use std::cell::Cell;
use std::io;

/// What is left until the power is gone.
#[derive(Debug, Clone, Copy)]
struct Cut {
    /// Writes that are still done.
    writes: u32,
    /// Bytes of the next one that are done, too.
    torn: usize,
    /// Whether a write was refused.
    gone: bool,
}

thread_local! {
    static CUT: Cell<Option<Cut>> = const { Cell::new(None) };
}

/// From now on `writes` writes are done, then `torn` bytes of the next one, and
/// then none.
pub(crate) fn after(writes: u32, torn: usize) {
    CUT.set(Some(Cut {
        writes,
        torn,
        gone: false,
    }));
}

/// All writes are done again. Whether the power was gone.
pub(crate) fn mended() -> bool {
    CUT.take().is_some_and(|cut| cut.gone)
}

/// Bytes that are written of a write at this offset, and whether it fails
/// then. Sector 0 is taken to be written at once.
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
