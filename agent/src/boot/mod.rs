// SPDX-License-Identifier: MIT OR Apache-2.0
//! The new system's bootloader and initramfs, made in a chroot.
