// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which entry starts (normal/menu.c of GRUB 2.06, rhel-7.9, rhel-8, rhel-9).

use super::number::{NumberError, is_space, unsigned};
use super::run::{Interpreter, Stop};
use super::state::Raw;
use super::{Boot, ConfigError, Dialect, Entry, First, GrubPath, Outcome, Started};

/// How deep submenus may lie in each other.
const DEPTH: usize = 8;

/// The number of the entry that `default` names; the first one if it names none.
pub(super) fn default_entry(menu: &[Raw], default: Option<&str>, dialect: Dialect) -> usize {
    let named = default.and_then(|value| match dialect {
        Dialect::Upstream | Dialect::El7 => by_number_or_name(menu, value),
        Dialect::El8 | Dialect::El9 => by_name_or_number(menu, value),
    });
    named.filter(|number| *number < menu.len()).unwrap_or(0)
}

/// What begins with a digit is a number, whatever follows.
fn by_number_or_name(menu: &[Raw], value: &str) -> Option<usize> {
    match unsigned(value, 0).value {
        Ok(number) => usize::try_from(number).ok(),
        Err(NumberError::Range) => None,
        Err(NumberError::Bad) => menu.iter().position(|entry| {
            matches(&entry.title, value, None).is_some()
                || matches(&entry.id, value, None).is_some()
        }),
    }
}

/// Identifiers without spaces come first, then titles, then numbers.
fn by_name_or_number(menu: &[Raw], value: &str) -> Option<usize> {
    let word = value.bytes().take_while(|b| !is_space(*b)).count();
    let long = |length: Option<usize>| length.is_some_and(|l| l > 0);
    if let Some(found) = menu
        .iter()
        .position(|entry| long(matches(&entry.id, value, Some(word))))
    {
        return Some(found).filter(|_| word == value.len());
    }
    let title = |entry: &Raw| long(matches(&entry.title, value, None));
    if let Some(found) = menu.iter().position(title) {
        return Some(found);
    }
    let number = unsigned(value, 0);
    let number = number.value.ok().filter(|_| number.rest.is_empty());
    number.and_then(|number| usize::try_from(number).ok())
}

/// Whether `name` is the part of `spec` before a single `>`, in which `>>`
/// stands for `>`: how much was compared. With a limit, `name` may also end
/// where a space follows in `spec`.
fn matches(name: &str, spec: &str, limit: Option<usize>) -> Option<usize> {
    let (name, spec) = (name.as_bytes(), spec.as_bytes());
    let mut at = 0;
    let mut other = 0;
    while limit.is_none_or(|limit| at <= limit) {
        let left = name.get(at);
        let mut right = spec.get(other);
        if right == Some(&b'>') {
            if spec.get(other + 1) != Some(&b'>') {
                return left.is_none().then_some(other);
            }
            other += 1;
            right = spec.get(other);
        }
        if left != right {
            let ends = limit == Some(at) && left.is_none() && right.is_some_and(|b| is_space(*b));
            return ends.then(|| at.saturating_sub(1));
        }
        if left.is_none() {
            return Some(at);
        }
        at += 1;
        other += 1;
    }
    None
}

/// What follows the first single `>`.
fn behind_submenu(default: &str) -> Option<&str> {
    let bytes = default.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'>' {
            if bytes.get(at + 1) != Some(&b'>') {
                return default.get(at + 1..).filter(|rest| !rest.is_empty());
            }
            at += 1;
        }
        at += 1;
    }
    None
}

