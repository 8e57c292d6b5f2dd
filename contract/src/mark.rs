// SPDX-License-Identifier: MIT OR Apache-2.0
//! A line that only one of the two programs says: by it `replant-pack` knows
//! which one a file is.

/// `/init` says it on its own console.
pub const INIT: &str = "This is the console inside /init. Type help.";
/// The agent's help begins with it.
pub const AGENT: &str = "replant replaces the operating system of this machine in place.";
