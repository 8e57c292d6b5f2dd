// SPDX-License-Identifier: MIT OR Apache-2.0
//! What makes a machine itself: names, addresses, accounts, keys.

pub mod accounts;
mod error;
pub mod live;
pub mod model;
pub mod network;
mod outcome;
mod policy;
mod root;

pub use error::Error;
pub use model::Identity;
pub use outcome::Report;
pub use policy::Policy;
pub use root::{Attributes, RootDir};