impl Interpreter<'_> {
    /// One start of GRUB.
    pub(super) fn boot(mut self, config: &GrubPath) -> Result<Boot, ConfigError> {
        if !self.source(&config.to_string())? {
            return Err(ConfigError::Missing(config.clone()));
        }
        let read = self.read.clone();
        let saved = self.saved.len();
        let variables = self.state.variables();
        let ended = self.stop.take();
        let before = self.state.clone();
        let mut menu = Vec::new();
        if !matches!(ended, Some(Stop::Ended(_))) {
            for entry in before.menu() {
                menu.push(self.describe(entry, DEPTH)?);
                self.state = before.clone();
            }
        }
        // What an entry that is only looked at saves does not count.
        self.saved.truncate(saved);
        let first = match ended {
            Some(Stop::Ended(command)) => First::Ends(command),
            _ => self.automatic()?,
        };
        Ok(Boot {
            menu,
            first,
            variables,
            read,
            saved: self.saved,
            environments: self.state.blocks,
            notes: self.notes,
        })
    }

    /// Follows the default entries until something starts.
    fn automatic(&mut self) -> Result<First, ConfigError> {
        let mut path = Vec::new();
        let mut asks = false;
        loop {
            let menu = self.state.menu();
            let number = default_entry(menu, self.state.get("default"), self.dialect);
            let Some(entry) = menu.get(number).cloned() else {
                return Ok(First::Prompt);
            };
            path.push(number);
            let timeout = self.state.get("timeout").map(|text| unsigned(text, 0));
            let seconds = timeout.and_then(|t| i32::try_from(t.value.ok()?).ok());
            if seconds.is_none() {
                return Ok(First::Waits(path));
            }
            if path.len() > DEPTH {
                return Err(self.limit("deeply nested"));
            }
            asks |= self.asks(&entry);
            let (nested, outcome) = self.run_entry(&entry, true)?;
            if !nested {
                let (title, id) = (entry.title, entry.id);
                return Ok(First::Entry(Box::new(Started {
                    path,
                    title,
                    id,
                    asks,
                    outcome,
                })));
            }
        }
    }

    /// Whether a password is asked for.
    fn asks(&self, entry: &Raw) -> bool {
        entry.users.is_some() && self.state.get("superusers").is_some()
    }

    /// An entry, as if somebody chose it. The state is not put back.
    fn describe(&mut self, entry: &Raw, depth: usize) -> Result<Entry, ConfigError> {
        self.charge(self.state.size())?;
        let asks = self.asks(entry);
        let (nested, outcome) = self.run_entry(entry, false)?;
        let mut children = Vec::new();
        if nested {
            let Some(depth) = depth.checked_sub(1) else {
                return Err(self.limit("deeply nested"));
            };
            let opened = self.state.clone();
            for child in opened.menu() {
                children.push(self.describe(child, depth)?);
                self.state = opened.clone();
            }
        }
        Ok(Entry {
            title: entry.title.clone(),
            id: entry.id.clone(),
            users: entry.users.clone(),
            asks,
            submenu: entry.submenu,
            source: entry.source.clone(),
            outcome,
            children,
        })
    }

    /// Runs the body of an entry. Whether another menu appears, which is the
    /// one of the context that is open then; otherwise what starts.
    fn run_entry(&mut self, entry: &Raw, auto: bool) -> Result<(bool, Outcome), ConfigError> {
        self.stop = None;
        self.state.loaded = Default::default();
        let chosen = self.state.get("chosen").map(|old| format!("{old}>"));
        let chosen = chosen.unwrap_or_default() + &entry.id.replace('>', ">>");
        let default = self.state.get("default").map(String::from);
        if entry.submenu {
            self.state.open(self.dialect == Dialect::El9);
            if auto {
                self.state.set("timeout", "0");
            }
        }
        self.state.set("chosen", chosen);
        self.state.export("chosen");
        match default.as_deref().and_then(behind_submenu) {
            Some(rest) => self.state.set("default", rest),
            None if self.dialect == Dialect::El9 => {}
            None => self.state.unset("default"),
        }
        let status = self.run_block(&entry.source, entry.parameters.clone(), &entry.title)?;
        let loaded = std::mem::take(&mut self.state.loaded);
        let mut outcome = Outcome {
            boots: loaded.kernel.is_some() || loaded.other.is_some(),
            kernel: loaded.kernel,
            other: loaded.other,
            chained: loaded.chained,
            missing: loaded.missing,
        };
        match self.stop.take() {
            Some(Stop::Menu) => return Ok((true, outcome)),
            Some(Stop::Ended(command)) => {
                outcome.boots |= command != "boot";
                if command != "boot" {
                    outcome.kernel = None;
                    outcome.chained = None;
                    outcome.other = Some(command);
                }
            }
            // Red Hat's newer GRUB starts nothing if the last command failed.
            None => outcome.boots &= status == 0 || self.dialect != Dialect::El9,
        }
        let nested = entry.submenu && !self.state.menu().is_empty();
        Ok((nested && !outcome.boots, outcome))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn menu() -> Vec<Raw> {
        let entry = |title: &str, id: &str| Raw {
            title: title.into(),
            id: id.into(),
            users: None,
            submenu: false,
            source: String::new(),
            parameters: Vec::new(),
        };
        vec![
            entry("Debian GNU/Linux", "gnulinux-simple-ab"),
            entry("Advanced options > all", "gnulinux-advanced-ab"),
            entry("CentOS Linux (5.14.0) 9", "0123abc-5.14.0"),
            entry("own", "own"),
        ]
    }

    #[test]
    fn names_and_numbers() {
        let both = |value: &str| {
            let menu = menu();
            let of = |dialect| default_entry(&menu, Some(value), dialect);
            assert_eq!(of(Dialect::Upstream), of(Dialect::El7), "{value}");
            assert_eq!(of(Dialect::El8), of(Dialect::El9), "{value}");
            (of(Dialect::Upstream), of(Dialect::El9))
        };
        assert_eq!(both("2"), (2, 2));
        assert_eq!(both("7"), (0, 0));
        assert_eq!(both(""), (0, 0));
        assert_eq!(both("nothing like it"), (0, 0));
        assert_eq!(both("own"), (3, 3));
        assert_eq!(both("own>1"), (3, 3));
        assert_eq!(both("CentOS Linux (5.14.0) 9"), (2, 2));
        assert_eq!(both("Advanced options >> all>2"), (1, 1));
        assert_eq!(both("gnulinux-advanced-ab>gnulinux-6.1-ab"), (1, 1));
        // With spaces behind an identifier, Red Hat's gives up.
        assert_eq!(both("gnulinux-advanced-ab>Debian 6.1"), (1, 0));
        // A number with more behind it, and an identifier that begins as one.
        assert_eq!(both("1>2"), (1, 0));
        assert_eq!(both("0123abc-5.14.0"), (0, 2));
        assert_eq!(default_entry(&menu(), None, Dialect::El9), 0);
    }

    #[test]
    fn what_is_chosen_in_the_submenu() {
        assert_eq!(behind_submenu("a>b>c"), Some("b>c"));
        assert_eq!(behind_submenu("a>>b>c"), Some("c"));
        assert_eq!(behind_submenu("a>"), None);
        assert_eq!(behind_submenu("a>>b"), None);
    }
}
