// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files of ssh host keys: which names are theirs.

/// Name and content of each.
pub(super) type Keys = Vec<(String, Vec<u8>)>;

/// Whether it is the name of a host key, its public half or its certificate.
pub(super) fn is_name(name: &str) -> bool {
    name.strip_prefix("ssh_host_").is_some_and(|rest| {
        let stem = rest
            .strip_suffix("-cert.pub")
            .or(rest.strip_suffix(".pub"))
            .unwrap_or(rest);
        stem.ends_with("key")
            && stem.len() <= 64
            && stem
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_host_keys() {
        for (name, want) in [
            ("ssh_host_rsa_key", true),
            ("ssh_host_ed25519_key.pub", true),
            ("ssh_host_ecdsa_key-cert.pub", true),
            ("ssh_host_key", true),
            ("ssh_host_../../x_key", false),
            ("ssh_host_rsa_key.bak", false),
            ("sshd_config", false),
            ("", false),
        ] {
            assert_eq!(is_name(name), want, "{name}");
        }
    }
}
