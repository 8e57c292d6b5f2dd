// SPDX-License-Identifier: MIT OR Apache-2.0
//! sshd_config(5), as far as it decides who can log in with a key: which files
//! hold keys, and whether sshd requires anything else.

mod parse;
mod read;
#[cfg(test)]
mod tests;

use parse::{Setting, Truth};

use super::database::number;
use super::files::Files;
use super::model::User;

/// The files that sshd reads by default.
const DEFAULT: [&str; 2] = [".ssh/authorized_keys", ".ssh/authorized_keys2"];

/// The settings of all files together, in sshd's order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sshd {
    settings: Vec<Setting>,
    /// Files that could not be read, with the reason.
    pub unread: Vec<String>,
}

/// The properties of a login that Match blocks compare.
pub(super) struct Login<'a> {
    pub user: &'a User,
    /// Names of all groups, the primary one among them.
    pub groups: Vec<&'a str>,
}

impl<'a> Login<'a> {
    pub(super) fn of(user: &'a User, files: &'a Files) -> Login<'a> {
        let primary = files
            .group
            .entries(3)
            .filter(|g| number(g, 2) == Some(user.gid));
        let primary = primary.filter_map(|g| g.first()).map(String::as_str);
        Login {
            user,
            groups: user
                .groups
                .iter()
                .map(String::as_str)
                .chain(primary)
                .collect(),
        }
    }
}

/// Where the keys of a user lie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct KeyFiles {
    /// Paths below the root.
    pub paths: Vec<String>,
    /// Files that count for some connections only, or whose path cannot be
    /// known, with the reason.
    pub unknown: Vec<String>,
}

impl Sshd {
    /// `StrictModes`: yes, unless the first word on it is no. It cannot stand
    /// in a Match block.
    pub(super) fn is_strict(&self) -> bool {
        let first = self.settings.iter().find(|s| s.key == "strictmodes");
        let word = first.and_then(|s| s.words.first());
        !word.is_some_and(|w| w.eq_ignore_ascii_case("no"))
    }

    /// The value for a login: of the first Match block that matches and sets it,
    /// otherwise the global one. Also returns values of blocks of which it is not
    /// known whether they match.
    fn get(&self, key: &str, login: &Login<'_>) -> (Option<&Setting>, Vec<&Setting>) {
        let (mut sure, mut global, mut maybe) = (None, None, Vec::new());
        for setting in self.settings.iter().filter(|s| s.key == key) {
            match setting.holds(login) {
                Truth::Yes if setting.when.is_empty() => global = global.or(Some(setting)),
                Truth::Yes => sure = sure.or(Some(setting)),
                Truth::Maybe => maybe.push(setting),
                Truth::No => {}
            }
        }
        (sure.or(global), maybe)
    }

    /// Where sshd looks for the keys of a user.
    pub(super) fn key_files(&self, login: &Login<'_>) -> KeyFiles {
        let mut found = KeyFiles::default();
        let (setting, maybe) = self.get("authorizedkeysfile", login);
        let words: Vec<&str> = match setting {
            Some(setting) => setting.words.iter().map(String::as_str).collect(),
            None => DEFAULT.to_vec(),
        };
        for word in words.into_iter().filter(|w| *w != "none") {
            match expand(word, login.user) {
                Ok(path) if found.paths.contains(&path) => {}
                Ok(path) => found.paths.push(path),
                Err(why) => found.unknown.push(why),
            }
        }
        for setting in maybe {
            let words = setting.words.join(" ");
            if words != "none" {
                found.unknown.push(format!(
                    "AuthorizedKeysFile {words} counts only with {} ({})",
                    setting.conditions(),
                    setting.place
                ));
            }
        }
        found
    }

    /// Other ways by which a key or a certificate lets a user in.
    pub(super) fn other_ways(&self, login: &Login<'_>) -> Vec<String> {
        let mut ways = Vec::new();
        for (key, what) in [
            ("authorizedkeyscommand", "sshd asks a program for keys"),
            ("trustedusercakeys", "sshd believes certificates"),
        ] {
            let (setting, maybe) = self.get(key, login);
            for setting in setting.into_iter().chain(maybe) {
                let words = setting.words.join(" ");
                if !words.is_empty() && words != "none" {
                    ways.push(format!("{what}: {words} ({})", setting.place));
                }
            }
        }
        ways
    }
}

/// A word of AuthorizedKeysFile as a path: `%%`, `%h`, `%u`, `%U`, and below
/// the home if it is not absolute.
fn expand(word: &str, user: &User) -> Result<String, String> {
    let home = || match user.home.starts_with('/') {
        true => Ok(user.home.trim_end_matches('/')),
        false => Err("the home in passwd is no absolute path".to_owned()),
    };
    let mut path = String::new();
    let mut chars = word.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            path.push(c);
            continue;
        }
        match chars.next() {
            Some('%') => path.push('%'),
            Some('h') => path.push_str(home()?),
            Some('u') => path.push_str(&user.name),
            Some('U') => path.push_str(&user.uid.to_string()),
            other => {
                let token = other.map_or("%".into(), |c| format!("%{c}"));
                return Err(format!(
                    "AuthorizedKeysFile {word} has {token}, which is not known"
                ));
            }
        }
    }
    match path.starts_with('/') {
        true => Ok(path),
        false => Ok(format!("{}/{path}", home()?)),
    }
}
