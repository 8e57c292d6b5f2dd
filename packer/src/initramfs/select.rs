// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which modules go into the image.

use std::collections::BTreeSet;

use ondisk::modules::{Missing, Name, Resolved};

use super::Error;
use super::source::Source;
use super::wanted::GROUPS;

/// A module that goes into the image.
#[derive(Debug)]
pub struct Picked {
    /// Its name.
    pub name: Name,
    /// Path in the image, below `lib/modules/VERSION`.
    pub path: String,
    /// The file, uncompressed.
    pub bytes: Vec<u8>,
}

/// What became of the modules with one purpose.
#[derive(Debug)]
pub struct Purpose {
    /// The purpose.
    pub name: &'static str,
    /// Wanted and picked.
    pub picked: Vec<String>,
    /// Wanted and built in.
    pub builtin: Vec<String>,
    /// Wanted and not there.
    pub missing: Vec<String>,
}

/// The modules of an image.
#[derive(Debug)]
pub struct Selection {
    /// Sorted by name.
    pub modules: Vec<Picked>,
    /// In the order of the list of wanted modules, then those of `--with`.
    pub purposes: Vec<Purpose>,
    /// Soft dependencies that nothing is known of.
    pub soft: Vec<Missing>,
}

impl Selection {
    /// The names of the modules.
    pub fn names(&self) -> BTreeSet<Name> {
        self.modules
            .iter()
            .map(|module| module.name.clone())
            .collect()
    }
}

/// Picks from `source` what is wanted and what `with` names, but for `without`.
pub fn select(source: &Source, with: &[String], without: &[String]) -> Result<Selection, Error> {
    let without = left_out(source, without)?;
    let mut purposes = Vec::new();
    let mut wanted: Vec<&str> = Vec::new();
    for group in GROUPS {
        let names = group.modules.iter().copied();
        let names: Vec<_> = names
            .filter(|name| !without.contains(&Name::new(name)))
            .collect();
        let purpose = sort(source, group.purpose, &names);
        if let (true, Some(module)) = (group.indispensable, purpose.missing.first()) {
            return Err(Error::Indispensable {
                module: module.clone(),
            });
        }
        purposes.push(purpose);
        wanted.extend(names);
    }
    if !with.is_empty() {
        let names: Vec<&str> = with.iter().map(String::as_str).collect();
        let purpose = sort(source, "asked for", &names);
        if let Some(module) = purpose.missing.first() {
            return Err(Error::With {
                module: module.clone(),
            });
        }
        purposes.push(purpose);
        wanted.extend(names);
    }

    let missing: BTreeSet<&String> = purposes
        .iter()
        .flat_map(|purpose| &purpose.missing)
        .collect();
    wanted.retain(|name| !missing.contains(&(*name).to_owned()));
    let order = source.index.order(wanted);
    if let Some(Missing { wanted, by, .. }) = order.missing.iter().find(|missing| missing.required)
    {
        let by = by.as_ref().map_or_else(|| wanted.clone(), Name::to_string);
        return Err(Error::Dependency {
            module: wanted.clone(),
            by,
        });
    }
    let mut modules = Vec::new();
    for load in &order.load {
        let Some(module) = source.index.get(load.name.as_str()) else {
            continue;
        };
        if without.contains(&load.name) {
            if load.required {
                let by = needed_by(source, &order.load, &load.name);
                return Err(Error::Without {
                    module: load.name.to_string(),
                    by,
                });
            }
            continue;
        }
        let path = path_in_image(&module.path);
        modules.push(Picked {
            name: load.name.clone(),
            path,
            bytes: source.module(module)?,
        });
    }
    modules.sort_by(|one, other| one.name.cmp(&other.name));
    let soft = order
        .missing
        .into_iter()
        .filter(|missing| !missing.required)
        .collect();
    Ok(Selection {
        modules,
        purposes,
        soft,
    })
}

/// The modules of `--without`. A wrong name is an error, for what it was to
/// leave out would be loaded.
fn left_out(source: &Source, without: &[String]) -> Result<BTreeSet<Name>, Error> {
    let needed = |name: &Name| {
        let mut groups = GROUPS.iter().filter(|group| group.indispensable);
        groups.any(|group| {
            group
                .modules
                .iter()
                .any(|module| Name::new(module) == *name)
        })
    };
    let mut names = BTreeSet::new();
    for module in without {
        let name = Name::new(module);
        let module = name.to_string();
        if needed(&name) {
            return Err(Error::Needed { module });
        }
        if source.index.get(&module).is_none() {
            return Err(Error::NotThere { module });
        }
        names.insert(name);
    }
    Ok(names)
}

fn sort(source: &Source, name: &'static str, wanted: &[&str]) -> Purpose {
    let mut purpose = Purpose {
        name,
        picked: vec![],
        builtin: vec![],
        missing: vec![],
    };
    for wanted in wanted {
        let list = match source.index.resolve(wanted) {
            Resolved::Modules(_) => &mut purpose.picked,
            Resolved::Builtin => &mut purpose.builtin,
            Resolved::Nothing => &mut purpose.missing,
        };
        list.push((*wanted).to_owned());
    }
    purpose
}

/// The first module that needs `name`, or `name` itself.
fn needed_by(source: &Source, order: &[ondisk::modules::Load], name: &Name) -> String {
    let mut needing = order.iter().filter(|load| {
        let module = source.index.get(load.name.as_str());
        module.is_some_and(|module| module.depends.contains(name))
    });
    needing
        .next()
        .map_or_else(|| name.to_string(), |load| load.name.to_string())
}

/// Modules are stored uncompressed: the image is compressed as a whole.
pub fn path_in_image(path: &str) -> String {
    let suffixes = [".gz", ".xz", ".zst"];
    let stem = suffixes.iter().find_map(|suffix| path.strip_suffix(suffix));
    stem.unwrap_or(path).to_owned()
}
