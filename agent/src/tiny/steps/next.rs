// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the machine does after a successful migration.

/// What follows a migration that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The new system.
    New,
    /// The tiny system once more, by our loader in sector 0.
    Again,
    /// Nothing was left to do.
    Nothing,
}
