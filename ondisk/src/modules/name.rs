// SPDX-License-Identifier: MIT OR Apache-2.0
//! A module's name, in which `-` and `_` are one character.

use std::borrow::Borrow;
use std::fmt;

/// What a module's file name may end in.
const SUFFIXES: [&str; 4] = [".ko", ".ko.gz", ".ko.xz", ".ko.zst"];

/// A module's name as the kernel writes it in /proc/modules: with `_` for each `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// The name that `text` stands for.
    pub fn new(text: &str) -> Self {
        Self(text.replace('-', "_"))
    }

    /// The name of the module in the file at `path`: its last part without `.ko`
    /// and the suffix of its compression. `None` if the file is not a module.
    pub fn of_file(path: &str) -> Option<Self> {
        let file = path.rsplit('/').next()?;
        let stem = SUFFIXES
            .iter()
            .find_map(|suffix| file.strip_suffix(suffix))?;
        (!stem.is_empty()).then(|| Self::new(stem))
    }

    /// The name with `_`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Whether a file of this name is a module, compressed or not.
pub fn is_module_file(path: &str) -> bool {
    Name::of_file(path).is_some()
}
