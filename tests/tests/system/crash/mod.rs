// SPDX-License-Identifier: MIT OR Apache-2.0
//! A power cut at any instant of a whole migration.
//!
//! A machine is migrated once while QEMU keeps all that it writes. From that
//! log come disks as a cut can leave them: each must start the old system, the
//! tiny one, or the new one, and the tiny one must go on by itself.

mod attached;
mod cut_off;
mod damaged;
mod debian;
mod judged;
mod started;
