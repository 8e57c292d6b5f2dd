// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whom sudo lets become root: users and groups of sudoers(5).

use crate::error::Result;
use rootdir::RootDir;
use std::collections::{BTreeMap, BTreeSet};

/// The users (`alice`, `#1000`) and groups (`%wheel`, `%#10`) of the rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sudoers {
    /// Those that a rule names, whatever it allows.
    named: BTreeSet<String>,
    /// Those that a rule allows every command.
    all: BTreeSet<String>,
}

impl Sudoers {
    /// Reads etc/sudoers and the files of etc/sudoers.d.
    pub(crate) fn read(root: &RootDir) -> Result<Sudoers> {
        let mut text = root.text("etc/sudoers")?.unwrap_or_default();
        for name in root.list("etc/sudoers.d")? {
            // sudo leaves these out, too: leftovers of editors and packages.
            if !name.contains('.') && !name.ends_with('~') {
                text.push('\n');
                text.push_str(
                    &root
                        .text(&format!("etc/sudoers.d/{name}"))?
                        .unwrap_or_default(),
                );
            }
        }
        Ok(Sudoers::parse(&text))
    }

    /// Reads the text of all files together.
    pub(crate) fn parse(text: &str) -> Sudoers {
        let text = text.replace("\\\n", " ");
        let lines = text.lines().map(uncommented).map(str::trim);
        let lines: Vec<&str> = lines.filter(|l| !l.starts_with("Defaults")).collect();
        let mut aliases: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for line in &lines {
            let Some(list) = line.strip_prefix("User_Alias") else {
                continue;
            };
            for alias in list.split(':') {
                if let Some((name, members)) = alias.split_once('=') {
                    aliases
                        .entry(name.trim())
                        .or_default()
                        .extend(words(members));
                }
            }
        }
        let mut sudoers = Sudoers::default();
        for line in lines.iter().filter(|l| !is_alias(l)) {
            let Some((who, what)) = line.split_once('=') else {
                continue;
            };
            let mut who: Vec<&str> = words(who).collect();
            for members in aliases
                .iter()
                .filter_map(|(a, m)| who.contains(a).then_some(m))
                .collect::<Vec<_>>()
            {
                who.extend(members);
            }
            let everything = without_runas(what)
                .split([',', ':'])
                .any(|c| c.trim() == "ALL");
            let who = who.into_iter().map(str::to_owned);
            match everything {
                true => sudoers.all.extend(who),
                false => sudoers.named.extend(who),
            }
        }
        sudoers.named.extend(sudoers.all.iter().cloned());
        sudoers
    }

    /// Whether a rule names the user.
    pub(crate) fn names_user(&self, name: &str, uid: u32) -> bool {
        self.named.contains(name) || self.named.contains(&format!("#{uid}"))
    }

    /// Whether a rule names the group.
    pub(crate) fn names_group(&self, name: &str, gid: u32) -> bool {
        self.named.contains(&format!("%{name}")) || self.named.contains(&format!("%#{gid}"))
    }

    /// Whether the user may run every command.
    pub(crate) fn all_for_user(&self, name: &str, uid: u32) -> bool {
        self.all.contains(name) || self.all.contains(&format!("#{uid}"))
    }

    /// Whether the group may run every command.
    pub(crate) fn all_for_group(&self, name: &str, gid: u32) -> bool {
        self.all.contains(&format!("%{name}")) || self.all.contains(&format!("%#{gid}"))
    }
}

/// The commands, without whom they may be run as: `(ALL:ALL)`.
fn without_runas(what: &str) -> String {
    let parts = what.split('(').enumerate().map(|(n, part)| match n {
        0 => part,
        _ => part.split_once(')').map_or("", |(_, rest)| rest),
    });
    parts.collect()
}

fn is_alias(line: &str) -> bool {
    line.split_whitespace()
        .next()
        .is_some_and(|w| w.ends_with("_Alias"))
}

fn words(list: &str) -> impl Iterator<Item = &str> {
    let divides = |c: char| c == ',' || c.is_whitespace();
    list.split(divides)
        .map(|w| w.trim_matches('"'))
        .filter(|w| !w.is_empty())
}

/// A `#` begins a comment, unless it is a number's (`#1000`).
fn uncommented(line: &str) -> &str {
    let mut hashes = line.match_indices('#').map(|(at, _)| at);
    let comment = hashes.find(|at| {
        let rest = line.get(at + 1..).unwrap_or_default();
        !rest.starts_with(|c: char| c.is_ascii_digit())
    });
    comment.and_then(|at| line.get(..at)).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_the_rules_of_distributions_name() {
        let el = "Defaults    env_keep += \"LANG\"\nDefaults !visiblepw\n## Allow root\nroot\tALL=(ALL) \tALL\n## Allows people in group wheel\n%wheel\tALL=(ALL)\tALL\n# %other ALL=(ALL) NOPASSWD: ALL\n#includedir /etc/sudoers.d\n";
        let s = Sudoers::parse(el);
        assert!(s.all_for_group("wheel", 10) && s.all_for_user("root", 0));
        assert!(!s.names_group("other", 1) && !s.names_user("ALL=", 1));
        let ubuntu = "Defaults\tenv_reset\nroot\tALL=(ALL:ALL) ALL\n%admin ALL=(ALL) ALL\n%sudo\tALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\nubuntu ALL=(ALL) NOPASSWD:ALL\n";
        let s = Sudoers::parse(ubuntu);
        assert!(s.all_for_group("admin", 1) && s.all_for_group("sudo", 27));
        assert!(s.all_for_user("ubuntu", 1000));
    }

    #[test]
    fn one_command_is_not_every_command() {
        let s = Sudoers::parse(
            "User_Alias OPS = carol, \\\n  %ops : WEB = dave\nOPS ALL = ALL\nWEB ALL=(ALL) /bin/systemctl restart httpd\nalice, bob h1=(root) NOPASSWD: /bin/ls, (ALL:ALL) /bin/id\n#1005 ALL=(ALL) ALL\n%#10 ALL=ALL\n",
        );
        assert!(s.all_for_user("carol", 1) && s.all_for_group("ops", 1));
        assert!(s.names_user("dave", 1) && !s.all_for_user("dave", 1));
        assert!(s.names_user("bob", 1) && !s.all_for_user("bob", 1));
        assert!(s.all_for_user("anybody", 1005) && s.all_for_group("anybody", 10));
    }
}
