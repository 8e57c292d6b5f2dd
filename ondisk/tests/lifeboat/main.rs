// SPDX-License-Identifier: MIT OR Apache-2.0
//! What survives a power cut, against bytes that a few lines of Python made.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod record;
mod state;
