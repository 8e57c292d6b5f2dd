// SPDX-License-Identifier: MIT OR Apache-2.0
//! The identity, saved on one system and applied to another; and what the
//! kernel tells of its network.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod carried;
mod debian;
mod el;
mod netlink;
mod stays;
mod support;
mod users;
mod ways_in;
