// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signatures of file systems and other users of a block device: what is there, where to wipe.
