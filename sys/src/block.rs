// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ioctls of block devices: size, partitions, caches, discard.
