// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the machine does when a migration has ended well.

/// What comes after a migration that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The new system.
    New,
    /// The tiny system once more, by our loader in sector 0.
    Again,
    /// Nothing is left to do, and nothing was done.
    Nothing,
}
