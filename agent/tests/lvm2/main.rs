// SPDX-License-Identifier: MIT OR Apache-2.0
//! Volume groups on loop devices, together with the installed lvm2. Needs root.
//!
//! Without device-mapper: lvm2 runs with `--driverloaded n`, so it reads and
//! changes metadata and activates nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod lvm2;
mod ours;
mod refusals;
mod theirs;
mod wanted;
