// SPDX-License-Identifier: MIT OR Apache-2.0
//! What GRUB will make of its configuration.
//!
//! [`boot`] runs grub.cfg as GRUB does, with the files and the environment
//! block that GRUB will find, and says which entry starts when nobody touches
//! a key, with which kernel and which words on its command line. [`boots`]
//! does it several times in a row, each time with the environment block as
//! the boot before left it: whether an entry that is chosen once is really
//! gone the next time is the difference between its first two.
//! [`Boot::menu`] has every entry with what it would start if somebody chose
//! it by hand. [`reads`] tells whether a file, `custom.cfg` say, would be read
//! at all.
//!
//! Evaluated is what GRUB 2.02 to 2.12 and those of EL 7 to 10 do
//! (normal/menu.c, normal/main.c, script/execute.c, commands/blscfg.c); where
//! they differ, [`Dialect`] decides. What depends on the machine rather than
//! on files (a key that is held, a font) is taken for its usual answer; what
//! is not evaluated, or not known to GRUB, is in [`Boot::notes`].

mod bls;
mod bls_entry;
mod commands;
mod environment;
mod expression;
mod flow;
mod menu;
mod names;
mod number;
mod options;
mod run;
mod state;
mod version;
mod words;

use super::files::{Changed, Files, GrubPath};
use super::script::{Source, parse};
use crate::os_release::OsRelease;
use run::Interpreter;
use std::collections::BTreeMap;
use std::fmt;

/// Whose GRUB it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Debian, Ubuntu, SUSE: GRUB 2.02 and later as its authors made it.
    Upstream,
    /// Red Hat Enterprise Linux 7 and its kin: 2.02~beta2.
    El7,
    /// EL 8: 2.02 with Red Hat's changes.
    El8,
    /// EL 9 and 10, Fedora: 2.06 and later with Red Hat's changes.
    El9,
}

impl Dialect {
    /// The dialect of the system that has this os-release.
    pub fn of(os_release: &OsRelease) -> Dialect {
        let Some(release) = os_release.el() else {
            return Dialect::Upstream;
        };
        match release {
            "7" => Dialect::El7,
            "8" => Dialect::El8,
            _ => Dialect::El9,
        }
    }
}

/// Where GRUB begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The device that has GRUB's directory.
    pub device: String,
    /// GRUB's directory on it: `/grub2`, `/boot/grub`.
    pub directory: String,
    /// Whose GRUB it is.
    pub dialect: Dialect,
}

impl Start {
    /// The configuration that GRUB reads first.
    pub fn config(&self) -> GrubPath {
        GrubPath::new(&self.device, &self.directory).join("grub.cfg")
    }

    /// The environment block that GRUB takes if it is told no other.
    pub fn environment(&self) -> GrubPath {
        GrubPath::new(&self.device, &self.directory).join("grubenv")
    }
}

/// A kernel, and what it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// The command that loads it: `linux`, `linux16`.
    pub command: String,
    /// Its file.
    pub place: GrubPath,
    /// The words of its command line.
    pub words: Vec<String>,
    /// The initial ramdisks.
    pub initrds: Vec<GrubPath>,
}

impl Kernel {
    /// The value of the last word `name=value`.
    pub fn value(&self, name: &str) -> Option<&str> {
        let values = self.words.iter().rev();
        values
            .filter_map(|word| word.strip_prefix(name)?.strip_prefix('='))
            .next()
    }
}

/// What an entry starts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// The kernel that was loaded last.
    pub kernel: Option<Kernel>,
    /// Another loader, or a command that ends GRUB: `chainloader +1`, `halt`.
    pub other: Option<String>,
    /// The boot sector in a file that `chainloader` has read; then `other` has
    /// the command.
    pub chained: Option<GrubPath>,
    /// Files that it wants to load and that do not exist.
    pub missing: Vec<GrubPath>,
    /// Whether GRUB starts it. If not, it shows an error and goes on with
    /// `fallback`, or waits in its menu for ever.
    pub boots: bool,
}

/// An entry of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What people see.
    pub title: String,
    /// The identifier; without one it is the title.
    pub id: String,
    /// Users who may start it besides the superusers; none: anybody.
    pub users: Option<String>,
    /// Whether GRUB asks for a user's name and password before it starts:
    /// there are superusers, and not anybody may start it.
    pub asks: bool,
    /// Whether it is a menu of its own, whose entries are `children`.
    pub submenu: bool,
    /// The commands in its body.
    pub source: String,
    /// What it starts when it is chosen by hand.
    pub outcome: Outcome,
    /// The entries of the menu that it opens.
    pub children: Vec<Entry>,
}

/// The entry that starts when nobody touches a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Where it is: its number in the menu, from 0, then in the submenu and
    /// so on.
    pub path: Vec<usize>,
    /// What people see.
    pub title: String,
    /// The identifier.
    pub id: String,
    /// Whether GRUB waits for a user's name and password before.
    pub asks: bool,
    /// What it starts.
    pub outcome: Outcome,
}

/// What GRUB does when nobody touches a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum First {
    /// It starts an entry.
    Entry(Box<Started>),
    /// It waits in a menu without a timeout; the entry that is marked.
    Waits(Vec<usize>),
    /// It has no menu, and waits at its prompt.
    Prompt,
    /// The configuration itself ends with this command.
    Ends(String),
}

