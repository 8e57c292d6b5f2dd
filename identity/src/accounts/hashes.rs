// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which password hashes a system verifies: the kinds of crypt(5) that its
//! libcrypt has. It is glibc's own, or libxcrypt's.

use super::model::{Accounts, User};

/// What verifies hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Library {
    /// The one of glibc: DES, MD5 and SHA-2.
    Glibc,
    /// The same with SUSE's patch: bcrypt, too.
    Suse,
    /// libxcrypt before 4.2: kinds of other systems, too.
    Early,
    /// libxcrypt from 4.3 on: scrypt and yescrypt, too.
    Xcrypt,
    /// libxcrypt from 4.5 on: SM3, too.
    Late,
}

/// Kinds by how they begin, and the first library that has them.
const KINDS: [(&str, &str, Library); 16] = [
    ("$1$", "MD5", Library::Glibc),
    ("$5$", "SHA-256", Library::Glibc),
    ("$6$", "SHA-512", Library::Glibc),
    ("$2a$", "bcrypt", Library::Suse),
    ("$2b$", "bcrypt", Library::Suse),
    ("$2x$", "bcrypt", Library::Suse),
    ("$2y$", "bcrypt", Library::Suse),
    ("$3$", "NTHASH", Library::Early),
    ("$md5", "SunMD5", Library::Early),
    ("$sha1$", "PBKDF1", Library::Early),
    ("_", "extended DES", Library::Early),
    ("$7$", "scrypt", Library::Xcrypt),
    ("$y$", "yescrypt", Library::Xcrypt),
    ("$gy$", "yescrypt", Library::Xcrypt),
    ("$sm3$", "SM3", Library::Late),
    ("$sm3y$", "SM3", Library::Late),
];

/// Red Hat's systems and those that are made from the same source.
const EL: [&str; 6] = ["rhel", "centos", "rocky", "almalinux", "ol", "scientific"];

/// SUSE's systems, whose numbers are those of their code base.
const SUSE: [&str; 5] = ["sles", "sles_sap", "sled", "opensuse-leap", "opensuse"];

/// The library of a system: its ID and the first two parts of its number. Of one
/// that is not known, the newest is assumed. Nobody leaves kinds out when libxcrypt
/// is built, EL 9 neither: its libcrypt takes MD5 and DES.
fn library(id: &str, number: (u32, u32)) -> Library {
    match (id, number.0) {
        // 2.17 and older.
        (id, 1..=7) if EL.contains(&id) => Library::Glibc,
        // 4.1.1.
        (id, 8) if EL.contains(&id) => Library::Early,
        // 4.4.18 and 4.4.36.
        (id, 9 | 10) if EL.contains(&id) => Library::Xcrypt,
        ("debian", 1..=10) => Library::Glibc,
        // 4.4.18, 4.4.33 and 4.4.38.
        ("debian", 11..=13) => Library::Xcrypt,
        ("ubuntu", 1..=19) => Library::Glibc,
        // 4.4.10 to 4.4.38; 26.04 has 4.5.1.
        ("ubuntu", 20..=25) => Library::Xcrypt,
        // 15.3 was the first with libxcrypt: 4.4.15. 42 is Leap, made of 12.
        (id, 15) if SUSE.contains(&id) && number.1 >= 3 => Library::Xcrypt,
        (id, 1..=15 | 42) if SUSE.contains(&id) => Library::Suse,
        // 4.4.38.
        (id, 16) if SUSE.contains(&id) => Library::Xcrypt,
        _ => Library::Late,
    }
}

/// Why a system does not take the password field of a shadow line; `system` is
/// its ID and number, "debian 12".
pub(super) fn refused(field: &str, system: &str) -> Option<String> {
    // A locked account has its hash behind the lock.
    let hash = field.trim_start_matches('!');
    let (id, version) = system.split_once(' ').unwrap_or((system, ""));
    let mut parts = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let number = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let kind = KINDS.iter().find(|(begin, ..)| hash.starts_with(begin));
    match kind {
        Some((_, name, since)) if *since > library(id, number) => Some(format!(
            "{id} {version} does not know {name} password hashes"
        )),
        None if hash.starts_with(['$', '{']) => Some(format!(
            "no libcrypt knows password hashes of {}",
            kind_of(hash)
        )),
        _ => None,
    }
}

