// SPDX-License-Identifier: MIT OR Apache-2.0
//! login.defs(5): where users' numbers begin, and what a new home may be.

use super::ranges::FIRST;
use crate::error::Result;
use rootdir::RootDir;

/// The text of the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct LoginDefs(pub String);

impl LoginDefs {
    /// Reads it; a file that is not there is empty.
    pub(crate) fn read(root: &RootDir) -> Result<LoginDefs> {
        Ok(LoginDefs(root.text("etc/login.defs")?.unwrap_or_default()))
    }

    /// The last value of a key that is a number of this base.
    fn number(&self, key: &str, base: u32) -> Option<u32> {
        let mut values = self.0.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some(key)).then(|| u32::from_str_radix(words.next()?, base).ok())?
        });
        values.next_back()
    }

    /// Where people's numbers begin if nothing is said.
    pub(crate) const PEOPLE: u32 = 1000;

    /// The first number of users in the new system: UID_MIN, but never below
    /// 1000, so that system accounts are not given to anybody else.
    pub(crate) fn first_uid(&self) -> u32 {
        self.users_from().max(Self::PEOPLE)
    }

    /// The same for groups: GID_MIN.
    pub(crate) fn first_gid(&self) -> u32 {
        self.groups_from().max(Self::PEOPLE)
    }

    /// Where this system counts users from, whatever others do: UID_MIN.
    pub(crate) fn users_from(&self) -> u32 {
        self.number("UID_MIN", 10)
            .unwrap_or(Self::PEOPLE)
            .max(FIRST)
    }

    /// The same for groups: GID_MIN.
    pub(crate) fn groups_from(&self) -> u32 {
        self.number("GID_MIN", 10)
            .unwrap_or(Self::PEOPLE)
            .max(FIRST)
    }

    /// Permission bits of a new home: HOME_MODE, otherwise what UMASK leaves.
    pub(crate) fn home_mode(&self) -> u32 {
        let umask = || self.number("UMASK", 8).unwrap_or(0o077);
        self.number("HOME_MODE", 8)
            .unwrap_or_else(|| 0o777 & !umask())
            & 0o777
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_counts_and_no_user_of_the_new_system_is_below_1000() {
        let defs = |text: &str| LoginDefs(text.to_owned());
        for (text, from, uid, mode) in [
            ("", 1000, 1000, 0o700),
            ("UID_MIN 500\nUMASK 022\n", 500, 1000, 0o755),
            ("UID_MIN 0\n", 100, 1000, 0o700),
            (
                "UID_MIN 2000\n#UID_MIN 3000\nUID_MIN 4000\n",
                4000,
                4000,
                0o700,
            ),
            ("UMASK\t022\nHOME_MODE\t0750\n", 1000, 1000, 0o750),
            ("UID_MIN x\nUMASK 9\n", 1000, 1000, 0o700),
        ] {
            let defs = defs(text);
            assert_eq!(
                (defs.users_from(), defs.first_uid(), defs.home_mode()),
                (from, uid, mode),
                "{text:?}"
            );
        }
    }
}
