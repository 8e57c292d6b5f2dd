// SPDX-License-Identifier: MIT OR Apache-2.0
//! What makes a machine itself: names, addresses, accounts, keys.
//!
//! [`save`] reads them on the old system, [`apply`] writes them into the new
//! root. Reading and writing go through [`RootDir`]; what is written is decided
//! by pure functions.

pub mod accounts;
mod apply;
mod config;
mod digest;
mod error;
mod host;
mod keys;
mod leftovers;
pub mod live;
mod merge;
pub mod model;
pub mod network;
mod outcome;
mod policy;
mod render;
mod root;
mod save;
mod store;
#[cfg(test)]
mod tests;

pub use apply::{apply, load};
pub use digest::digest;
pub use error::Error;
pub use model::Identity;
pub use outcome::Report;
pub use policy::Policy;
pub use root::{Attributes, RootDir};
pub use save::save;
