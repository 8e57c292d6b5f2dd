// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a machine makes the address that it gives itself in a network that a
//! router advertises: of the MAC address, or of a secret (RFC 7217). The secret
//! is the old system's own, so that the new one has another address.

use super::Candidate;

/// What a file says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnAddress {
    /// It is made of a secret.
    secret: bool,
    /// The words that say so, and where they stand.
    origin: String,
}

impl OwnAddress {
    /// By the words and numbers of NetworkManager, which ifcfg files and netplan
    /// have, too. None leaves it to what is said elsewhere.
    pub(super) fn named(word: &str, origin: String) -> Option<OwnAddress> {
        let secret = match word.to_ascii_lowercase().as_str() {
            "eui64" | "0" => false,
            "stable-privacy" | "1" | "default" | "3" => true,
            _ => return None,
        };
        Some(OwnAddress { secret, origin })
    }
}

/// The warning about an interface that has such an address.
pub(crate) fn warning(c: &Candidate, name: &str) -> Option<String> {
    let i = &c.interface;
    let advertised = i.v6.methods.auto || !i.v6.methods.said;
    let own = c.own_address.as_ref().filter(|own| own.secret)?;
    (advertised && i.master.is_none()).then(|| {
        format!(
            "{name}: the IPv6 address that the machine gives itself is made of a secret of the old system ({}), which is not carried over: the new system gives itself another one",
            own.origin
        )
    })
}
