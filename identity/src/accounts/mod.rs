// SPDX-License-Identifier: MIT OR Apache-2.0
//! root, the users and their groups.

mod apply;
mod authorized;
mod collect;
mod database;
mod files;
mod hashes;
mod homes;
mod login_defs;
mod membership;
mod model;
mod numbers;
mod people;
mod plan;
mod privilege;
mod ranges;
mod reown;
mod shadow;
mod sshd;
mod sudoers;
mod system;
#[cfg(test)]
mod tests;

pub(crate) use apply::{apply, authorized_keys};
pub(crate) use collect::collect;
pub(crate) use database::field;
pub(crate) use files::Files;
pub(crate) use hashes::unusable;
pub use model::{Accounts, Group, User};
pub(crate) use system::id as system_id;
