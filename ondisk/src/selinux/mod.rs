// SPDX-License-Identifier: MIT OR Apache-2.0
//! The labels that an SELinux policy gives to files.
//!
//! Formats: selinux_config(5), file_contexts(5) and libselinux's
//! src/label_file.c. A label belongs to a real path, that is, one whose
//! directories are no symbolic links.

mod config;
mod contexts;
mod pattern;
mod substitutions;
mod syntax;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use contexts::{FileContexts, Kind, MARKER, Problem, Texts, Why};
pub use pattern::{Invalid, Pattern};
