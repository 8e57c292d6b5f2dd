// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recognises backup copies among configuration files.

/// Whether it is an editor's or a package manager's copy.
pub(super) fn is_copy(name: &str) -> bool {
    const COPIES: [&str; 8] = [
        "~", ".bak", ".orig", ".old", ".rpmsave", ".rpmnew", ".swp", ".rej",
    ];
    name.starts_with('.') || COPIES.iter().any(|c| name.ends_with(c))
}
