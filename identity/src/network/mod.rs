// SPDX-License-Identifier: MIT OR Apache-2.0
//! The machine's network: a model independent of distributions, which is read
//! from files and the kernel, and written in the new system's dialect.

pub(crate) mod address;
pub(crate) mod bond;
pub(crate) mod files;
pub mod kernel;
pub(crate) mod merge;
pub(crate) mod methods;
pub(crate) mod model;
pub(crate) mod route;
#[cfg(test)]
mod tests;
pub(crate) mod write;

pub use address::{Cidr, Mac};
pub use model::{Dns, Family, Interface, Kind, Methods, Network, Privacy, Route, RouteKind, Rule};
