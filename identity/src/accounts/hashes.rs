// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which password hashes a system verifies: the kinds of crypt(5) that its
//! libcrypt has. It is glibc's own, or libxcrypt's.

use super::model::Accounts;

/// What verifies hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Library {
    /// The one of glibc: DES, MD5 and SHA-2.
    Glibc,
    /// libxcrypt before 4.3: bcrypt and kinds of other systems, too.
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
    ("$2a$", "bcrypt", Library::Early),
    ("$2b$", "bcrypt", Library::Early),
    ("$2x$", "bcrypt", Library::Early),
    ("$2y$", "bcrypt", Library::Early),
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

/// The library of a system: its ID and the first part of its number. Of one that
/// is not known, the newest is assumed.
fn library(id: &str, major: u32) -> Library {
    match id {
        id if EL.contains(&id) && major <= 7 => Library::Glibc,
        id if EL.contains(&id) && major == 8 => Library::Early,
        "debian" if (1..=10).contains(&major) => Library::Glibc,
        "ubuntu" if (1..=19).contains(&major) => Library::Glibc,
        // SUSE's glibc had bcrypt.
        "sles" | "sles_sap" if (1..=12).contains(&major) => Library::Early,
        id if EL.contains(&id) => Library::Xcrypt,
        "debian" if (11..=13).contains(&major) => Library::Xcrypt,
        "ubuntu" if (20..=24).contains(&major) => Library::Xcrypt,
        "sles" | "sles_sap" | "opensuse-leap" if major == 15 => Library::Xcrypt,
        _ => Library::Late,
    }
}

/// Why a system does not take the password field of a shadow line; `system` is
/// its ID and number, "debian 12".
pub(super) fn refused(field: &str, system: &str) -> Option<String> {
    // A locked account has its hash behind the lock.
    let hash = field.trim_start_matches('!');
    let (id, version) = system.split_once(' ').unwrap_or((system, ""));
    let major = version.split('.').next().unwrap_or_default();
    let major = major.parse().unwrap_or(0);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"./".contains(&b);
    let des = hash.len() == 13 && hash.bytes().all(plain);
    if EL.contains(&id) && major >= 9 && (des || hash.starts_with("$1$")) {
        return Some(format!(
            "{id} {version} refuses MD5 and DES password hashes"
        ));
    }
    let kind = KINDS.iter().find(|(begin, ..)| hash.starts_with(begin));
    match kind {
        Some((_, name, since)) if *since > library(id, major) => Some(format!(
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

/// A line for each account that could log in by password and whose hash the new
/// system does not take.
pub(crate) fn unusable(accounts: &Accounts, system: &str) -> Vec<String> {
    let users = accounts.users.iter();
    let all = users.filter_map(|u| Some((u, refused(&u.password, system)?)));
    all.map(|(user, why)| said(&user.name, &why)).collect()
}

/// The warning, on the old system and on the new one.
pub(super) fn said(name: &str, why: &str) -> String {
    format!("{name}: {why}; set a new password on the new system's console")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After crypt(5) of libxcrypt 4.4, the NEWS of libxcrypt, and crypt(3) of
    /// glibc 2.17.
    #[test]
    fn kinds_by_system() {
        let systems = [
            "centos 7",
            "rocky 8.9",
            "rhel 9.4",
            "debian 10",
            "debian 12",
            "ubuntu 18.04",
            "ubuntu 24.04",
            "opensuse-leap 15.6",
            "sles 12.5",
            "arch ",
        ];
        for (hash, refusing) in [
            ("$6$salt$x", &[][..]),
            ("$5$salt$x", &[]),
            ("$1$salt$x", &["rhel 9.4"]),
            ("abcdefghijklm", &["rhel 9.4"]),
            ("$2b$10$x", &["centos 7", "debian 10", "ubuntu 18.04"]),
            ("$2y$10$x", &["centos 7", "debian 10", "ubuntu 18.04"]),
            ("$sha1$4$x", &["centos 7", "debian 10", "ubuntu 18.04"]),
            ("_J9..x", &["centos 7", "debian 10", "ubuntu 18.04"]),
            (
                "$7$x",
                &[
                    "centos 7",
                    "rocky 8.9",
                    "debian 10",
                    "ubuntu 18.04",
                    "sles 12.5",
                ],
            ),
            (
                "$y$j9T$x",
                &[
                    "centos 7",
                    "rocky 8.9",
                    "debian 10",
                    "ubuntu 18.04",
                    "sles 12.5",
                ],
            ),
            (
                "!$gy$x",
                &[
                    "centos 7",
                    "rocky 8.9",
                    "debian 10",
                    "ubuntu 18.04",
                    "sles 12.5",
                ],
            ),
            ("", &[]),
            ("!", &[]),
            ("!!", &[]),
            ("*", &[]),
            ("x", &[]),
            ("*LK*", &[]),
            ("*************", &[]),
        ] {
            let all = systems.iter().filter(|s| refused(hash, s).is_some());
            assert_eq!(all.copied().collect::<Vec<_>>(), refusing, "{hash}");
        }
        assert!(refused("$sm3$x$y", "debian 12").is_some());
        assert_eq!(refused("$sm3$x$y", "openEuler 24.03"), None);
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
}