/// The kind that a field names, and nothing else of it.
fn kind_of(hash: &str) -> String {
    let (begin, rest) = hash.split_at(1);
    let end = if begin == "{" { '}' } else { '$' };
    let named = rest.split_once(end).map(|(name, _)| name);
    let plain =
        |n: &&str| n.len() < 20 && n.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    match named.filter(plain) {
        Some(name) => format!("the kind {begin}{name}{end}"),
        None => "such a kind".into(),
    }
}

/// A line for each account whose hash the new system does not take, also where
/// it lies behind a lock.
pub(crate) fn unusable(accounts: &Accounts, system: &str) -> Vec<String> {
    let users = accounts.users.iter();
    let all = users.filter_map(|u| Some((u, refused(&u.password, system)?)));
    all.map(|(user, why)| said(user, &why)).collect()
}

/// The warning, on the old system and on the new one. A new password would open
/// an account that is locked, so it is not asked for.
pub(super) fn said(user: &User, why: &str) -> String {
    let then = match user.password.starts_with('!') {
        true => "the account is locked, and needs a new password if it shall be opened",
        false => "set a new password on the new system's console",
    };
    format!("{}: {why}; {then}", user.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After crypt(5) and NEWS of libxcrypt 4.5, crypt(3) of glibc 2.17, SUSE's
    /// changelogs of glibc and libxcrypt, and Fedora's libxcrypt.spec, of which
    /// EL's is made. The kinds that only some of these take:
    #[test]
    fn kinds_by_system() {
        let glibc = ["centos 7", "scientific 6.10", "debian 10", "ubuntu 18.04"];
        let suse = [
            "opensuse 42.3",
            "opensuse-leap 15.2",
            "sles 12.5",
            "sles 15",
        ];
        let early = ["rhel 8.10", "rocky 8.9"];
        let all = ["rhel 9.4", "almalinux 10.0", "debian 11", "debian 13"]
            .into_iter()
            .chain(["ubuntu 20.04", "ubuntu 25.10", "opensuse-leap 15.6"])
            .chain(["sles_sap 15.3", "sles 16.0"]);
        let late = [
            "ubuntu 26.04",
            "openEuler 24.03",
            "arch ",
            "rhel ",
            "debian ",
        ];
        let systems = glibc.into_iter().chain(suse).chain(early);
        let systems: Vec<&str> = systems.chain(all).chain(late).collect();
        let (of_glibc, of_suse, of_early) = (4, 8, 10);
        let of_others = systems.len() - late.len();
        for (hash, refusing) in [
            ("$6$salt$x", 0),
            ("$5$salt$x", 0),
            ("$1$salt$x", 0),
            ("abcdefghijklm", 0),
            ("$2a$10$x", of_glibc),
            ("$2b$10$x", of_glibc),
            ("$2y$10$x", of_glibc),
            ("$sha1$4$x", of_suse),
            ("$md5,rounds=5$x", of_suse),
            ("$3$$x", of_suse),
            ("_J9..x", of_suse),
            ("$7$x", of_early),
            ("$y$j9T$x", of_early),
            ("!$gy$x", of_early),
            ("$sm3$x$y", of_others),
            ("$sm3y$x$y", of_others),
            ("", 0),
            ("!", 0),
            ("!!", 0),
            ("*", 0),
            ("x", 0),
            ("*LK*", 0),
            ("*************", 0),
        ] {
            let found = systems.iter().filter(|s| refused(hash, s).is_some());
            let found: Vec<&str> = found.copied().collect();
            assert_eq!(found, systems[..refusing], "{hash}");
        }
        for (hash, kind) in [
            ("$argon2id$v=19$x", "the kind $argon2id$"),
            ("{SSHA}abc", "the kind {SSHA}"),
            ("$secret", "such a kind"),
            ("$\u{e9}$secret", "such a kind"),
        ] {
            let why = refused(hash, "arch ").unwrap();
            assert!(why.ends_with(&format!("of {kind}")), "{why}");
        }
    }

    /// Nobody is told to open a locked account.
    #[test]
    fn advice_for_a_locked_account() {
        let user = |password: &str| User {
            name: "ann".into(),
            password: password.into(),
            ..User::default()
        };
        let users = vec![user("$y$j9T$x"), user("!$y$j9T$x"), user("!")];
        let accounts = Accounts {
            users,
            ..Accounts::default()
        };
        let why = "ann: rocky 8.9 does not know yescrypt password hashes";
        assert_eq!(
            unusable(&accounts, "rocky 8.9"),
            [
                format!("{why}; set a new password on the new system's console"),
                format!(
                    "{why}; the account is locked, and needs a new password if it shall be opened"
                ),
            ]
        );
    }
}
