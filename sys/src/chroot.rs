// SPDX-License-Identifier: MIT OR Apache-2.0
//! Starting a program in a changed root.
