// SPDX-License-Identifier: MIT OR Apache-2.0
//! Freezing a file system, so that GRUB sees what was written.
