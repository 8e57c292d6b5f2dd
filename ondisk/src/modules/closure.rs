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

/// A module that is wanted and missing.
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
            tasks: Vec::new(),
            order: Order::default(),
        };
        for wanted in wanted {
            walk.request(wanted, None, true);
            walk.work();
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

/// What is still to be done. A list and no recursion: how long a chain of
/// dependencies is, the files say, and a stack has an end.
enum Task<'a> {
    /// Looks up a soft dependency, and who has it.
    Request(&'a str, &'a Name),
    /// Walks what a module needs.
    Module(&'a Name),
    /// Puts a module into the order.
    Place(&'a Name),
}

struct Walk<'a> {
    index: &'a Index,
    /// Modules whose dependencies were walked.
    seen: BTreeSet<&'a Name>,
    /// Modules that are reached by hard dependencies alone.
    required: BTreeSet<&'a Name>,
    /// The last one is the next.
    tasks: Vec<Task<'a>>,
    order: Order,
}

impl<'a> Walk<'a> {
    fn work(&mut self) {
        while let Some(task) = self.tasks.pop() {
            match task {
                Task::Request(wanted, by) => self.request(wanted, Some(by), false),
                Task::Module(name) => self.module(name),
                Task::Place(name) => self.order.load.push(Load {
                    name: name.clone(),
                    required: false,
                }),
            }
        }
    }

    fn request(&mut self, wanted: &str, by: Option<&Name>, required: bool) {
        match self.index.resolve(wanted) {
            Resolved::Builtin => {}
            Resolved::Nothing => self.missing(wanted, by, required),
            Resolved::Modules(names) => {
                // An alias may name a module that has no file here.
                let there = names
                    .iter()
                    .filter_map(|name| Some(self.index.modules.get_key_value(name)?.0));
                let there: Vec<&Name> = there.collect();
                if there.is_empty() {
                    self.missing(wanted, by, required);
                }
                for name in there.into_iter().rev() {
                    if required {
                        self.require(name);
                    }
                    self.tasks.push(Task::Module(name));
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

    /// Plans what a module needs, itself, and the soft dependencies around it;
    /// the last thing first, as tasks are taken from the end.
    fn module(&mut self, name: &'a Name) {
        let Some(module) = self.index.modules.get(name) else {
            return;
        };
        if !self.seen.insert(name) {
            return;
        }
        let soft = |wanted: &'a String| Task::Request(wanted, name);
        self.tasks.extend(module.after.iter().rev().map(soft));
        self.tasks.push(Task::Place(name));
        self.tasks.extend(module.before.iter().rev().map(soft));
        // With their own before them: modules.dep lists the closure, but the
        // modules' own words do not.
        let hard = module.depends.iter().rev();
        let there = hard.filter(|name| self.index.modules.contains_key(*name));
        self.tasks.extend(there.map(Task::Module));
        let required = self.required.contains(name);
        for dependency in &module.depends {
            let there = self.index.modules.contains_key(dependency);
            if !there && !self.index.builtin.contains(dependency) {
                self.missing(dependency.as_str(), Some(name), required);
            }
        }
    }

    /// Marks the module and its hard dependencies.
    fn require(&mut self, name: &'a Name) {
        let mut todo = vec![name];
        while let Some(name) = todo.pop() {
            let Some(module) = self.index.modules.get(name) else {
                continue;
            };
            if self.required.insert(name) {
                todo.extend(&module.depends);
            }
        }
    }
}
