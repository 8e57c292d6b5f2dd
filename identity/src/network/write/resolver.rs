// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes name servers, if the network's own configuration does not contain them.

use super::Manager;
use crate::error::Result;
use crate::network::files::writes_no_dns;
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
    let families = || network.interfaces.iter().flat_map(|i| i.families());
    let dhcp = families().any(|f| f.methods.dhcp && !f.ignore_dns);
    let resolved = "etc/systemd/system/multi-user.target.wants/systemd-resolved.service";
    let resolved = root.present(resolved)?
        || root.present("etc/systemd/system/sysinit.target.wants/systemd-resolved.service")?;
    let resolvconf = root.exists("usr/sbin/resolvconf")? || root.exists("sbin/resolvconf")?;
    match manager {
        // It writes resolv.conf itself, unless it is told not to.
        Manager::Nm { .. } if !writes_no_dns(root)? => return Ok(()),
        Manager::Networkd if resolved => {
            // networkd tells its servers to systemd-resolved over the bus, also
            // those that a router advertises.
            let outside = families().any(|f| f.methods.is_dynamic() && !f.ignore_dns);
            if (outside || !dns.servers.is_empty()) && root.link(RESOLV)?.is_none() {
                root.symlink(RESOLV, "../run/systemd/resolve/stub-resolv.conf")?;
            }
            return Ok(());
        }
        Manager::Ifupdown if resolved && !dns.servers.is_empty() => {
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
        // A DHCP client writes over the file when it has got servers.
        Manager::Ifupdown => {}
        Manager::Nm { .. } | Manager::Networkd if dhcp => {
            let why = match manager {
                Manager::Networkd => "systemd-resolved is not enabled there",
                _ => "its configuration leaves that file alone",
            };
            let instead = match dns.servers.is_empty() {
                true => "stays as the package has it",
                false => "has the old system's fixed ones alone",
            };
            report.warn(format!(
                "in the new system {manager} does not put the name servers that DHCP gives into /{RESOLV}: {why}; the file {instead}"
            ));
        }
        Manager::Nm { .. } | Manager::Networkd => {}
    }
    if dns.servers.is_empty() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::model::{Dns, Interface, Methods};

    const STALE: &str = "nameserver 192.0.2.99\n";
    const UNITS: &str = "etc/systemd/system/multi-user.target.wants";

    /// What is in resolv.conf afterwards, and the warnings.
    fn applied(
        manager: Manager,
        files: &[(&str, &str)],
        fixed: bool,
        dhcp: bool,
    ) -> (String, usize) {
        let mut card = Interface::default();
        card.v4.methods.dhcp = dhcp;
        applied_to(manager, files, fixed, card)
    }

    fn applied_to(
        manager: Manager,
        files: &[(&str, &str)],
        fixed: bool,
        mut card: Interface,
    ) -> (String, usize) {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files.iter().chain([&(RESOLV, STALE)]) {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let root = RootDir::open(dir.path()).unwrap();
        if fixed {
            card.dns = Dns {
                servers: vec!["192.0.2.53".parse().unwrap()],
                search: vec!["example".into()],
                options: vec![],
            };
        }
        let network = Network {
            interfaces: vec![card],
            ..Network::default()
        };
        let mut report = Report::default();
        apply(&root, manager, &network, &mut report).unwrap();
        let path = dir.path().join(RESOLV);
        let text = match std::fs::read_link(&path) {
            Ok(link) => format!("-> {}", link.display()),
            Err(_) => std::fs::read_to_string(&path).unwrap().replace(HEADER, ""),
        };
        (text, report.warnings.len())
    }

    /// Nobody else writes the file where the resolver is not enabled, or
    /// NetworkManager was told not to; then it is written here, also beside DHCP.
    #[test]
    fn the_file_never_stays_another_machine_s() {
        let ours = "nameserver 192.0.2.53\nsearch example\n";
        let link = "-> ../run/systemd/resolve/stub-resolv.conf";
        let nm = Manager::Nm { old: false };
        let resolved: &[_] = &[(&*format!("{UNITS}/systemd-resolved.service"), "")];
        let alone: &[_] = &[("etc/NetworkManager/conf.d/dns.conf", "[main]\ndns=none\n")];
        for (manager, files, fixed, dhcp, want, warnings) in [
            (Manager::Networkd, &[][..], true, false, ours, 0),
            (Manager::Networkd, &[], true, true, ours, 1),
            (Manager::Networkd, &[], false, true, STALE, 1),
            (Manager::Networkd, resolved, true, true, link, 0),
            (Manager::Networkd, resolved, false, true, link, 0),
            (Manager::Networkd, resolved, false, false, STALE, 0),
            (Manager::Ifupdown, &[], true, true, ours, 0),
            (Manager::Ifupdown, &[], true, false, ours, 0),
            (nm, &[], true, true, STALE, 0),
            (nm, alone, true, false, ours, 0),
            (nm, alone, true, true, ours, 1),
        ] {
            let got = applied(manager, files, fixed, dhcp);
            assert_eq!(
                got,
                (want.into(), warnings),
                "{manager} {files:?} {fixed} {dhcp}"
            );
        }
    }

    /// Without DHCP and without a fixed one there may be the servers that a
    /// router advertises, unless they are not wanted.
    #[test]
    fn name_servers_of_a_router() {
        let resolved: &[_] = &[(&*format!("{UNITS}/systemd-resolved.service"), "")];
        for (ignored, want) in [
            (false, "-> ../run/systemd/resolve/stub-resolv.conf"),
            (true, STALE),
        ] {
            let mut card = Interface::default();
            card.v6.methods = Methods::AUTO;
            card.v6.ignore_dns = ignored;
            let got = applied_to(Manager::Networkd, resolved, false, card);
            assert_eq!(got, (want.into(), 0), "{ignored}");
        }
    }
}
