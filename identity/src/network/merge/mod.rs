// SPDX-License-Identifier: MIT OR Apache-2.0
//! Merges the configuration files and the running kernel's state into one network
//! configuration.
//!
//! Files tell the state after a reboot, and whether an address is static, so they
//! win where they name an interface. The kernel knows names, MAC addresses and
//! manual settings. A warning reports disagreements.

mod routes;
#[cfg(test)]
mod tests;

use crate::network::address::{Cidr, Mac};
use crate::network::files::{Candidate, Files, own_address};
use crate::network::kernel::{self, KernelNetwork};
use crate::network::model::{Interface, Kind, Methods, Network, is_interface_name};
use crate::report::Report;
use ondisk::glob;
use std::collections::BTreeSet;

/// Kinds of links on top of physical ones that can be carried over.
const STACKED: [&str; 4] = ["bond", "team", "bridge", "vlan"];

/// Merges; without a kernel (`running`) the files alone count.
pub(crate) fn merge(files: Files, running: Option<&KernelNetwork>, report: &mut Report) -> Network {
    for warning in &files.warnings {
        report.warn(warning.clone());
    }
    let mut network = Network::default();
    match running {
        Some(running) => {
            for link in carried_links(running, &files.candidates) {
                network
                    .interfaces
                    .push(configuration(link, running, &files.candidates, report));
            }
            absent_interfaces(running, &files.candidates, &mut network, report);
            routes::others(running, &network, report);
        }
        None => {
            for c in files.candidates {
                let name = &c.interface.name;
                if !name.is_empty() && !network.interfaces.iter().any(|i| i.name == *name) {
                    if let Some(warning) = own_address::warning(&c, name) {
                        report.warn(warning);
                    }
                    network.interfaces.push(c.interface);
                }
            }
        }
    }
    network.interfaces.retain(|i| {
        let good = is_interface_name(&i.name);
        if !good {
            report.warn(format!(
                "an interface named {:?} cannot be carried over",
                i.name
            ));
        }
        good
    });
    // netplan writes some lines twice.
    for i in &mut network.interfaces {
        let dns = std::mem::take(&mut i.dns);
        i.dns.join(&dns);
        for rules in [&mut i.v4.rules, &mut i.v6.rules] {
            for rule in std::mem::take(rules) {
                if !rules.contains(&rule) {
                    rules.push(rule);
                }
            }
        }
    }
    add_missing(&mut network);
    network.interfaces.sort_by_key(|i| order(&i.kind));
    let dynamic = network
        .interfaces
        .iter()
        .any(|i| i.families().iter().any(|f| f.methods.dhcp && !f.ignore_dns));
    let own: Vec<_> = network
        .interfaces
        .iter()
        .flat_map(|i| i.dns.servers.clone())
        .collect();
    network.dns = files.everywhere;
    // Name servers from DHCP come from DHCP again.
    if network.dns.is_empty() && !dynamic && own.is_empty() {
        network.dns = files.resolv;
    }
    network
}

fn order(kind: &Kind) -> u8 {
    match kind {
        Kind::Ethernet => 0,
        Kind::Bond { .. } => 1,
        Kind::Vlan { .. } => 2,
        Kind::Bridge { .. } => 3,
    }
}

/// Physical links, links that a file names, and links on top of either, but not
/// the bridges and veth pairs of containers and virtual machines.
fn carried_links<'a>(
    running: &'a KernelNetwork,
    candidates: &[Candidate],
) -> Vec<&'a kernel::Link> {
    let named = |l: &kernel::Link| candidates.iter().any(|c| c.interface.name == l.name);
    let stacked = |l: &kernel::Link| l.kind.as_deref().is_some_and(|k| STACKED.contains(&k));
    let mut take: BTreeSet<u32> = running
        .links
        .iter()
        .filter(|l| l.ethernet && (l.kind.is_none() || (stacked(l) && named(l))))
        .map(|l| l.index)
        .collect();
    loop {
        let before = take.len();
        for link in running.links.iter().filter(|l| l.ethernet && stacked(l)) {
            let port = running
                .links
                .iter()
                .any(|p| p.master == Some(link.index) && take.contains(&p.index));
            let upper = link.kind.as_deref() == Some("vlan")
                && link.parent.is_some_and(|p| take.contains(&p));
            if port || upper {
                take.insert(link.index);
            }
        }
        if take.len() == before {
            break;
        }
    }
    running
        .links
        .iter()
        .filter(|l| take.contains(&l.index))
        .collect()
}

