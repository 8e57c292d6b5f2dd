// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is loaded for a request, and in which order.

use std::collections::BTreeSet;

use super::{Index, Name, Resolved};

/// One module to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// The module.
    pub name: Name,
    /// Whether what was asked for cannot work without it. Otherwise it is a
    /// soft dependency, and it may fail: crc32c_intel does on a processor
    /// without the instruction.
    pub required: bool,
}

/// Something that is wanted and not there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// Name or alias.
    pub wanted: String,
    /// The module that wants it; `None` if it was asked for.
    pub by: Option<Name>,
    /// Whether it is more than a soft dependency.
    pub required: bool,
}

/// The answer to [`Index::order`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    /// What to load, each module once, dependencies first.
    pub load: Vec<Load>,
    /// What is wanted and neither there nor built in.
    pub missing: Vec<Missing>,
}

impl Index {
    /// Everything that loading `wanted` (names or aliases) needs: hard
    /// dependencies, then soft ones that go before, the module, soft ones that
    /// go after; the order is that of `modprobe --show-depends`. Modules that
    /// are built in need nothing. Dependencies in a circle are cut where the
    /// circle closes.
    pub fn order<'a>(&self, wanted: impl IntoIterator<Item = &'a str>) -> Order {
        let mut walk = Walk {
            index: self,
            seen: BTreeSet::new(),
            required: BTreeSet::new(),
            placed: BTreeSet::new(),
            order: Order::default(),
        };
        for wanted in wanted {
            walk.request(wanted, None, true);
        }
        let Walk {
            required,
            mut order,
            ..
        } = walk;
        for load in &mut order.load {
            load.required = required.contains(&load.name);
        }
        order
    }
}

struct Walk<'a> {
    index: &'a Index,
    /// Modules whose dependencies were walked.
    seen: BTreeSet<Name>,
    /// Modules that are reached by hard dependencies alone.
    required: BTreeSet<Name>,
    /// Modules that are in the order.
    placed: BTreeSet<Name>,
    order: Order,
}

impl Walk<'_> {
    fn request(&mut self, wanted: &str, by: Option<&Name>, required: bool) {
        match self.index.resolve(wanted) {
            Resolved::Builtin => {}
            Resolved::Nothing => self.missing(wanted, by, required),
            Resolved::Modules(names) => {
                for name in names {
                    self.module(&name, required);
                }
            }
        }
    }

    fn missing(&mut self, wanted: &str, by: Option<&Name>, required: bool) {
        let missing = Missing {
            wanted: wanted.to_owned(),
            by: by.cloned(),
            required,
        };
        if !self.order.missing.contains(&missing) {
            self.order.missing.push(missing);
        }
    }

    fn module(&mut self, name: &Name, required: bool) {
        if required {
            self.require(name);
        }
        if !self.seen.insert(name.clone()) {
            return;
        }
        let Some(module) = self.index.modules.get(name) else {
            return;
        };
        for dependency in &module.depends {
            if self.index.modules.contains_key(dependency) {
                // With its own before it: modules.dep lists the closure, but the
                // modules' own words do not.
                self.module(dependency, self.required.contains(dependency));
            } else if !self.index.builtin.contains(dependency) {
                self.missing(dependency.as_str(), Some(name), required);
            }
        }
        self.place(name);
    }

    /// Puts the module into the order, with the soft dependencies around it.
    fn place(&mut self, name: &Name) {
        let Some(module) = self.index.modules.get(name) else {
            return;
        };
        for wanted in &module.before {
            self.request(wanted, Some(name), false);
        }
        if self.placed.insert(name.clone()) {
            self.order.load.push(Load {
                name: name.clone(),
                required: false,
            });
        }
        for wanted in &module.after {
            self.request(wanted, Some(name), false);
        }
    }

    /// Marks the module and its hard dependencies.
    fn require(&mut self, name: &Name) {
        let mut todo = vec![name.clone()];
        while let Some(name) = todo.pop() {
            let Some(module) = self.index.modules.get(&name) else {
                continue;
            };
            if self.required.insert(name) {
                todo.extend(module.depends.iter().cloned());
            }
        }
    }
}
