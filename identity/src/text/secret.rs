// SPDX-License-Identifier: MIT OR Apache-2.0
//! Passwords and keys that stand in configuration files. Warnings are shown,
//! logged and kept, so they name such a key without its value.

/// Sections about nothing else, by a part of their names: `[802-1x]`,
/// `[wifi-security]`, `[vpn-secrets]`, netplan's `auth`.
const SECTIONS: [&str; 7] = [
    "auth",
    "802-1x",
    "security",
    "secret",
    "vpn",
    "wireguard",
    "macsec",
];

/// Keys, by a part of their names.
const KEYS: [&str; 9] = [
    "password",
    "passwd",
    "passphrase",
    "psk",
    "secret",
    "key",
    "token",
    "8021x",
    "auth",
];

/// A key of its own, for as a part it is in words like `mapping`.
const PIN: &str = "pin";

/// What stands in the place of a value.
const NOT_SHOWN: &str = "(not shown)";

/// The value of a key, as a warning may have it. `section` is empty where there
/// are none; a key may have its section before a dot (`802-1x.password`).
pub(crate) fn shown<'a>(section: &str, key: &str, value: &'a str) -> &'a str {
    let (before, key) = key.split_once('.').unwrap_or((section, key));
    let (section, before) = (section.to_ascii_lowercase(), before.to_ascii_lowercase());
    let key = key.to_ascii_lowercase();
    let about = |section: &str| SECTIONS.iter().any(|s| section.contains(s));
    let pin = key.split(['-', '_']).any(|word| word == PIN);
    match about(&section) || about(&before) || pin || KEYS.iter().any(|k| key.contains(k)) {
        true => NOT_SHOWN,
        false => value,
    }
}

/// Words of commands, as a whole, that a secret follows or that hold one.
const WORDS: [&str; 4] = [PIN, "pw", "pwd", "enc"];

/// Options that are followed by a name and a password, as curl and smbclient
/// have them.
const LOGINS: [&str; 4] = ["-u", "-U", "--user", "--proxy-user"];

/// Whether some word of a command line hints at a password or a key.
pub(crate) fn is_in_command(line: &str) -> bool {
    let hints = |word: &str| {
        let word = word.to_ascii_lowercase();
        let mut parts = word.split(|c: char| !c.is_ascii_alphanumeric());
        let place = word.split_once("://").map_or("", |(_, rest)| rest);
        let place = place.split('/').next().unwrap_or_default();
        word.contains("pass")
            || KEYS.iter().any(|k| word.contains(k))
            || parts.any(|part| WORDS.contains(&part))
            || place.contains('@')
    };
    let mut before = "";
    line.split_whitespace().any(|word| {
        let login = LOGINS.iter().any(|l| before == *l || word.starts_with(*l));
        before = word;
        hints(word) || login && word.contains([':', '%'])
    })
}

/// A command without its arguments, for the secret may be any of them.
pub(crate) fn program(command: &str) -> String {
    let first = command.split_whitespace().next().unwrap_or_default();
    let name = first.split_once('=').map_or(first, |(name, _)| name);
    format!("{name} {NOT_SHOWN}")
}

/// A command line, as a warning may have it.
pub(crate) fn command(line: &str) -> String {
    match is_in_command(line) {
        true => program(line),
        false => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_whose_arguments_are_not_shown() {
        for (line, shown) in [
            ("/usr/bin/wpa_passphrase net s", "/usr/bin/wpa_passphrase"),
            ("PASSWORD=s x", "PASSWORD"),
            ("PW=s x", "PW"),
            ("echo s | chpasswd", "echo"),
            ("x --pin 1", "x"),
            ("iwconfig w enc s", "iwconfig"),
            ("curl -u me:s https://x", "curl"),
            ("curl -ume:s https://x", "curl"),
            ("smbclient -U me%s //x/y", "smbclient"),
            ("curl https://me:s@x/y", "curl"),
            ("ip xfrm state add auth s", "ip"),
        ] {
            assert_eq!(command(line), format!("{shown} (not shown)"), "{line}");
        }
        for line in [
            "/usr/local/bin/firewall up",
            "sysctl -w net.ipv4.ip_forward=1",
            "ip -6 route add default via fe80::1",
            "mkdir -p /run/x:y",
            "mail root@x",
            "curl https://x/@y",
            "ping -c1 192.0.2.1",
            "",
        ] {
            assert_eq!(command(line), line);
        }
    }

    #[test]
    fn keys_whose_values_are_not_shown() {
        for (section, key, hidden) in [
            ("802-1x", "identity", true),
            ("wifi-security", "psk", true),
            ("", "802-1x.identity", true),
            ("", "IEEE_8021X_PASSWORD", true),
            ("gsm", "pin", true),
            ("WireGuard", "ListenPort", true),
            ("Peer", "PresharedKey", true),
            ("", "auth", true),
            ("connection", "zone", false),
            ("keyfile", "unmanaged-devices", false),
            ("ipv4", "mapping", false),
            ("", "vlan.flags", false),
        ] {
            let want = if hidden { "(not shown)" } else { "v" };
            assert_eq!(shown(section, key, "v"), want, "{section} {key}");
        }
    }
}
