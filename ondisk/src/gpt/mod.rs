// SPDX-License-Identifier: MIT OR Apache-2.0
//! GPT, its `sgdisk --backup` file, and fitting a table to another disk.
