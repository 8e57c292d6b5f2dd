// SPDX-License-Identifier: MIT OR Apache-2.0
//! file_contexts: which label a path has.

use super::pattern::{Invalid, Pattern};
use super::substitutions::Substitutions;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The file in / that asks a system to label its files at its next boot.
pub const MARKER: &str = ".autorelabel";

/// What a file is, as far as its label depends on that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file (`--`).
    File,
    /// A directory (`-d`).
    Directory,
    /// A symbolic link (`-l`).
    Link,
    /// A character device (`-c`).
    CharDevice,
    /// A block device (`-b`).
    BlockDevice,
    /// A pipe (`-p`).
    Fifo,
    /// A socket (`-s`).
    Socket,
}

/// The texts of the files; those that do not exist are empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct Texts<'a> {
    /// file_contexts.
    pub main: &'a str,
    /// file_contexts.homedirs.
    pub homedirs: &'a str,
    /// file_contexts.local.
    pub local: &'a str,
    /// file_contexts.subs.
    pub subs: &'a str,
    /// file_contexts.subs_dist.
    pub subs_dist: &'a str,
}

/// A line that is not used. libselinux would use none of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file} line {line}: {why}")]
pub struct Problem {
    /// Name of the file.
    pub file: &'static str,
    /// Number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: Why,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Less than two words.
    #[error("it has no label")]
    Short,
    /// The word in the middle.
    #[error("its file type is none of -- -d -l -c -b -p -s")]
    Kind,
    /// Bytes above 127.
    #[error("it is not ASCII")]
    NotAscii,
    /// The expression.
    #[error("its regular expression: {0}")]
    Expression(Invalid),
}

/// The labels of a policy's files.
#[derive(Debug, Default)]
pub struct FileContexts {
    /// Those with special characters first, then the others; of all that
    /// match, the last counts.
    specs: Vec<Spec>,
    /// The specs that can match only below one directory of the root, by that
    /// directory, and under the empty name those that can match anywhere.
    stems: BTreeMap<Vec<u8>, Vec<usize>>,
    subs: Substitutions,
    subs_dist: Substitutions,
}

#[derive(Debug)]
struct Spec {
    expression: String,
    /// What every match begins with.
    prefix: Vec<u8>,
    /// The prefix is the whole expression.
    exact: bool,
    /// libselinux sees no special character in it.
    plain: bool,
    /// Made when the prefix fits for the first time: most never do.
    pattern: OnceLock<Option<Pattern>>,
    kind: Option<Kind>,
    /// None: `<<none>>`, such a file keeps what it has.
    label: Option<String>,
}

