// SPDX-License-Identifier: MIT OR Apache-2.0
//! By what wicked lets DHCP servers know the machine: numbers that it has made
//! itself and keeps in /var/lib/wicked, which are not carried over.

/// Values of DHCLIENT_CREATE_CID (ifcfg-dhcp(5) of wicked) with which DHCPv4 does
/// without them. With any other one, and without a value, wicked makes an
/// identifier by RFC 4361.
const WITHOUT: [&str; 4] = ["rfc2132", "hwaddr", "none", "disable"];

/// What is to be said. `four` is whether DHCPv4 is used without an identifier
/// that the files say, `created` is DHCLIENT_CREATE_CID and `boot` BOOTPROTO.
pub(super) fn warning(four: bool, created: &str, boot: &str) -> Option<String> {
    let four = four && !WITHOUT.iter().any(|w| created.eq_ignore_ascii_case(w));
    // It has no other identifier.
    let six = |word: &str| {
        ["dhcp", "dhcp6"]
            .iter()
            .any(|w| word.eq_ignore_ascii_case(w))
    };
    let six = boot.split('+').any(six);
    let (whom, what) = match (four, six) {
        (false, false) => return None,
        (true, true) => (
            "the DHCP servers",
            "DHCLIENT_CREATE_CID=rfc4361, and its DUID",
        ),
        (true, false) => ("the DHCP server", "DHCLIENT_CREATE_CID=rfc4361"),
        (false, true) => ("the DHCPv6 server", "its DUID"),
    };
    let instead = if four {
        "the MAC address"
    } else {
        "another one"
    };
    Some(format!(
        "wicked tells {whom} an identifier of its own ({what}), which is not carried over: the new system tells {instead}, and may get another address"
    ))
}
