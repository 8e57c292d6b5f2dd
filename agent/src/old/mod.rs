// SPDX-License-Identifier: MIT OR Apache-2.0
//! The commands of the old system: check, stage, revert, status.

pub mod arguments;
mod bios;
pub mod bootentry;
mod check;
mod console;
mod duration;
mod erase;
mod error;
mod examine;
mod flush;
mod hardware;
mod initramfs;
mod last;
#[cfg(test)]
mod linux_3_10;
mod lock;
mod losses;
mod mounts;
mod others;
mod output;
mod package;
pub mod pinned;
mod places;
mod protection;
mod revert;
mod row;
mod rows;
mod space;
mod stage;
mod staged;
mod status;
mod survey;
mod trust;
mod unsupported;

pub use check::check;
pub use error::Error;
pub use package::Package;
pub use revert::revert;
pub use stage::{Wish, stage};
pub use staged::{Environment, Error as StagedError, FORMAT, Signed, Staged};
pub use status::status;
