// SPDX-License-Identifier: MIT OR Apache-2.0
//! What makes a machine itself: names, addresses, accounts, keys.
//!
//! [`save`] reads them on the old system, [`apply`] writes them into the new
//! root. Reading and writing go through [`rootdir::RootDir`]; what is written is decided
//! by pure functions.

pub mod accounts;
mod apply;
pub mod archive;
pub mod carried;
mod digest;
mod error;
mod host;
mod host_key;
mod keys;
mod leftovers;
pub mod losses;
mod model;
pub mod mounts;
pub mod network;
mod report;
mod save;
mod store;
#[cfg(test)]
mod tests;
mod text;

pub use apply::{apply, load};
pub use digest::digest;
pub use error::Error;
pub use model::{Host, HostsEntry, Identity};
pub use ondisk::manifest::Policy;
pub use report::Report;
pub use save::{Machine, save, save_with, survey};