/// A write to an environment block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The file.
    pub place: GrubPath,
    /// The variables.
    pub names: Vec<String>,
    /// Whether it can be written; if not, all stays as it was.
    pub done: bool,
}

/// Something that was not evaluated as it stands, or that GRUB will complain of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Lines that GRUB does not understand and leaves out.
    Syntax {
        /// The file, or the title of the entry.
        place: String,
        /// The line.
        line: usize,
        /// What it did not expect.
        found: String,
    },
    /// A command that GRUB does not have.
    Unknown(String),
    /// A command whose effect depends on the machine or is not known here.
    NotEvaluated(String),
    /// A pattern of file names, which is taken as it stands.
    Pattern(String),
    /// Variables that GRUB could not save.
    NotSaved {
        /// The environment block.
        place: GrubPath,
        /// The variables.
        names: Vec<String>,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Syntax { place, line, found } => {
                write!(
                    f,
                    "{place}, line {line}: GRUB does not expect {found:?} here"
                )
            }
            Note::Unknown(name) => write!(f, "GRUB has no command {name:?}"),
            Note::NotEvaluated(name) => write!(f, "the command {name:?} is not evaluated"),
            Note::Pattern(name) => write!(f, "the pattern in {name:?} is not evaluated"),
            Note::NotSaved { place, names } => {
                write!(f, "GRUB cannot save {} in {place}", names.join(", "))
            }
        }
    }
}

/// One start of GRUB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// The menu.
    pub menu: Vec<Entry>,
    /// What happens when nobody touches a key.
    pub first: First,
    /// The variables when the menu appears; of interest are `default`,
    /// `fallback`, `timeout`, `superusers`.
    pub variables: BTreeMap<String, String>,
    /// The configuration files that were read, grub.cfg first.
    pub read: Vec<GrubPath>,
    /// Writes to environment blocks, those of the entry that starts included.
    pub saved: Vec<Saved>,
    /// The environment blocks that were written, as they are afterwards.
    pub environments: BTreeMap<GrubPath, Vec<u8>>,
    /// What was not evaluated.
    pub notes: Vec<Note>,
}

impl Boot {
    /// The entry that starts by itself, if one does without a question.
    pub fn started(&self) -> Option<&Started> {
        match &self.first {
            First::Entry(started) if !started.asks => Some(started.as_ref()),
            _ => None,
        }
    }

    /// The kernel that starts by itself.
    pub fn kernel(&self) -> Option<&Kernel> {
        let outcome = &self.started()?.outcome;
        outcome.kernel.as_ref().filter(|_| outcome.boots)
    }

    /// All entries, those of a submenu after it.
    pub fn entries(&self) -> Vec<&Entry> {
        fn add<'a>(all: &mut Vec<&'a Entry>, entries: &'a [Entry]) {
            for entry in entries {
                all.push(entry);
                add(all, &entry.children);
            }
        }
        let mut all = Vec::new();
        add(&mut all, &self.menu);
        all
    }
}

/// Why the configuration could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is none.
    #[error("{0} cannot be read; GRUB would stop at its prompt")]
    Missing(GrubPath),
    /// More than a machine could want.
    #[error("GRUB's configuration is too {what} to evaluate: {place}")]
    Limit {
        /// In which respect.
        what: &'static str,
        /// Where it was noticed.
        place: String,
    },
    /// GRUB would never come to an end.
    #[error("GRUB hangs at the file name {0}: \".conf\" may only stand at its end")]
    Hangs(GrubPath),
}

/// The lines of a configuration file that GRUB does not understand.
pub fn syntax(text: &str) -> Vec<Note> {
    let mut source = Source::file(text);
    let mut notes = Vec::new();
    while !source.is_empty() {
        if let Err(error) = parse(&mut source, &mut Vec::new()) {
            notes.push(Note::Syntax {
                place: String::new(),
                line: error.line,
                found: error.found,
            });
        }
    }
    notes
}

/// What GRUB does at its next start.
///
/// # Errors
/// [`ConfigError`]. A configuration that GRUB merely complains of is no error.
pub fn boot(files: &dyn Files, start: &Start) -> Result<Boot, ConfigError> {
    Interpreter::new(files, start).boot(&start.config())
}

/// What GRUB does at its next `count` starts when nothing but GRUB itself
/// writes its environment block in between.
///
/// # Errors
/// As [`boot`].
pub fn boots(files: &dyn Files, start: &Start, count: usize) -> Result<Vec<Boot>, ConfigError> {
    let mut all: Vec<Boot> = Vec::new();
    let mut changes = BTreeMap::new();
    for _ in 0..count {
        let now = boot(&Changed::new(files, changes.clone()), start)?;
        changes.extend(now.environments.clone());
        all.push(now);
    }
    Ok(all)
}

/// Whether GRUB reads the file as configuration before it shows its menu, if
/// the file is there.
///
/// # Errors
/// As [`boot`].
pub fn reads(files: &dyn Files, start: &Start, place: &GrubPath) -> Result<bool, ConfigError> {
    let changed = Changed::new(files, BTreeMap::new()).with(place.clone(), "# Is this read?\n");
    Ok(boot(&changed, start)?.read.contains(place))
}