/// The configuration of one link.
fn configuration(
    link: &kernel::Link,
    running: &KernelNetwork,
    candidates: &[Candidate],
    report: &mut Report,
) -> Interface {
    let kernel = from_kernel(link, running);
    let own = kernel.mac;
    let mut fitting: Vec<&Candidate> = candidates
        .iter()
        .filter(|c| matches(c, link, own))
        .collect();
    // Preferred is the file that agrees with the kernel's addresses, then one for
    // an interface that comes up at boot, then the higher priority, then the
    // first.
    fitting.sort_by_key(|c| {
        let i = &c.interface;
        let agreed = addresses(i)
            .filter(|a| addresses(&kernel).any(|k| k == *a))
            .count();
        std::cmp::Reverse((agreed, i.auto, c.priority))
    });
    let Some(best) = fitting.first() else {
        if addresses(&kernel).next().is_some() {
            report.warn(format!(
                "{}: no configuration file names it; its addresses are taken from the running system",
                link.name
            ));
        }
        let mut i = Interface {
            auto: link.up,
            ..kernel
        };
        for route in routes::of(link, running, report) {
            routes::add(&mut i, route, running, link.index);
        }
        return i;
    };
    let mut i = best.interface.clone();
    i.name.clone_from(&link.name);
    i.mac = match kernel.kind {
        Kind::Ethernet if is_cloned(&i, link) => {
            if i.mac.is_none() {
                report.warn(format!(
                    "{}: {} sets another MAC address, and the card's own is not known: in the new system the card is found by its name, which may be another there",
                    link.name, best.source
                ));
            }
            i.mac
        }
        Kind::Ethernet => own.or(i.mac),
        _ => None,
    };
    match (&mut i.kind, &kernel.kind) {
        // The file leaves all options to the driver's defaults.
        (Kind::Bond { options }, Kind::Bond { options: kernel }) if options.is_empty() => {
            options.clone_from(kernel);
        }
        (Kind::Vlan { parent, .. }, Kind::Vlan { parent: kernel, .. }) => parent.clone_from(kernel),
        (mine, kernel) if std::mem::discriminant(mine) != std::mem::discriminant(kernel) => {
            *mine = kernel.clone();
        }
        _ => {}
    }
    i.master = i.master.or(kernel.master.clone());
    disagreements(&i, &kernel, &best.source, report);
    let own = own_address::warning(best, &link.name);
    if let Some(warning) = own.filter(|_| kernel.v6.methods.auto) {
        report.warn(warning);
    }
    // A file that says nothing of router advertisements leaves it to the kernel.
    if !i.v6.methods.said && !i.v6.addresses.is_empty() && kernel.v6.methods.auto {
        i.v6.methods = Methods::AUTO;
    }
    routes::carry(&mut i, link, running, &best.source, report);
    i
}

fn matches(c: &Candidate, link: &kernel::Link, mac: Option<Mac>) -> bool {
    let i = &c.interface;
    if !i.name.is_empty() {
        // A file with name and MAC address is meant for that card only.
        let card = i.mac.is_none() || mac.is_none() || i.mac == mac || is_cloned(i, link);
        return i.name == link.name && card;
    }
    let physical = link.kind.is_none();
    let fits = |patterns: &[String]| patterns.iter().any(|p| glob::matches(p, &link.name));
    (physical && i.mac.is_some() && (i.mac == mac || i.mac == link.mac))
        || (i.mac.is_none() && physical && fits(&c.patterns) && !fits(&c.except))
}

/// Whether the kernel shows the MAC address that the file sets, and not the
/// card's own, which kernels before 5.6 do not show.
fn is_cloned(i: &Interface, link: &kernel::Link) -> bool {
    link.permanent_mac.is_none() && i.cloned_mac.is_some() && i.cloned_mac == link.mac
}

fn addresses(i: &Interface) -> impl Iterator<Item = &Cidr> {
    i.v4.addresses.iter().chain(&i.v6.addresses)
}

