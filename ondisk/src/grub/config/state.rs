// SPDX-License-Identifier: MIT OR Apache-2.0
//! What GRUB keeps in memory: variables in contexts, functions, menus.

use super::bls_entry::BlsEntry;
use crate::grub::files::GrubPath;
use crate::grub::script::List;
use std::collections::BTreeMap;
use std::rc::Rc;

/// An entry as it was defined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Raw {
    pub title: String,
    pub id: String,
    /// None: anybody may start it.
    pub users: Option<String>,
    pub submenu: bool,
    /// The text of its body.
    pub source: String,
    /// `$1` and so on in its body; the title is the first.
    pub parameters: Vec<String>,
}

#[derive(Debug, Clone)]
struct Variable {
    value: String,
    exported: bool,
}

#[derive(Debug, Clone, Default)]
struct Context {
    variables: BTreeMap<String, Variable>,
    menu: Vec<Raw>,
}

/// Positional parameters.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    pub parameters: Vec<String>,
}

/// A file that `linux` and the like have loaded.
#[derive(Debug, Clone, Default)]
pub(super) struct Loaded {
    pub kernel: Option<super::Kernel>,
    pub other: Option<String>,
    pub chained: Option<GrubPath>,
    pub missing: Vec<GrubPath>,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    contexts: Vec<Context>,
    pub functions: BTreeMap<String, Rc<List>>,
    /// Entries of /loader/entries, newest first.
    pub bls: Vec<BlsEntry>,
    pub scope: Option<Scope>,
    /// Environment blocks that were written.
    pub blocks: BTreeMap<GrubPath, Vec<u8>>,
    pub loaded: Loaded,
    pub loops: Loops,
}

/// Loops and functions that are left.
#[derive(Debug, Clone, Default)]
pub(super) struct Loops {
    pub active: u32,
    pub breaks: u32,
    pub is_continue: bool,
    pub function_return: bool,
}

impl State {
    pub fn get(&self, name: &str) -> Option<&str> {
        let context = self.contexts.last()?;
        context.variables.get(name).map(|v| v.value.as_str())
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let mut value = value.into();
        // `set root=(hd0,1)` is taken, too.
        if name == "root"
            && let Some(inner) = value.strip_prefix('(')
        {
            value = inner.strip_suffix(')').unwrap_or(inner).into();
        }
        if self.contexts.is_empty() {
            self.contexts.push(Context::default());
        }
        if let Some(context) = self.contexts.last_mut() {
            let variable = context.variables.entry(name.into());
            let new = || Variable {
                value: String::new(),
                exported: false,
            };
            variable.or_insert_with(new).value = value;
        }
    }

    pub fn unset(&mut self, name: &str) {
        // GRUB watches it, and so only empties it.
        if name == "root" {
            return self.set(name, "");
        }
        if let Some(context) = self.contexts.last_mut() {
            context.variables.remove(name);
        }
    }

    pub fn export(&mut self, name: &str) {
        if self.get(name).is_none() {
            self.set(name, "");
        }
        let context = self.contexts.last_mut();
        if let Some(variable) = context.and_then(|c| c.variables.get_mut(name)) {
            variable.exported = true;
        }
    }

    /// A new context with the exported variables, or with all.
    pub fn open(&mut self, all: bool) {
        let mut variables = BTreeMap::new();
        if let Some(context) = self.contexts.last() {
            for (name, variable) in &context.variables {
                if all || variable.exported {
                    let mut variable = variable.clone();
                    variable.exported = true;
                    variables.insert(name.clone(), variable);
                }
            }
        }
        let menu = Vec::new();
        self.contexts.push(Context { variables, menu });
    }

    /// Back to the context before.
    pub fn close(&mut self) {
        if self.contexts.len() > 1 {
            self.contexts.pop();
        }
    }

    pub fn menu(&self) -> &[Raw] {
        self.contexts.last().map_or(&[], |context| &context.menu)
    }

    pub fn add(&mut self, entry: Raw) {
        if let Some(context) = self.contexts.last_mut() {
            context.menu.push(entry);
        }
    }

    /// The variables of the context that is open.
    pub fn variables(&self) -> BTreeMap<String, String> {
        let variables = self.contexts.last().map(|c| &c.variables);
        let pairs = variables.into_iter().flatten();
        pairs.map(|(n, v)| (n.clone(), v.value.clone())).collect()
    }

    /// Bytes that a copy takes, roughly.
    pub fn size(&self) -> usize {
        let of = |c: &Context| {
            let variables = c
                .variables
                .iter()
                .map(|(n, v)| n.len() + v.value.len() + 64);
            let menu = c.menu.iter().map(|e| e.source.len() + 256);
            variables.sum::<usize>() + menu.sum::<usize>()
        };
        let contexts: usize = self.contexts.iter().map(of).sum();
        let bls: usize = self.bls.iter().map(BlsEntry::size).sum();
        contexts + bls + self.blocks.values().map(Vec::len).sum::<usize>()
    }
}
