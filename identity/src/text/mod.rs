// SPDX-License-Identifier: MIT OR Apache-2.0
//! Small grammars that several kinds of configuration files share.

pub(crate) mod glob;
pub(crate) mod ini;
pub(crate) mod shell;

/// First line of every file that is made here.
pub(crate) const HEADER: &str = "# Carried over from the old system by replant.\n";

/// yes, true, on, 1 in any case; anything else is no.
pub(crate) fn is_yes(text: &str) -> bool {
    matches!(
        text.to_ascii_lowercase().as_str(),
        "yes" | "true" | "on" | "1" | "y" | "t"
    )
}
