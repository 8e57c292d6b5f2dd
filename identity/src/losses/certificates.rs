// SPDX-License-Identifier: MIT OR Apache-2.0
//! Certificate authorities that somebody added.

use super::{Kind, Loss};
use crate::error::Result;
use rootdir::{RootDir, Step};

/// Where they are put, on EL, Debian, SUSE and Arch.
const PLACES: [&str; 6] = [
    "etc/pki/ca-trust/source/anchors",
    "etc/pki/ca-trust/source/blacklist",
    "etc/pki/ca-trust/source/blocklist",
    "etc/pki/trust/anchors",
    "etc/ca-certificates/trust-source/anchors",
    "usr/local/share/ca-certificates",
];
/// Directories with more files contain something else.
const MOST: usize = 500;

/// The files there.
pub(super) fn find(root: &RootDir) -> Result<Vec<Loss>> {
    let mut found = Vec::new();
    for place in PLACES {
        root.walk(place, &mut |entry| {
            if !entry.is_dir && found.len() < MOST {
                found.push(Loss::new(Kind::Certificate, format!("/{}", entry.path), ""));
            }
            Step::On
        })?;
    }
    found.sort_by(|a, b| a.what.cmp(&b.what));
    Ok(found)
}
