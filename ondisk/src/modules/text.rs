// SPDX-License-Identifier: MIT OR Apache-2.0
//! The text files that depmod and the kernel's build write.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::index::Resolved;
use super::{Alias, Error, Index, Module, Name, Pattern};

/// The files of `lib/modules/VERSION` that an [`Index`] is made of; a file that
/// is not there is an empty one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Texts<'a> {
    /// modules.dep: `path: path path...`
    pub dep: &'a str,
    /// modules.alias: `alias pattern module`.
    pub alias: &'a str,
    /// modules.softdep: `softdep module pre: a b post: c`. All lines of a module
    /// count; modprobe takes only its first.
    pub softdep: &'a str,
    /// modules.builtin: paths.
    pub builtin: &'a str,
    /// modules.builtin.modinfo: `module.key=value` with a NUL behind each.
    pub builtin_modinfo: &'a [u8],
}

/// The files of an index that is cut to some of its modules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CutIndex {
    /// modules.dep.
    pub dep: String,
    /// modules.alias.
    pub alias: String,
    /// modules.softdep, without what is built in or not in the tree at all.
    pub softdep: String,
    /// modules.builtin.
    pub builtin: String,
}

impl Index {
    /// Reads the text files of a tree. Paths that lead out of the tree are refused.
    pub fn from_texts(texts: &Texts) -> Result<Self, Error> {
        let mut index = Self::default();
        index.read_dep(texts.dep)?;
        index.read_alias(texts.alias)?;
        index.read_softdep(texts.softdep)?;
        index.add_builtin(texts.builtin, texts.builtin_modinfo);
        Ok(index)
    }

    fn read_dep(&mut self, text: &str) -> Result<(), Error> {
        for (line, content) in lines(text) {
            let wrong = |what| Error::Line {
                file: "modules.dep",
                line,
                what,
            };
            let (path, dependencies) = content
                .split_once(':')
                .ok_or(wrong("no colon behind the module's path"))?;
            let outside = path.starts_with('/') || path.split('/').any(|part| part == "..");
            if outside {
                return Err(wrong("the path leads out of the tree"));
            }
            // Nobody's dependency could name it.
            if path.contains(char::is_whitespace) {
                return Err(wrong("the module's path has a blank in it"));
            }
            let name = Name::of_file(path).ok_or(wrong("the path is no module's"))?;
            // Nearest first in the file, so the last one is loaded first.
            let depends = dependencies
                .split_whitespace()
                .rev()
                .map(|path| Name::of_file(path).ok_or(wrong("a dependency is no module")))
                .collect::<Result<_, _>>()?;
            let module = Module {
                path: path.to_owned(),
                depends,
                ..Module::default()
            };
            self.modules.insert(name, module);
        }
        Ok(())
    }

    fn read_alias(&mut self, text: &str) -> Result<(), Error> {
        for (line, content) in lines(text) {
            let mut words = content.split_whitespace();
            match (words.next(), words.next(), words.next()) {
                (Some("alias"), Some(pattern), Some(module)) => {
                    let module = Name::new(module);
                    self.aliases.push(Alias {
                        pattern: Pattern::new(pattern),
                        module,
                    });
                }
                _ => {
                    let what = "it is not `alias PATTERN MODULE`";
                    return Err(Error::Line {
                        file: "modules.alias",
                        line,
                        what,
                    });
                }
            }
        }
        Ok(())
    }

    fn read_softdep(&mut self, text: &str) -> Result<(), Error> {
        for (line, content) in lines(text) {
            let mut words = content.split_whitespace();
            let (Some("softdep"), Some(name)) = (words.next(), words.next()) else {
                let what = "it is not `softdep MODULE pre: ... post: ...`";
                return Err(Error::Line {
                    file: "modules.softdep",
                    line,
                    what,
                });
            };
            if let Some(module) = self.modules.get_mut(Name::new(name).as_str()) {
                module.add_softdep(words);
            }
        }
        Ok(())
    }

    /// Adds what the kernel has built in: the texts of modules.builtin and
    /// modules.builtin.modinfo. The second holds the aliases, without which a
    /// soft dependency on an algorithm (`crypto-crc32c`) would seem missing.
    pub fn add_builtin(&mut self, builtin: &str, modinfo: &[u8]) {
        self.builtin
            .extend(lines(builtin).filter_map(|(_, path)| Name::of_file(path)));
        for string in modinfo.split(|byte| *byte == 0) {
            let string = String::from_utf8_lossy(string);
            let Some((key, value)) = string.split_once('=') else {
                continue;
            };
            let Some((module, key)) = key.rsplit_once('.') else {
                continue;
            };
            let module = Name::new(module);
            if key == "alias" {
                let pattern = Pattern::new(value);
                self.builtin_aliases.push(Alias {
                    pattern,
                    module: module.clone(),
                });
            }
            self.builtin.insert(module);
        }
    }

    /// The texts of an index that has only the modules of `keep`. `path` gives
    /// the path that a module has there.
    pub fn cut(&self, keep: &BTreeSet<Name>, path: impl Fn(&Module) -> String) -> CutIndex {
        let mut kept = CutIndex::default();
        let paths: BTreeMap<&Name, String> = keep
            .iter()
            .filter_map(|name| Some((name, path(self.modules.get(name)?))))
            .collect();
        for (name, own) in &paths {
            let Some(module) = self.modules.get(*name) else {
                continue;
            };
            kept.dep.push_str(own);
            kept.dep.push(':');
            // Names of modules that are left out stay, so that a reader can tell what is
            // missing.
            for dependency in module.depends.iter().rev() {
                let written = match (paths.get(dependency), self.modules.get(dependency)) {
                    (Some(path), _) => path.clone(),
                    (None, Some(module)) => path(module),
                    (None, None) if self.builtin.contains(dependency) => continue,
                    (None, None) => format!("{dependency}.ko"),
                };
                kept.dep.push(' ');
                kept.dep.push_str(&written);
            }
            kept.dep.push('\n');
            self.cut_softdep(&mut kept.softdep, name, module);
        }
        kept.alias = self.alias_lines(|name| keep.contains(name));
        for name in &self.builtin {
            // The directories are of no use to a reader of the cut.
            let _ = writeln!(kept.builtin, "kernel/{name}.ko");
        }
        kept
    }

    /// The lines of modules.alias for the modules that `wanted` picks.
    pub fn alias_lines(&self, wanted: impl Fn(&Name) -> bool) -> String {
        let mut text = String::new();
        for alias in self.aliases.iter().filter(|alias| wanted(&alias.module)) {
            let _ = writeln!(text, "alias {} {}", alias.pattern.as_str(), alias.module);
        }
        text
    }

    fn cut_softdep(&self, out: &mut String, name: &Name, module: &Module) {
        let there = |wanted: &&String| matches!(self.resolve(wanted), Resolved::Modules(_));
        let before: Vec<_> = module
            .before
            .iter()
            .filter(there)
            .map(String::as_str)
            .collect();
        let after: Vec<_> = module
            .after
            .iter()
            .filter(there)
            .map(String::as_str)
            .collect();
        if before.is_empty() && after.is_empty() {
            return;
        }
        let _ = write!(out, "softdep {name}");
        for (key, names) in [("pre:", before), ("post:", after)] {
            if !names.is_empty() {
                let _ = write!(out, " {key} {}", names.join(" "));
            }
        }
        out.push('\n');
    }
}

/// The lines of a text with their numbers from 1, without comments and empty ones.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = (1..).zip(text.lines().map(str::trim));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}
