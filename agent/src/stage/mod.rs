// SPDX-License-Identifier: MIT OR Apache-2.0
//! The old system's side: check, stage, revert, status.

pub mod bootentry;
mod staged;

pub use staged::{Error as StagedError, FORMAT, Staged};
