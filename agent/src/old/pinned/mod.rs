// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files of a staging whose places on the disk are known and permitted, so that
//! the tiny system reads them when the old file system is gone.
//!
//! The way of one: [`foreseen`] says whether places can be known at all here,
//! and whether there is room. A [`Search`] finds free space that lies where it
//! may ([`Allowed`], [`Wish`]) and reserves it as a file. [`Reserved::fill`]
//! writes the content, makes the file immutable, and proves it by reading the
//! disk itself ([`Pinned`]). [`release`] lets files go again. All of it is made
//! of ordinary files in one directory, so whoever is killed leaves nothing
//! that [`release`] and removing that directory do not clean up.

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
