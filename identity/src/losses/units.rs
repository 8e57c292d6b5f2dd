// SPDX-License-Identifier: MIT OR Apache-2.0
//! systemd, as far as the administrator has changed it: units and drop-ins of
//! /etc, and what starts by itself beyond what the distribution has decided.

use super::packages::Packages;
use super::{Kind, Loss, texts};
use crate::error::Result;
use ondisk::glob;
use rootdir::RootDir;
use std::collections::{BTreeMap, BTreeSet};

const DIR: &str = "etc/systemd/system";
/// Where presets lie; of two files with one name, that of the first counts.
const PRESETS: [&str; 4] = [
    "etc/systemd/system-preset",
    "run/systemd/system-preset",
    "usr/lib/systemd/system-preset",
    "lib/systemd/system-preset",
];
/// The pattern for all units, which decides about a unit that no other rule
/// names.
const REST: &str = "*";

/// Units, drop-ins and services.
pub(super) fn find(root: &RootDir, packages: &Packages) -> Result<Vec<Loss>> {
    let mut found = Vec::new();
    let mut enabled: BTreeSet<(String, String)> = BTreeSet::new();
    for name in root.list(DIR)? {
        let path = format!("{DIR}/{name}");
        let full = format!("/{path}");
        match root.link(&path)? {
            Some(target) if target == "/dev/null" => {
                found.push(Loss::new(Kind::Unit, full, "never starts (masked)"));
            }
            Some(target) => {
                let file = target_of(DIR, &target);
                // Other names of a unit are made by enabling it.
                if !is_of_package(&file, packages) {
                    found.push(Loss::new(Kind::Unit, full, format!("is {file}")));
                }
            }
            None if !root.is_dir(&path)? => {
                let what = match name.ends_with(".timer") {
                    true => "a timer",
                    false => "",
                };
                let loss = || Loss::new(Kind::Unit, full.clone(), what);
                found.extend((!packages.has(&full)).then(loss));
            }
            None if name.ends_with(".d") => {
                for file in root.list(&path)? {
                    let full = format!("{full}/{file}");
                    if !packages.has(&full) {
                        found.push(Loss::new(Kind::Unit, full, "changes a unit"));
                    }
                }
            }
            None if name.ends_with(".wants") || name.ends_with(".requires") => {
                for unit in root.list(&path)? {
                    let target = root.link(&format!("{path}/{unit}"))?;
                    let file = target_of(&path, &target.unwrap_or_default());
                    enabled.insert((unit, file));
                }
            }
            None => {}
        }
    }
    let rules = presets(root)?;
    let decided = rules.iter().any(|(_, pattern)| pattern == REST);
    let mut by_packages = Vec::new();
    for (unit, file) in enabled {
        if packages.known && !is_of_package(&file, packages) {
            found.push(Loss::new(Kind::Service, unit, file));
        } else if decided && !is_enabled(&rules, &unit) {
            let note = "the distribution does not enable it";
            found.push(Loss::new(Kind::Service, unit, note));
        } else if !decided {
            by_packages.push(unit);
        }
    }
    if !by_packages.is_empty() {
        by_packages.dedup();
        let note = "enabled by their packages or by somebody, which is not known";
        found.push(Loss::new(Kind::Service, by_packages.join(", "), note));
    }
    Ok(found)
}

/// The files that are asked for an owner.
pub(super) fn files(root: &RootDir) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for name in root.list(DIR)? {
        let path = format!("{DIR}/{name}");
        let inside =
            name.ends_with(".d") || name.ends_with(".wants") || name.ends_with(".requires");
        let paths = match inside && root.is_dir(&path)? {
            true => root
                .list(&path)?
                .iter()
                .map(|n| format!("{path}/{n}"))
                .collect(),
            false => vec![path],
        };
        for path in paths {
            let (dir, _) = path.rsplit_once('/').unwrap_or_default();
            files.push(match root.link(&path)? {
                Some(target) => target_of(dir, &target),
                None => format!("/{path}"),
            });
        }
    }
    files.retain(|file| file != "/dev/null");
    Ok(files)
}

/// The path that a link in `dir` has as its target.
fn target_of(dir: &str, target: &str) -> String {
    if target.starts_with('/') {
        return target.to_owned();
    }
    let mut parts: Vec<&str> = dir.split('/').collect();
    for part in target.split('/').filter(|p| !["", "."].contains(p)) {
        match part {
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Whether a unit's file is a package's. Without lists of packages, the place
/// says it.
fn is_of_package(file: &str, packages: &Packages) -> bool {
    let place = ["/usr/lib/systemd/", "/lib/systemd/"]
        .iter()
        .any(|dir| file.starts_with(dir));
    place && (!packages.known || packages.has(file))
}

fn presets(root: &RootDir) -> Result<Vec<(bool, String)>> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for dir in PRESETS {
        for name in root.list(dir)? {
            if name.ends_with(".preset") && !files.contains_key(&name) {
                let text = root.text(&format!("{dir}/{name}"))?;
                files.insert(name, text.unwrap_or_default());
            }
        }
    }
    Ok(files
        .values()
        .flat_map(|text| texts::presets(text))
        .collect())
}

/// What the first rule says that fits a unit, or the one that it is made of.
fn is_enabled(rules: &[(bool, String)], unit: &str) -> bool {
    let template = unit.split_once('@').zip(unit.rsplit_once('.'));
    let template = template.map(|((name, _), (_, kind))| format!("{name}@.{kind}"));
    let names = [Some(unit), template.as_deref()];
    let fits = |pattern: &str| {
        let mut names = names.iter().flatten();
        // A backslash belongs to the name (`\x2d`), and is no escape.
        let pattern = glob::literally(pattern, &['\\']);
        names.any(|name| glob::matches(&pattern, name))
    };
    let rule = rules.iter().find(|(_, pattern)| fits(pattern));
    rule.is_none_or(|(enable, _)| *enable)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// systemd.preset(5); systemd compares them without escapes.
    #[test]
    fn names_with_a_backslash_in_presets() {
        let unit = "run-a\\x2db.mount";
        for (pattern, enabled) in [
            ("run-a\\x2db.mount", false),
            ("run-a\\x2d*", false),
            ("run-[a]\\*", false),
            ("run-a*c.mount", true),
        ] {
            let rules = [(false, pattern.to_owned())];
            assert_eq!(is_enabled(&rules, unit), enabled, "{pattern}");
        }
    }
}