fn disagreements(file: &Interface, kernel: &Interface, source: &str, report: &mut Report) {
    for address in addresses(file) {
        if !addresses(kernel).any(|k| k == address) {
            report.warn(format!(
                "{}: {source} has {address}, but the running system does not; the file's is carried over",
                file.name
            ));
        }
    }
    for (f, k) in file.families().into_iter().zip(kernel.families()) {
        // If the kernel marks an address as coming from DHCP or router
        // advertisements, its other addresses are static. If it marks none, a
        // DHCP client may have set them without a lifetime.
        let dynamic = f.methods.is_dynamic() && !k.methods.is_dynamic();
        for address in k.addresses.iter().filter(|a| !f.addresses.contains(a)) {
            if dynamic {
                report.done(format!(
                    "{}: {source} says DHCP or automatic; {address} is not made static",
                    file.name
                ));
            } else {
                report.warn(format!(
                    "{}: the running system has {address}, but {source} does not; it is not carried over",
                    file.name
                ));
            }
        }
    }
}

/// The kernel's configuration of a link, without routes.
fn from_kernel(link: &kernel::Link, running: &KernelNetwork) -> Interface {
    let name = |index: Option<u32>| running.link(index?).map(|l| l.name.clone());
    let kind = match (link.kind.as_deref(), link.vlan) {
        // Teams become bonds; the kernel does not know their runner.
        (Some("bond" | "team"), _) => Kind::Bond {
            options: link.bond.clone(),
        },
        (Some("bridge"), _) => Kind::Bridge { stp: link.stp },
        (Some("vlan"), Some(id)) => Kind::Vlan {
            parent: name(link.parent).unwrap_or_default(),
            id,
        },
        _ => Kind::Ethernet,
    };
    let default_mtu = 1500;
    let mut i = Interface {
        name: link.name.clone(),
        mac: link
            .permanent_mac
            .or(link.mac)
            .filter(|_| kind == Kind::Ethernet),
        master: name(link.master),
        mtu: Some(link.mtu).filter(|m| *m != default_mtu && *m >= 576),
        kind,
        ..Interface::default()
    };
    for address in running
        .addresses
        .iter()
        .filter(|a| a.link == link.index && a.global)
    {
        let v6 = address.address.ip.is_ipv6();
        if address.permanent {
            i.add_address(address.address);
        } else {
            let family = i.family_mut(v6);
            family.methods = if v6 { Methods::AUTO } else { Methods::DHCP };
        }
    }
    if routes::is_advertised(link, running) {
        i.v6.methods = Methods::AUTO;
    }
    i
}

/// Files for interfaces that do not exist now: a card that was pulled, or a
/// stacked one that is not up.
fn absent_interfaces(
    running: &KernelNetwork,
    candidates: &[Candidate],
    network: &mut Network,
    report: &mut Report,
) {
    for c in candidates {
        let i = &c.interface;
        if i.name.is_empty() || running.named(&i.name).is_some() {
            continue;
        }
        if network.interfaces.iter().any(|n| n.name == i.name) {
            continue;
        }
        if i.kind == Kind::Ethernet {
            report.warn(format!(
                "{}: there is no interface {}, its configuration is not carried over",
                c.source, i.name
            ));
        } else if i.auto {
            network.interfaces.push(i.clone());
        }
    }
}

/// Adds entries without addresses for masters and parents that nothing
/// configures.
fn add_missing(network: &mut Network) {
    let missing: Vec<String> = network
        .interfaces
        .iter()
        .filter_map(|i| match &i.kind {
            Kind::Vlan { parent, .. } => Some(parent.clone()),
            _ => None,
        })
        .filter(|p| !p.is_empty())
        .collect();
    for name in missing {
        if !network.interfaces.iter().any(|i| i.name == name) {
            let mut interface = Interface {
                name,
                ..Interface::default()
            };
            interface.v4.methods = Methods::FIXED;
            interface.v6.methods = Methods::FIXED;
            network.interfaces.push(interface);
        }
    }
    // Without its master a port would be an interface of its own.
    let names: Vec<String> = network.interfaces.iter().map(|i| i.name.clone()).collect();
    for master in network
        .interfaces
        .iter()
        .filter_map(|i| i.master.clone())
        .collect::<BTreeSet<_>>()
    {
        if !names.contains(&master) {
            network.interfaces.push(Interface {
                name: master,
                kind: Kind::Bond {
                    options: Default::default(),
                },
                ..Interface::default()
            });
        }
    }
}
