// SPDX-License-Identifier: MIT OR Apache-2.0
//! A person asked to stop. `/init` makes a file; a thread here sees it, and
//! everything that may take long asks [`check`] where it can stop safely.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often the file is looked for.
const LOOK: Duration = Duration::from_millis(250);

/// Concerns the whole process, like a signal; never reset.
static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Somebody asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped by hand")]
pub struct Stopped;

/// Looks for the file `path` from now on, in a thread of its own. Where no
/// thread can be had, `/init` ends the whole program instead.
pub fn watch(path: &'static Path) {
    let look = move || {
        while !path.exists() {
            std::thread::sleep(LOOK);
        }
        request();
    };
    if let Err(error) = std::thread::Builder::new().name("stop".into()).spawn(look) {
        log::warn!("nobody listens for {}: {error}", path.display());
    }
}

/// Asks everything in this process to stop.
pub fn request() {
    REQUESTED.store(true, Ordering::Relaxed);
}

pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// Fails once somebody asked to stop.
pub fn check() -> Result<(), Stopped> {
    match requested() {
        true => Err(Stopped),
        false => Ok(()),
    }
}
