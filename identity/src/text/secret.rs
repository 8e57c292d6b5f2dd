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

#[cfg(test)]
mod tests {
    use super::*;

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
