// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the new system demands of the machine: a processor for its C library, and
//! devices for which its kernels have drivers.

use super::program::Head;
use crate::cpu::{Level, demanded};
use crate::pax::Name;
use std::collections::BTreeMap;

/// Bytes of a file that are kept; the modules.alias of a distribution has 1.3 MB.
const LONGEST: usize = 8 << 20;
/// Kernels whose files are kept.
const MOST: usize = 16;

/// The module lists that depmod and the kernel's build have made for one kernel.
/// A text that is not in the payload is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Modules {
    /// modules.alias
    pub alias: String,
    /// modules.builtin
    pub builtin: String,
    /// modules.builtin.modinfo
    pub builtin_modinfo: Vec<u8>,
}

/// What the payload demands of the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demands {
    modules: BTreeMap<String, Modules>,
    processor: Option<(Level, Name)>,
}

impl Demands {
    /// The module lists of this kernel; `None` where the payload has none.
    pub fn modules(&self, kernel: &str) -> Option<&Modules> {
        let found = self.modules.get(kernel);
        found.filter(|modules| !modules.alias.is_empty())
    }

    /// The level of the processor that its C library or loader demands, and
    /// which file says so.
    pub fn processor(&self) -> Option<(Level, &Name)> {
        self.processor.as_ref().map(|(level, name)| (*level, name))
    }
}

/// A file that adds to the demands, while it is read.
#[derive(Debug)]
pub(super) enum Part {
    /// One of the texts of a kernel's modules.
    Text {
        kernel: String,
        kind: Kind,
        bytes: Vec<u8>,
        too_long: bool,
    },
    /// The C library, or its loader.
    Library(Head),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Alias,
    Builtin,
    Modinfo,
}

impl Part {
    /// The kind of file by its path, if it matters here.
    pub(super) fn of(path: &[u8]) -> Option<Part> {
        let path = std::str::from_utf8(path).ok()?;
        let path = path.strip_prefix("usr/").unwrap_or(path);
        if let Some(rest) = path.strip_prefix("lib/modules/") {
            let (kernel, name) = rest.split_once('/')?;
            let kind = match name {
                "modules.alias" => Kind::Alias,
                "modules.builtin" => Kind::Builtin,
                "modules.builtin.modinfo" => Kind::Modinfo,
                _ => return None,
            };
            return Some(Part::Text {
                kernel: kernel.into(),
                kind,
                bytes: Vec::new(),
                too_long: false,
            });
        }
        let name = ["lib64/", "lib/x86_64-linux-gnu/", "lib/"]
            .iter()
            .find_map(|directory| path.strip_prefix(directory))?;
        // Before 2.34, the files have other names, with links.
        let old = |start: &str| name.starts_with(start) && name.ends_with(".so");
        let is_library =
            matches!(name, "libc.so.6" | "ld-linux-x86-64.so.2") || old("libc-2.") || old("ld-2.");
        is_library.then(|| Part::Library(Head::default()))
    }

    pub(super) fn take(&mut self, offset: u64, more: &[u8]) {
        match self {
            Part::Library(head) => head.take(offset, more),
            Part::Text {
                bytes, too_long, ..
            } => {
                *too_long |= bytes.len().saturating_add(more.len()) > LONGEST;
                if !*too_long {
                    bytes.extend_from_slice(more);
                }
            }
        }
    }

    /// The file is complete.
    pub(super) fn end(self, path: &[u8], demands: &mut Demands) {
        match self {
            Part::Library(head) => {
                let Some(level) = demanded(head.bytes()) else {
                    return;
                };
                if demands
                    .processor
                    .as_ref()
                    .is_none_or(|(known, _)| *known < level)
                {
                    demands.processor = Some((level, Name::new(path)));
                }
            }
            Part::Text {
                kernel,
                kind,
                bytes,
                too_long,
            } => {
                let known = demands.modules.contains_key(&kernel);
                if too_long || !known && demands.modules.len() >= MOST {
                    return;
                }
                let modules = demands.modules.entry(kernel).or_default();
                let text = || String::from_utf8_lossy(&bytes).into_owned();
                match kind {
                    Kind::Alias => modules.alias = text(),
                    Kind::Builtin => modules.builtin = text(),
                    Kind::Modinfo => modules.builtin_modinfo = bytes,
                }
            }
        }
    }
}
