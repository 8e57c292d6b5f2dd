// SPDX-License-Identifier: MIT OR Apache-2.0
//! On real file systems on loop devices, each a disk of its own, and read back
//! as the tiny system does it: from the bytes of the disk alone.

mod judged;
mod sector;
mod written;
