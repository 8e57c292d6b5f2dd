// SPDX-License-Identifier: MIT OR Apache-2.0
//! modules.dep, modules.alias, modules.softdep and what they say together.
//!
//! Formats: modules.dep(5), modprobe.d(5), and the kernel's
//! Documentation/kbuild (modules.builtin, modules.builtin.modinfo). An
//! [`Index`] is made from the text files that depmod writes, or, for a tree on
//! which depmod never ran, from the `.modinfo` sections of the modules
//! themselves. It answers which modules a name or a modalias stands for and in
//! which order they are loaded.

mod closure;
mod elf;
mod index;
pub mod modalias;
mod name;
mod pattern;
#[cfg(test)]
mod tests;
mod text;

pub use closure::{Load, Missing, Order};
pub use elf::ModInfo;
pub use index::{Alias, Index, Module, Resolved};
pub use name::{Name, is_module_file};
pub use pattern::Pattern;
pub use text::{CutIndex, Texts};

/// Name of the file beside modules.alias that names what was left out of an
/// initramfs: lines as in modules.alias, of modules that this kernel has and
/// the image has not.
pub const ABSENT: &str = "modules.absent";

/// What is wrong with the description of a modules tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A line that cannot be understood.
    #[error("{file} line {line}: {what}; run depmod on the tree again")]
    Line {
        /// Name of the file.
        file: &'static str,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A module that is not an ELF file, or a broken one.
    #[error("not a kernel module: {what}")]
    Elf {
        /// What is wrong with it.
        what: &'static str,
    },
}
