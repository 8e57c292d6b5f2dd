// SPDX-License-Identifier: MIT OR Apache-2.0
//! What stands in the way of the identity step would fail it for ever, when the
//! old system is gone; so it is refused before.

use super::Findings;
use super::tree::{Dead, Node, Tree, parent};
use crate::identity_path::{IDENTITY_DIRECTORIES, IDENTITY_FILES, LONGEST_FILE};
use std::collections::BTreeSet;

/// Refuses what stands in the way; `long` are the paths of files that are
/// longer than [`LONGEST_FILE`].
pub(super) fn check(tree: &Tree, long: &BTreeSet<Vec<u8>>, refusals: &mut Findings) {
    let mut blocked = BTreeSet::new();
    let mut say = |path: Vec<u8>, what: String| {
        if blocked.insert(path.clone()) {
            refusals.push(&path, what);
        }
    };
    for directory in IDENTITY_DIRECTORIES {
        if let Some((path, what)) = in_the_way(tree, directory.as_bytes()) {
            say(path, what);
            continue;
        }
        let Ok((real, Node::Directory)) = tree.follow(directory.as_bytes()) else {
            continue;
        };
        let names = tree.inside(&real).map(|(name, _)| name);
        for name in names.filter(|name| !name.contains(&b'/')) {
            let path = [directory.as_bytes(), name].join(&b'/');
            // Files are put in their place; any other directory is passed by.
            let is_own = name.starts_with(b"ssh_host_");
            if let Some(what) = file(tree, &path, long, is_own) {
                say(path, what);
            }
        }
    }
    for path in IDENTITY_FILES {
        let path = path.as_bytes();
        match in_the_way(tree, parent(path)) {
            Some((path, what)) => say(path, what),
            None => {
                if let Some(what) = file(tree, path, long, true) {
                    say(path.to_vec(), what);
                }
            }
        }
    }
}

/// The first part of a directory's path that is neither missing nor leads to a
/// directory.
fn in_the_way(tree: &Tree, directory: &[u8]) -> Option<(Vec<u8>, String)> {
    let ends = directory.iter().enumerate().filter(|(_, b)| **b == b'/');
    let ends = ends.map(|(at, _)| at).chain([directory.len()]);
    for end in ends {
        let part = directory.get(..end).unwrap_or(directory);
        let what = match tree.follow(part) {
            Ok((_, Node::Directory)) => continue,
            Ok(_) => "is no directory",
            Err(Dead::Loop) => "is a link that leads round in a circle",
            Err(Dead::End) if tree.stands_at(part) => "is a link that leads nowhere",
            // It is made, with all that is below it.
            Err(Dead::End) => return None,
        };
        return Some((
            part.to_vec(),
            format!(
                "{what}, and the machine's identity is to be written there; make it a directory in the new system, and capture it again"
            ),
        ));
    }
    None
}

/// Why a file could not be read, or, where `is_own`, be replaced.
fn file(tree: &Tree, path: &[u8], long: &BTreeSet<Vec<u8>>, is_own: bool) -> Option<String> {
    let remedy = "and the machine's identity is to be written there or looked up in it";
    match tree.follow(path) {
        Ok((real, Node::File(_))) if long.contains(&real) => Some(format!(
            "is longer than {LONGEST_FILE} bytes, {remedy}; shorten it in the new system, and capture it again"
        )),
        Ok((real, Node::Directory)) if is_own && real == path => Some(format!(
            "is a directory, {remedy}; make it a file in the new system or remove it, and capture it again"
        )),
        Err(Dead::Loop) => Some(format!(
            "is a link that leads round in a circle, {remedy}; make it a file in the new system or remove it, and capture it again"
        )),
        _ => None,
    }
}
