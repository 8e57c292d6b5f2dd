// SPDX-License-Identifier: MIT OR Apache-2.0
//! On real file systems on loop devices, each a disk of its own.

pub(in crate::old) mod ground;
mod killed;
mod layout;
mod refused;
