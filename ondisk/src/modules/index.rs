// SPDX-License-Identifier: MIT OR Apache-2.0
//! All modules of a tree, and what a name stands for.

use std::collections::{BTreeMap, BTreeSet};

use super::pattern::normalize;
use super::{ModInfo, Name, Pattern};

/// One module of a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Module {
    /// Path of its file below `lib/modules/VERSION`.
    pub path: String,
    /// Modules that must be loaded before it, in the order of loading.
    pub depends: Vec<Name>,
    /// Names or aliases that should be loaded before it.
    pub before: Vec<String>,
    /// Names or aliases that should be loaded after it.
    pub after: Vec<String>,
}

impl Module {
    /// Adds the words behind `softdep MODULE`. Words before the first `pre:` or
    /// `post:` count for nothing, as in modprobe.
    pub(super) fn add_softdep<'a>(&mut self, words: impl Iterator<Item = &'a str>) {
        let mut list = None;
        for word in words {
            match word {
                "pre:" => list = Some(true),
                "post:" => list = Some(false),
                _ => match list {
                    Some(true) => self.before.push(word.to_owned()),
                    Some(false) => self.after.push(word.to_owned()),
                    None => {}
                },
            }
        }
    }
}

/// A line of modules.alias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// What a modalias is compared with.
    pub pattern: Pattern,
    /// The module that the pattern stands for.
    pub module: Name,
}

/// The modules of one kernel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    pub(super) modules: BTreeMap<Name, Module>,
    pub(super) aliases: Vec<Alias>,
    pub(super) builtin: BTreeSet<Name>,
    pub(super) builtin_aliases: Vec<Alias>,
}

/// What a name or an alias stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// These modules of the tree; more than one for an alias that several have.
    Modules(Vec<Name>),
    /// Something that the kernel has built in.
    Builtin,
    /// Nothing in this tree.
    Nothing,
}

impl Index {
    /// Makes an index from the modules' own words, for a tree without
    /// modules.dep: pairs of the path below `lib/modules/VERSION` and the
    /// `.modinfo` of the file there. modules.builtin and
    /// modules.builtin.modinfo are added by [`Index::add_builtin`].
    pub fn from_modinfo<'a>(modules: impl IntoIterator<Item = (&'a str, &'a ModInfo)>) -> Self {
        let mut index = Self::default();
        for (path, info) in modules {
            let Some(name) = Name::of_file(path) else {
                continue;
            };
            let mut module = Module {
                path: path.to_owned(),
                ..Module::default()
            };
            module.depends = info.depends().map(Name::new).collect();
            for softdep in info.softdeps() {
                module.add_softdep(softdep.split_whitespace());
            }
            for alias in info.aliases() {
                index.aliases.push(Alias {
                    pattern: Pattern::new(alias),
                    module: name.clone(),
                });
            }
            index.modules.insert(name, module);
        }
        index
    }

    /// Forgets the modules that `keep` says no to, and their aliases: for a
    /// tree that has not all the files that its modules.dep names.
    pub fn retain(&mut self, mut keep: impl FnMut(&Name, &Module) -> bool) {
        self.modules.retain(|name, module| keep(name, module));
        let modules = &self.modules;
        self.aliases
            .retain(|alias| modules.contains_key(&alias.module));
    }

    /// The module of this name.
    pub fn get(&self, name: &str) -> Option<&Module> {
        match self.modules.get(name) {
            Some(module) => Some(module),
            None => self.modules.get(Name::new(name).as_str()),
        }
    }

    /// All modules, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Module)> {
        self.modules.iter()
    }

    /// The lines of modules.alias.
    pub fn aliases(&self) -> &[Alias] {
        &self.aliases
    }

    /// What `wanted` stands for: a module's name goes first, then the aliases
    /// of modules, then what is built in, as modprobe does it. A modalias is an
    /// alias like any other.
    pub fn resolve(&self, wanted: &str) -> Resolved {
        let name = Name::new(wanted);
        if self.modules.contains_key(&name) {
            return Resolved::Modules(vec![name]);
        }
        let wanted = normalize(wanted);
        let mut found: Vec<Name> = Vec::new();
        for alias in &self.aliases {
            if alias.pattern.matches_normalized(&wanted) && !found.contains(&alias.module) {
                found.push(alias.module.clone());
            }
        }
        if !found.is_empty() {
            return Resolved::Modules(found);
        }
        let builtin = self.builtin.contains(&name)
            || self
                .builtin_aliases
                .iter()
                .any(|alias| alias.pattern.matches_normalized(&wanted));
        if builtin {
            Resolved::Builtin
        } else {
            Resolved::Nothing
        }
    }
}
