// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ctrl-C and similar signals: long work checks for them here, and is undone as
//! after any other error.

use anyhow::{Result, anyhow, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

fn flag() -> &'static Arc<AtomicBool> {
    ASKED.get_or_init(Arc::default)
}

/// Notes from now on whether somebody asks to stop.
pub fn listen() -> Result<()> {
    for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
        signal_hook::flag::register(signal, flag().clone())
            .map_err(|e| anyhow!("signals cannot be received: {e}"))?;
    }
    Ok(())
}

/// Whether somebody asked to stop.
pub fn asked() -> bool {
    flag().load(Ordering::Relaxed)
}

/// An error when somebody asked to stop.
pub fn check() -> Result<()> {
    if asked() {
        bail!("stopped; what was begun is taken back");
    }
    Ok(())
}
