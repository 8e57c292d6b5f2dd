// SPDX-License-Identifier: MIT OR Apache-2.0
//! GRUB: the environment block, boot.img and core.img.
