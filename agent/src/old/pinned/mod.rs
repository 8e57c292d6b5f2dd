// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files whose places on the disk are known and permitted, so that the tiny
//! system can read them after the old file system is gone.
//!
//! How one is made: [`foreseen`] says whether places can be known on this
//! machine, and whether there is room. A [`Search`] finds free space in a
//! permitted place ([`Allowed`], [`Wish`]) and reserves it as a file.
//! [`Reserved::fill`] writes the content, makes the file immutable, and proves it
//! by reading the disk itself ([`Pinned`]). [`release`] makes files removable
//! again. All of it consists of ordinary files in one directory, so after a kill
//! [`release`] and removing the directory clean up everything.

mod allowed;
mod content;
mod extents;
mod holes;
mod obstacle;
mod release;
mod search;
mod site;
#[cfg(test)]
pub(super) mod tests;
mod wish;

pub use crate::disk::Pinned;
pub use allowed::Allowed;
pub use content::{Reserved, Written};
pub use obstacle::{Error, Flaw, Obstacle};
pub use release::release;
pub use search::Search;
pub use site::{Site, foreseen};
pub use wish::{Shape, Wish};
