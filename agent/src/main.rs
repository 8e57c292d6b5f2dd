// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant`: one static binary for the old system and the tiny one.

fn main() {}
