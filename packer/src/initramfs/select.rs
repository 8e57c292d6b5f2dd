// SPDX-License-Identifier: MIT OR Apache-2.0
//! Selects the modules for the image.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use ondisk::modules::{Missing, Name, Resolved};

use super::source::Source;
use super::wanted::GROUPS;

/// A module that goes into the image.
#[derive(Debug)]
pub struct Picked {
    pub name: Name,
    /// Path in the image, below `lib/modules/VERSION`.
    pub path: String,
    pub bytes: Vec<u8>,
}

/// The result for the modules with one purpose.
#[derive(Debug)]
pub struct Purpose {
    pub name: &'static str,
    pub picked: Vec<String>,
    pub builtin: Vec<String>,
    pub missing: Vec<String>,
}

/// The modules of an image.
#[derive(Debug)]
pub struct Selection {
    pub modules: Vec<Picked>,
    /// In the order of the list of wanted modules, then those of `--with`.
    pub purposes: Vec<Purpose>,
    /// Soft dependencies that could not be found.
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
pub fn select(source: &Source, with: &[String], without: &[String]) -> Result<Selection> {
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
            bail!(
                "the modules have no {module} and it is not built into the kernel, \
                 but the migration cannot do without; use modules that have it"
            );
        }
        purposes.push(purpose);
        wanted.extend(names);
    }
    if !with.is_empty() {
        let names: Vec<&str> = with.iter().map(String::as_str).collect();
        let purpose = sort(source, "asked for", &names);
        if let Some(module) = purpose.missing.first() {
            bail!(
                "--with {module}: this kernel has no such module; see `--list` for what is picked"
            );
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
        bail!("{by} needs module {wanted}, which is not there; the modules tree is incomplete");
    }
    let mut modules = Vec::new();
    for load in &order.load {
        let Some(module) = source.index.get(load.name.as_str()) else {
            continue;
        };
        if without.contains(&load.name) {
            if load.required {
                let by = needed_by(source, &order.load, &load.name);
                bail!(
                    "--without {}: {by} needs it; leave that out, too",
                    load.name
                );
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
fn left_out(source: &Source, without: &[String]) -> Result<BTreeSet<Name>> {
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
            bail!("--without {module}: no migration works without it; leave this option away");
        }
        if source.index.get(&module).is_none() {
            bail!(
                "--without {module}: this kernel has no such module; see `--list` for what is picked"
            );
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
