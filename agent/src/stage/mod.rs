// SPDX-License-Identifier: MIT OR Apache-2.0
//! The old system's side: check, stage, revert, status.

pub mod bootentry;
mod check;
mod display;
mod error;
mod old;
mod package;
mod place;
mod staged;
mod status;
mod swap;

pub use check::check;
pub use error::Error;
pub use package::Package;
pub use place::{revert, stage};
pub use staged::{Error as StagedError, FORMAT, Staged};
pub use status::status;
