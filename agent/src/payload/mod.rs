// SPDX-License-Identifier: MIT OR Apache-2.0
//! The package's bytes: read, verified, decompressed, unpacked.
