// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes name servers, if the network's own configuration does not contain them.

use super::Manager;
use crate::error::Result;
use crate::network::model::Network;
use crate::report::Report;
use crate::text::HEADER;
use rootdir::{Attributes, RootDir};

const RESOLV: &str = "etc/resolv.conf";
const READABLE: Attributes = Attributes::root(0o644);

/// Writes resolv.conf, or the resolver's own file.
pub(super) fn apply(
    root: &RootDir,
    manager: Manager,
    network: &Network,
    report: &mut Report,
) -> Result<()> {
    let mut dns = network.dns.clone();
    for i in &network.interfaces {
        dns.join(&i.dns);
    }
    let dynamic = network
        .interfaces
        .iter()
        .any(|i| i.families().iter().any(|f| f.methods.dhcp));
    let resolved = "etc/systemd/system/multi-user.target.wants/systemd-resolved.service";
    let resolved = root.present(resolved)?
        || root.present("etc/systemd/system/sysinit.target.wants/systemd-resolved.service")?;
    let resolvconf = root.exists("usr/sbin/resolvconf")? || root.exists("sbin/resolvconf")?;
    if dns.servers.is_empty() {
        return Ok(());
    }
    match manager {
        // It writes resolv.conf itself.
        Manager::Nm { .. } => return Ok(()),
        Manager::Networkd if resolved => {
            // networkd tells its servers to systemd-resolved over the bus.
            if root.link(RESOLV)?.is_none() {
                root.symlink(RESOLV, "../run/systemd/resolve/stub-resolv.conf")?;
            }
            return Ok(());
        }
        Manager::Ifupdown if resolved => {
            let servers: Vec<String> = dns.servers.iter().map(|s| s.to_string()).collect();
            let domains = dns.search.join(" ");
            let text = format!(
                "{HEADER}[Resolve]\nDNS={}\nDomains={domains}\n",
                servers.join(" ")
            );
            let file = "etc/systemd/resolved.conf.d/replant.conf";
            root.write(file, text.as_bytes(), READABLE)?;
            return Ok(());
        }
        Manager::Ifupdown if resolvconf => return Ok(()),
        Manager::Networkd | Manager::Ifupdown => {}
    }
    if dynamic {
        // The DHCP client writes the file.
        return Ok(());
    }
    let mut text = String::from(HEADER);
    for server in &dns.servers {
        text.push_str(&format!("nameserver {server}\n"));
    }
    if !dns.search.is_empty() {
        text.push_str(&format!("search {}\n", dns.search.join(" ")));
    }
    if !dns.options.is_empty() {
        text.push_str(&format!("options {}\n", dns.options.join(" ")));
    }
    root.write(RESOLV, text.as_bytes(), READABLE)?;
    report.done(format!("{} name servers in {RESOLV}", dns.servers.len()));
    Ok(())
}
