// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decides which of the old system's accounts are people, and which groups are
//! theirs. Numbers decide where all systems agree on them. Between the UID_MIN of
//! the old login.defs and 1000 (or the other way round) they do not: EL6 counted
//! users from 500, where later systems have services. There the account's
//! properties decide.

use super::database::{field, names, number};
use super::files::Files;
use super::login_defs::LoginDefs;
use super::model::User;
use super::privilege::LIKE_ROOT;
use super::ranges::is_reserved;

/// Shells with which nobody logs in.
const NO_SHELLS: [&str; 5] = ["nologin", "false", "sync", "shutdown", "halt"];

/// The meaning of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A person's, or a group that people made.
    Person,
    /// The system's.
    System,
    /// Not decided by the number.
    Unclear,
}

/// The meaning of a number, if the old system counts people from `first` on.
pub(super) fn kind(id: u32, first: u32) -> Kind {
    match id {
        _ if is_reserved(id) => Kind::System,
        id if id >= first.max(LoginDefs::PEOPLE) => Kind::Person,
        id if id < first.min(LoginDefs::PEOPLE) => Kind::System,
        _ => Kind::Unclear,
    }
}

/// Whether somebody can log in with the shell.
pub(super) fn is_shell(shell: &str) -> bool {
    let name = shell.rsplit('/').next().unwrap_or_default();
    !NO_SHELLS.contains(&name)
}

/// Shells with which a person can do everything; none is the Bourne shell.
/// They are those of Debian's and EL's /etc/shells, which have two programs that
/// start another shell among them, and newer ones.
const FULL: [&str; 31] = [
    "",
    "ash",
    "bash",
    "bash-static",
    "bsd-csh",
    "busybox",
    "csh",
    "dash",
    "elvish",
    "fish",
    "ksh",
    "ksh93",
    "lksh",
    "mksh",
    "mksh-static",
    "nu",
    "osh",
    "pdksh",
    "posh",
    "pwsh",
    "sash",
    "screen",
    "sh",
    "static-sh",
    "tcsh",
    "tmux",
    "xonsh",
    "yash",
    "zsh",
    "zsh-static",
    "zsh5",
];

/// Whether the shell is of those with which a person can do everything. Others
/// (git-shell, rbash, a menu) may be there to prevent just that.
pub(super) fn is_full_shell(shell: &str) -> bool {
    FULL.contains(&shell.rsplit('/').next().unwrap_or_default())
}

/// Whether an account looks like a service's: nobody logs in, and its home is
/// not among people's.
pub(super) fn looks_like_a_service(user: &User) -> bool {
    !is_shell(&user.shell) && !user.can_log_in() && !user.home.starts_with("/home/")
}

/// Whether a group whose number does not decide is people's: some user is in it,
/// and it does not make anybody root.
pub(super) fn is_peoples(entry: &[String], users: &[User]) -> bool {
    let inside =
        |user: &User| number(entry, 2) == Some(user.gid) || names(entry, 3).any(|n| n == user.name);
    !LIKE_ROOT.contains(&field(entry, 0)) && users.iter().any(inside)
}

/// Other sources of accounts than passwd (NIS, LDAP, sssd), if there are any.
pub(super) fn elsewhere(files: &Files, nsswitch: &str, has_sssd: bool) -> Option<String> {
    let line = nsswitch
        .lines()
        .find_map(|l| l.trim().strip_prefix("passwd:"));
    let words = line
        .unwrap_or_default()
        .split('#')
        .next()
        .unwrap_or_default();
    let far = |word: &&str| match *word {
        "sss" => has_sssd,
        "compat" => files.passwd.has_nis(),
        word => ["ldap", "nis", "nisplus", "winbind", "hesiod", "extrausers"].contains(&word),
    };
    let found: Vec<&str> = words.split_whitespace().filter(far).collect();
    (!found.is_empty()).then(|| found.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shells_that_restrict_nobody() {
        for shell in ["", "/bin/sh", "/usr/bin/tmux", "/bin/zsh5", "/usr/bin/pwsh"] {
            assert!(is_full_shell(shell), "{shell}");
        }
        let others = ["/bin/rbash", "/bin/rksh", "/usr/bin/git-shell", "/opt/menu"];
        for shell in others.iter().chain(&["/usr/sbin/nologin", "/bin/false"]) {
            assert!(!is_full_shell(shell), "{shell}");
        }
    }
}
