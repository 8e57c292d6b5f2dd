// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loading kernel modules.
