// SPDX-License-Identifier: MIT OR Apache-2.0
use super::*;

#[test]
fn shell_patterns() {
    for (pattern, name, want) in [
        ("*", "eth0", true),
        ("en*", "ens18", true),
        ("en*", "eth0", false),
        ("eth[0-2]", "eth1", true),
        ("eth[!0]", "eth0", false),
        ("e?h0", "eth0", true),
        ("[", "[", true),
        ("", "", true),
        ("***************************", "aaaaaaaa", false),
    ] {
        assert_eq!(fits(pattern, name), want, "{pattern} {name}");
    }
}
