// SPDX-License-Identifier: MIT OR Apache-2.0
//! The newc cpio archive, as the kernel unpacks it into its rootfs.
