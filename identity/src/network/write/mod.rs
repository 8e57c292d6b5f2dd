// SPDX-License-Identifier: MIT OR Apache-2.0
//! The network configuration in the dialect of the new system.

mod aside;
mod detect;
mod ifupdown;
mod keyfile;
mod link;
mod networkd;
mod resolver;
#[cfg(test)]
mod tests;

use crate::error::Result;
use crate::network::bond;
use crate::network::model::{Interface, Kind, Network};
use crate::report::Report;
use detect::Manager;
use ondisk::manifest::Policy;
use rootdir::{Attributes, RootDir};

/// A file of configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
struct File {
    /// Below the root.
    path: String,
    text: String,
    /// Permission bits.
    mode: u32,
}

/// Writes the network configuration, and puts the payload's own aside.
pub(crate) fn apply(
    root: &RootDir,
    network: &Network,
    seed: &str,
    policy: &Policy,
    report: &mut Report,
) -> Result<()> {
    if network.interfaces.is_empty() {
        report.warn("no network interfaces were saved; the payload's configuration stays");
        return Ok(());
    }
    let Some(manager) = detect::detect(root)? else {
        report.warn("the new system has neither NetworkManager nor systemd-networkd nor ifupdown; its network configuration stays as the payload has it: configure it on the console");
        return Ok(());
    };
    let (network, pin) = settle(network, manager, policy.pin_interface_names, report);
    let mut files = Vec::new();
    if pin {
        files.extend(link::render(&network, report));
    }
    files.extend(match manager {
        Manager::Nm { old } => keyfile::render(&network, seed, old, report),
        Manager::Networkd => networkd::render(&network, report),
        Manager::Ifupdown => ifupdown::render(&network),
    });
    aside::put_aside(root, &network, &files, report)?;
    for file in &files {
        root.write(
            &file.path,
            file.text.as_bytes(),
            Attributes::root(file.mode),
        )?;
    }
    if manager == Manager::Networkd {
        detect::enable_networkd(root)?;
    }
    if manager == Manager::Ifupdown {
        ifupdown::check(root, &network, report)?;
    }
    resolver::apply(root, manager, &network, report)?;
    for i in &network.interfaces {
        report.done(format!("network: {}", describe(i)));
    }
    report.done(format!("network configured for {manager}"));
    Ok(())
}

/// The network as the new system shall have it, and whether its cards get the
/// old names.
fn settle(network: &Network, manager: Manager, pin: bool, report: &mut Report) -> (Network, bool) {
    let mut network = network.clone();
    spread_dns(&mut network, manager);
    for i in &mut network.interfaces {
        if let Kind::Bond { options } = &mut i.kind {
            for line in bond::settle(options) {
                report.warn(format!("{}: {line}; it is not carried over", i.name));
            }
        }
    }
    let pin = manager == Manager::Ifupdown || pin || link::by_name(&network);
    if pin {
        link::rename(&mut network, report);
    }
    (network, pin)
}

/// The same, for tests of the whole way.
#[cfg(test)]
pub(crate) fn settled(network: &Network, manager: &str) -> Network {
    let manager = match manager {
        "nm" => Manager::Nm { old: false },
        "networkd" => Manager::Networkd,
        _ => Manager::Ifupdown,
    };
    settle(network, manager, false, &mut Report::default()).0
}

/// An interface's files as one text, for tests of the whole way.
#[cfg(test)]
pub(crate) fn rendered(
    network: &Network,
    manager: &str,
    name: &str,
    report: &mut Report,
) -> String {
    let files = match manager {
        "nm" => keyfile::render(network, "seed", false, report),
        "networkd" => networkd::render(network, report),
        _ => ifupdown::render(network),
    };
    let own = |f: &&File| manager == "ifupdown" || f.path.contains(&format!("-{name}."));
    files.iter().filter(own).map(|f| f.text.as_str()).collect()
}

/// Name servers of the whole machine go to the interface with the gateway,
/// where the new system keeps them by interface.
fn spread_dns(network: &mut Network, manager: Manager) {
    if manager == Manager::Ifupdown || network.dns.is_empty() {
        return;
    }
    let dns = std::mem::take(&mut network.dns);
    let configured = |i: &Interface| i.families().iter().any(|f| !f.addresses.is_empty());
    let with_gateway = network
        .interfaces
        .iter()
        .position(|i| configured(i) && i.families().iter().any(|f| f.gateway.is_some()));
    let at = with_gateway
        .or(network.interfaces.iter().position(configured))
        .unwrap_or(0);
    if let Some(interface) = network.interfaces.get_mut(at) {
        interface.dns.join(&dns);
    }
}

fn describe(i: &Interface) -> String {
    let mut words = vec![i.name.clone()];
    words.extend(i.mac.map(|m| m.to_string()));
    match &i.kind {
        Kind::Ethernet => {}
        Kind::Bond { .. } => words.push("bond".into()),
        Kind::Bridge { .. } => words.push("bridge".into()),
        Kind::Vlan { parent, id } => words.push(format!("VLAN {id} on {parent}")),
    }
    if let Some(master) = &i.master {
        words.push(format!("port of {master}"));
    }
    for family in i.families() {
        if family.methods.dhcp {
            words.push("DHCP".into());
        }
        if family.methods.auto {
            words.push("IPv6 automatic".into());
        }
        words.extend(family.addresses.iter().map(|a| a.to_string()));
        words.extend(family.gateway.map(|g| format!("gateway {g}")));
    }
    words.join(" ")
}
