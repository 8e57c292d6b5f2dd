// SPDX-License-Identifier: MIT OR Apache-2.0
//! Handles files about `lo`, which every system configures by itself.

use super::Files;

/// Its name, everywhere.
pub(super) const LOOPBACK: &str = "lo";

/// Removes `lo` from the list. Its name servers are kept for the whole machine
/// (cloud-init puts them there); anything else that a file adds to it is warned
/// of.
pub(super) fn take(files: &mut Files) {
    let all = std::mem::take(&mut files.candidates);
    for candidate in all {
        if candidate.interface.name != LOOPBACK {
            files.candidates.push(candidate);
            continue;
        }
        let (source, lo) = (candidate.source, candidate.interface);
        for server in lo.dns.servers {
            if !files.everywhere.servers.contains(&server) {
                files.everywhere.servers.push(server);
            }
        }
        for domain in lo.dns.search {
            if !files.everywhere.search.contains(&domain) {
                files.everywhere.search.push(domain);
            }
        }
        for family in [lo.v4, lo.v6] {
            let addresses = family.addresses.iter().filter(|a| !a.ip.is_loopback());
            let routes = family.routes.iter().filter(|r| !r.to.ip.is_loopback());
            let lost = addresses
                .map(|address| format!("the address {address}"))
                .chain(routes.map(|route| format!("the route to {}", route.to)))
                .chain(
                    family
                        .rules
                        .iter()
                        .map(|rule| format!("the rule {}", rule.words())),
                );
            for what in lost {
                files.warnings.push(format!(
                    "{source}: {what} of {LOOPBACK} is not carried over; do the same on the new system"
                ));
            }
        }
    }
}
