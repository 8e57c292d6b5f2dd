// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant-pack`: the build machine's tool.

fn main() {}
