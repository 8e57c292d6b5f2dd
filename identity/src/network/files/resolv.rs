// SPDX-License-Identifier: MIT OR Apache-2.0
//! resolv.conf(5).

use crate::network::model::Dns;

/// Name servers, search list and options. Server addresses with a zone
/// (`fe80::1%eth0`) belong to a link and are left out.
pub(crate) fn parse(text: &str) -> Dns {
    let mut dns = Dns::default();
    for line in text.lines() {
        let line = line.split(['#', ';']).next().unwrap_or_default();
        let mut words = line.split_whitespace();
        match words.next() {
            Some("nameserver") => dns.servers.extend(
                words
                    .next()
                    .and_then(|w| w.parse::<std::net::IpAddr>().ok()),
            ),
            // The last of these wins.
            Some("search" | "domain") => {
                dns.search = words.filter(|w| *w != ".").map(str::to_owned).collect();
            }
            Some("options") => dns.options.extend(words.map(str::to_owned)),
            _ => {}
        }
    }
    dns
}