impl FileContexts {
    /// Reads the files, and says what is not understood in them.
    pub fn parse(texts: &Texts<'_>) -> (FileContexts, Vec<Problem>) {
        let (mut patterns, mut exact, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        for (file, text) in [
            ("file_contexts", texts.main),
            ("file_contexts.homedirs", texts.homedirs),
            ("file_contexts.local", texts.local),
        ] {
            for (n, line) in text.lines().enumerate() {
                match spec(line) {
                    Ok(None) => {}
                    Ok(Some(spec)) if spec.plain => exact.push(spec),
                    Ok(Some(spec)) => patterns.push(spec),
                    Err(why) => problems.push(Problem {
                        file,
                        line: n + 1,
                        why,
                    }),
                }
            }
        }
        patterns.append(&mut exact);
        let mut stems: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        for (n, spec) in patterns.iter().enumerate() {
            let stem = stem(&spec.prefix).to_vec();
            stems.entry(stem).or_default().push(n);
        }
        let contexts = FileContexts {
            specs: patterns,
            stems,
            subs: Substitutions::parse(texts.subs),
            subs_dist: Substitutions::parse(texts.subs_dist),
        };
        (contexts, problems)
    }

    /// The label of a file at `path`, which is absolute and has neither
    /// repeated slashes nor one at its end. None: the policy gives it none.
    pub fn lookup(&self, path: &[u8], kind: Kind) -> Option<&str> {
        let local = self.subs.apply(path);
        let path = local.as_deref().unwrap_or(path);
        let general = self.subs_dist.apply(path);
        let path = general.as_deref().unwrap_or(path);
        let mut there = self.of_stem(stem(path)).peekable();
        let mut anywhere = self.of_stem(b"").peekable();
        // The last that matches, of both lists.
        loop {
            let next = match (there.peek(), anywhere.peek()) {
                (Some(a), Some(b)) if a < b => anywhere.next(),
                (None, Some(_)) => anywhere.next(),
                _ => there.next(),
            }?;
            let spec = self.specs.get(next)?;
            if spec.kind.is_none_or(|k| k == kind) && spec.matches(path) {
                return spec.label.as_deref();
            }
        }
    }

    /// [`FileContexts::lookup`] for a file that is made now. A policy without a
    /// line for [`MARKER`] gives it what everything unknown has, which the
    /// program that looks for it may not see. Files that the system makes at
    /// run time in / are of the type that it gets here.
    pub fn label(&self, path: &[u8], kind: Kind) -> Option<&str> {
        let label = self.lookup(path, kind);
        let marker = path.strip_prefix(b"/") == Some(MARKER.as_bytes());
        if marker && label.is_none_or(|l| l.split(':').nth(2) == Some("default_t")) {
            return self.of_type("etc_runtime_t").or(label);
        }
        label
    }

    /// A label of this type (`etc_runtime_t`), as the policy writes it.
    pub fn of_type(&self, name: &str) -> Option<&str> {
        let mut labels = self.specs.iter().filter_map(|s| s.label.as_deref());
        labels.find(|label| label.split(':').nth(2) == Some(name))
    }

    /// The specs below one directory of the root, the last one first.
    fn of_stem(&self, stem: &[u8]) -> impl Iterator<Item = usize> {
        let list = self.stems.get(stem).map_or(&[][..], Vec::as_slice);
        list.iter().rev().copied()
    }
}

impl Spec {
    fn matches(&self, path: &[u8]) -> bool {
        if self.exact {
            // `$` matches before a last line feed, too.
            let cut = path.strip_suffix(b"\n");
            return path == self.prefix || cut == Some(&self.prefix);
        }
        if !path.starts_with(&self.prefix) {
            return false;
        }
        let pattern = self
            .pattern
            .get_or_init(|| Pattern::new(&self.expression).ok());
        pattern.as_ref().is_some_and(|p| p.matches(path))
    }
}

/// A line; nothing if it is empty or a comment.
fn spec(line: &str) -> Result<Option<Spec>, Why> {
    let mut words = line.split_ascii_whitespace();
    let Some(expression) = words.next().filter(|w| !w.starts_with('#')) else {
        return Ok(None);
    };
    let (second, third) = (words.next().ok_or(Why::Short)?, words.next());
    let (kind, label) = match third {
        None => (None, second),
        Some(label) => (Some(kind(second)?), label),
    };
    if ![expression, label].iter().all(|w| w.is_ascii()) {
        return Err(Why::NotAscii);
    }
    let pattern = Pattern::new(expression).map_err(Why::Expression)?;
    let (prefix, exact) = match prefix(expression) {
        // With alternatives outside of groups nothing is common to all matches.
        _ if !pattern.is_anchored() => (Vec::new(), false),
        found => found,
    };
    Ok(Some(Spec {
        expression: expression.to_owned(),
        prefix,
        exact,
        plain: is_plain(expression),
        pattern: OnceLock::new(),
        kind,
        label: (label != "<<none>>").then(|| label.to_owned()),
    }))
}

fn kind(word: &str) -> Result<Kind, Why> {
    Ok(match word {
        "--" => Kind::File,
        "-d" => Kind::Directory,
        "-l" => Kind::Link,
        "-c" => Kind::CharDevice,
        "-b" => Kind::BlockDevice,
        "-p" => Kind::Fifo,
        "-s" => Kind::Socket,
        _ => return Err(Why::Kind),
    })
}

fn is_special(byte: u8) -> bool {
    b".^$?*+|[({".contains(&byte)
}

fn is_plain(expression: &str) -> bool {
    let mut escaped = false;
    expression.bytes().all(|byte| {
        let special = !escaped && is_special(byte);
        escaped = !escaped && byte == b'\\';
        !special
    })
}

/// What every match begins with, and whether that is all of it.
fn prefix(expression: &str) -> (Vec<u8>, bool) {
    let mut prefix = Vec::new();
    let mut bytes = expression.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            _ if is_special(byte) => {
                if b"?*{".contains(&byte) {
                    // The byte before it need not be there.
                    prefix.pop();
                }
                return (prefix, false);
            }
            // Not a byte of its own: a class.
            b'\\' => match bytes.next() {
                Some(b) if !b.is_ascii_alphanumeric() => b,
                _ => return (prefix, false),
            },
            other => other,
        };
        prefix.push(byte);
    }
    (prefix, true)
}

/// The first component of a path that has more of them, with its slash.
fn stem(path: &[u8]) -> &[u8] {
    let slash = path.iter().skip(1).position(|b| *b == b'/');
    slash.and_then(|at| path.get(..at + 1)).unwrap_or_default()
}
