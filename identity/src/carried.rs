// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that the package names (`[carry]`): small ones of an application, such
//! as a licence key, with owner and mode.

use super::accounts::{Files, field};
use super::error::{Error, Result};
use super::report::Report;
use rootdir::{Attributes, RootDir};
use serde::{Deserialize, Serialize};

/// Bytes that all of them may have: they are in RAM in the tiny system.
const MOST_BYTES: u64 = 4 << 20;
/// As many as there may be.
const MOST: usize = 2000;
/// How deep directories may lie in each other.
const DEEPEST: usize = 32;

/// A file, directory or symbolic link of the old system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carried {
    /// Below the root, without a slash at the beginning.
    pub path: String,
    /// Permission bits; not of a link.
    #[serde(default)]
    pub mode: u32,
    /// The owner's name, or his number where he has no name.
    #[serde(default)]
    pub owner: String,
    /// The same of the group.
    #[serde(default)]
    pub group: String,
    /// Where a link points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// A regular file: its content has this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<u32>,
}

/// The contents of files, each with its number as a name.
pub type Contents = Vec<(String, Vec<u8>)>;

/// Reads what these paths name, which begin with a slash. What is not there, or
/// is no file, is a warning.
pub(crate) fn collect(
    root: &RootDir,
    paths: &[String],
    report: &mut Report,
) -> Result<(Vec<Carried>, Contents)> {
    let mut reader = Reader {
        root,
        names: Files::read(root)?,
        found: Vec::new(),
        contents: Vec::new(),
        bytes: 0,
    };
    for path in paths {
        let path = path.trim_start_matches('/');
        if !root.present(path)? {
            report.warn(format!(
                "/{path}, which the package carries over ([carry]), is not there"
            ));
            continue;
        }
        reader.take(path, 0, report)?;
    }
    if !paths.is_empty() {
        report.done(format!(
            "saved: {} files of the package's [carry], {} bytes",
            reader.contents.len(),
            reader.bytes
        ));
    }
    Ok((reader.found, reader.contents))
}

struct Reader<'a> {
    root: &'a RootDir,
    names: Files,
    found: Vec<Carried>,
    contents: Contents,
    bytes: u64,
}

impl Reader<'_> {
    fn take(&mut self, path: &str, depth: usize, report: &mut Report) -> Result<()> {
        if self.found.len() >= MOST || depth > DEEPEST {
            return Err(self.too_much(path));
        }
        if let Some(target) = self.root.link(path)? {
            self.found.push(Carried {
                path: path.into(),
                link: Some(target),
                ..Carried::default()
            });
            return Ok(());
        }
        let Some(attributes) = self.root.attributes(path)? else {
            report.warn(format!(
                "/{path} has vanished meanwhile; it is not carried over"
            ));
            return Ok(());
        };
        let mut carried = Carried {
            path: path.into(),
            mode: attributes.mode,
            owner: name(&self.names, attributes.uid, true),
            group: name(&self.names, attributes.gid, false),
            ..Carried::default()
        };
        if self.root.is_dir(path)? {
            self.found.push(carried);
            for name in self.root.list(path)? {
                self.take(&format!("{path}/{name}"), depth + 1, report)?;
            }
            return Ok(());
        }
        let bytes = match self.root.read(path) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                report.warn(format!(
                    "/{path} is a device, pipe or socket; it is not carried over"
                ));
                return Ok(());
            }
            Err(rootdir::Error::TooLarge { .. }) => return Err(self.too_much(path)),
            Err(error) => return Err(error.into()),
        };
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if self.bytes > MOST_BYTES {
            return Err(self.too_much(path));
        }
        let number = self.contents.len() as u32;
        carried.content = Some(number);
        self.contents.push((number.to_string(), bytes));
        self.found.push(carried);
        Ok(())
    }

    fn too_much(&self, path: &str) -> Error {
        Error::TooMuchCarried {
            path: self.root.full(path),
            bytes: MOST_BYTES,
            files: MOST,
        }
    }
}

/// The name of a user or group with this number, or the number.
fn name(files: &Files, number: u32, user: bool) -> String {
    let table = if user { &files.passwd } else { &files.group };
    let number = number.to_string();
    let entry = table.entries(3).find(|entry| field(entry, 2) == number);
    entry.map_or(number, |entry| field(entry, 0).to_owned())
}

/// Puts them into the new system, whose accounts are there already.
pub(crate) fn apply(
    root: &RootDir,
    carried: &[Carried],
    contents: &Contents,
    report: &mut Report,
) -> Result<()> {
    let names = Files::read(root)?;
    let mut owners = Owners {
        names: &names,
        unknown: Vec::new(),
    };
    for one in carried {
        let path = one.path.as_str();
        if above_is_file(root, path)? {
            continue;
        }
        if let Some(target) = &one.link {
            if root.is_dir(path)? && root.link(path)?.is_none() {
                report.warn(format!(
                    "/{path} was a link to {target}, and is a directory of the new system, which stays"
                ));
                continue;
            }
            root.symlink(path, target)?;
            continue;
        }
        let attributes = owners.attributes(one);
        match one.content {
            None if root.present(path)? && !root.is_dir(path)? => report.warn(format!(
                "/{path} was a directory, and is none in the new system; what was in it is not carried over"
            )),
            None => {
                root.make_dir(path, attributes)?;
                root.set_attributes(path, attributes)?;
            }
            Some(number) => {
                let number = number.to_string();
                let content = contents.iter().find(|(name, _)| *name == number);
                let Some((_, bytes)) = content else { continue };
                if root.is_dir(path)? {
                    report.warn(format!(
                        "/{path} was a file, and is a directory of the new system, which stays"
                    ));
                    continue;
                }
                root.write(path, bytes, attributes)?;
            }
        }
    }
    for who in owners.unknown {
        report.warn(format!(
            "{who} does not exist in the new system: what belonged to that name of [carry] belongs to root"
        ));
    }
    if !carried.is_empty() {
        report.done(format!(
            "{} files and directories of [carry]",
            carried.len()
        ));
    }
    Ok(())
}

/// Whether a directory on the way is a file in the new system, which was said.
fn above_is_file(root: &RootDir, path: &str) -> Result<bool> {
    for (at, _) in path.match_indices('/') {
        let above = path.get(..at).unwrap_or_default();
        if root.present(above)? && !root.is_dir(above)? {
            return Ok(true);
        }
    }
    Ok(false)
}

struct Owners<'a> {
    names: &'a Files,
    unknown: Vec<String>,
}

impl Owners<'_> {
    fn attributes(&mut self, one: &Carried) -> Attributes {
        let uid = self.number(&one.owner, true);
        let gid = self.number(&one.group, false);
        // A program that becomes another user is none of these small files.
        Attributes {
            mode: one.mode & 0o1777,
            uid,
            gid,
        }
    }

    /// The number of this name; root's where it does not exist.
    fn number(&mut self, name: &str, user: bool) -> u32 {
        let table = if user {
            &self.names.passwd
        } else {
            &self.names.group
        };
        let known = table.entries(3).find(|entry| field(entry, 0) == name);
        if let Some(number) = known.and_then(|entry| field(entry, 2).parse().ok()) {
            return number;
        }
        let who = format!("{} {name}", if user { "user" } else { "group" });
        if !self.unknown.contains(&who) {
            self.unknown.push(who);
        }
        0
    }
}
