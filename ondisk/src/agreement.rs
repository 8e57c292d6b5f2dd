// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether the files of a payload and its layout agree on devices.
//!
//! One comparison for `replant-pack bundle`, where fstab may fill in what the
//! layout leaves open, and for `replant check`, where nothing is open any more.

use crate::fstab;
use crate::gpt::Table;
use crate::manifest::{Filesystem, Manifest, VolumeGroup};
use crate::naming::Made;
use crate::words::{self, Finding};
use std::fmt;

/// Why the new system would not come up on what the layout makes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Disagreement {
    /// A line of fstab that is read otherwise than it is meant.
    #[error("the payload's etc/fstab: {0}")]
    Line(#[from] fstab::Fault),
    /// A line of fstab.
    #[error(transparent)]
    Fstab(#[from] fstab::Disagreement),
    /// Words of other files.
    #[error("{0}")]
    Words(Words),
    /// The manifest lacks what fstab asks for.
    #[error(
        "migration.toml does not give the file system of {0} the UUID or label that the payload's etc/fstab asks for; make the package again with replant-pack bundle"
    )]
    Manifest(String),
}

/// All the words that are refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(pub Vec<Finding>);

/// The first in full, the others by their places.
impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, others)) = self.0.split_first() else {
            return f.write_str("nothing");
        };
        write!(f, "the payload's {first}")?;
        let mut before = " (also: ";
        for Finding {
            file, line, word, ..
        } in others
        {
            write!(f, "{before}{file} line {line}: {word}")?;
            before = ", ";
        }
        if others.is_empty() {
            Ok(())
        } else {
            f.write_str(")")
        }
    }
}

/// Compares the texts (paths below the root, and contents) with what is made;
/// fills in UUIDs and labels that the layout leaves open. What a person should
/// know is returned.
///
/// # Errors
/// [`Disagreement`] with what to do.
pub fn compare<'t>(
    texts: impl Iterator<Item = (&'t str, &'t str)>,
    table: &Table,
    groups: &[VolumeGroup],
    filesystems: &mut [Filesystem],
) -> Result<Vec<String>, Disagreement> {
    let texts: Vec<_> = texts.collect();
    let fstab = texts.iter().find(|(path, _)| *path == "etc/fstab");
    let lines = fstab::parse(fstab.map_or("", |(_, text)| text).as_bytes())?;
    let mut warnings = fstab::compare(&lines, filesystems, table)?;
    let made = Made {
        table,
        groups,
        filesystems,
    };
    let found = words::check(texts.into_iter(), &made).into_iter();
    let (refused, warned): (Vec<_>, Vec<_>) = found.partition(|finding| finding.refused);
    if !refused.is_empty() {
        return Err(Disagreement::Words(Words(refused)));
    }
    warnings.extend(
        warned
            .iter()
            .map(|finding| format!("the payload's {finding}")),
    );
    Ok(warnings)
}

/// The same for a package that is made: nothing is left open in it.
///
/// # Errors
/// [`Disagreement`] with what to do.
pub fn verify<'t>(
    texts: impl Iterator<Item = (&'t str, &'t str)>,
    table: &Table,
    manifest: &Manifest,
) -> Result<Vec<String>, Disagreement> {
    let mut filesystems = manifest.filesystems.clone();
    let warnings = compare(texts, table, &manifest.volume_groups, &mut filesystems)?;
    let mut both = filesystems.iter().zip(&manifest.filesystems);
    match both.find(|(filled, own)| filled != own) {
        None => Ok(warnings),
        Some((_, own)) => Err(Disagreement::Manifest(own.mount.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpt::Guid;

    fn made(texts: &[(&str, &str)]) -> Result<(Vec<Filesystem>, Vec<String>), String> {
        let table = Table::new(1 << 30, 512, Guid([7; 16])).unwrap();
        let mut filesystems = vec![Filesystem::new("VA/root", "/")];
        let found = compare(texts.iter().copied(), &table, &[], &mut filesystems);
        found.map(|w| (filesystems, w)).map_err(|e| e.to_string())
    }

    const ROOT: (&str, &str) = ("etc/fstab", "LABEL=top / ext4\n");

    #[test]
    fn what_fstab_fills_in_counts_for_the_words() {
        let (filesystems, warnings) =
            made(&[ROOT, ("etc/kernel/cmdline", "root=LABEL=top")]).unwrap();
        assert_eq!((filesystems[0].label.as_str(), warnings.len()), ("top", 0));
        let selinux = ("etc/selinux/config", "AUTORELABEL=0");
        let (_, warnings) = made(&[ROOT, selinux]).unwrap();
        let start = "the payload's etc/selinux/config line 1 has AUTORELABEL=0, ";
        assert!(warnings[0].starts_with(start), "{warnings:?}");
    }

    #[test]
    fn all_that_is_wrong_is_reported_at_once() {
        let error =
            made(&[ROOT, ("etc/kernel/cmdline", "root=/dev/sdb1\nrd.md.uuid=1")]).unwrap_err();
        let start = "the payload's etc/kernel/cmdline line 1 has root=/dev/sdb1, ";
        assert!(error.starts_with(start), "{error}");
        assert!(
            error.ends_with(" (also: etc/kernel/cmdline line 2: rd.md.uuid=1)"),
            "{error}"
        );
        let error = made(&[("etc/fstab", "LABEL=top / ext4\r\n")]).unwrap_err();
        assert!(
            error.starts_with("the payload's etc/fstab: line 1 "),
            "{error}"
        );
    }
}
