// SPDX-License-Identifier: MIT OR Apache-2.0
//! The migration: a list of steps.
