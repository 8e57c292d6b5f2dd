// SPDX-License-Identifier: MIT OR Apache-2.0
//! ext4: a formatter whose output is that of mke2fs, bit for bit.
