// SPDX-License-Identifier: MIT OR Apache-2.0
//! systemd-networkd's files (systemd.network(5), systemd.netdev(5)).

use super::{File, Interface, Network};
use crate::network::model::{Kind, Method};
use crate::text::HEADER;

const DIR: &str = "etc/systemd/network";

/// A `.network` file per interface, and a `.netdev` file per virtual one.
pub(super) fn render(network: &Network) -> Vec<File> {
    let mut files = Vec::new();
    for i in &network.interfaces {
        // Before the payload's and netplan's own, which begin with 10.
        let file = |suffix: &str, text: String| File {
            path: format!("{DIR}/05-replant-{}.{suffix}", i.name),
            text,
            mode: 0o644,
        };
        if let Some(text) = netdev(i) {
            files.push(file("netdev", text));
        }
        files.push(file("network", text(i, network)));
    }
    files
}

fn netdev(i: &Interface) -> Option<String> {
    let (kind, section) = match &i.kind {
        Kind::Ethernet => return None,
        Kind::Bond { options } => {
            let mut section = String::from("\n[Bond]\n");
            for (name, value) in options {
                let name = match name.as_str() {
                    "mode" => "Mode",
                    "xmit_hash_policy" => "TransmitHashPolicy",
                    "lacp_rate" => "LACPTransmitRate",
                    "miimon" => {
                        section.push_str(&format!("MIIMonitorSec={value}ms\n"));
                        continue;
                    }
                    _ => continue,
                };
                section.push_str(&format!("{name}={value}\n"));
            }
            ("bond", section)
        }
        Kind::Bridge { stp } => ("bridge", format!("\n[Bridge]\nSTP={stp}\n")),
        Kind::Vlan { id, .. } => ("vlan", format!("\n[VLAN]\nId={id}\n")),
    };
    let mac = i
        .cloned_mac
        .map(|m| format!("MACAddress={m}\n"))
        .unwrap_or_default();
    Some(format!(
        "{HEADER}[NetDev]\nName={}\nKind={kind}\n{mac}{section}",
        i.name
    ))
}

fn text(i: &Interface, network: &Network) -> String {
    let mut out = format!("{HEADER}[Match]\n");
    let mut put = |line: String| {
        out.push_str(&line);
        out.push('\n');
    };
    match i.mac {
        // A port of a bond has the bond's address meanwhile.
        Some(mac) if i.master.is_some() => put(format!("PermanentMACAddress={mac}\nType=ether")),
        Some(mac) => put(format!("MACAddress={mac}\nType=ether")),
        None => put(format!("Name={}", i.name)),
    }
    let link_mac = i.cloned_mac.filter(|_| i.kind == Kind::Ethernet);
    if i.mtu.is_some() || link_mac.is_some() || !i.auto {
        put("\n[Link]".into());
        if let Some(mtu) = i.mtu {
            put(format!("MTUBytes={mtu}"));
        }
        if let Some(mac) = link_mac {
            put(format!("MACAddress={mac}"));
        }
        if !i.auto {
            put("ActivationPolicy=manual\nRequiredForOnline=no".into());
        }
    }
    put("\n[Network]".into());
    for vlan in &network.interfaces {
        if matches!(&vlan.kind, Kind::Vlan { parent, .. } if *parent == i.name) {
            put(format!("VLAN={}", vlan.name));
        }
    }
    let master = i
        .master
        .as_ref()
        .and_then(|m| network.interfaces.iter().find(|x| x.name == *m));
    if let Some(master) = master {
        let bridge = matches!(master.kind, Kind::Bridge { .. });
        put(format!(
            "{}={}",
            if bridge { "Bridge" } else { "Bond" },
            master.name
        ));
        return out;
    }
    put(format!(
        "DHCP={}",
        match (i.v4.method, i.v6.method) {
            (Method::Dhcp, Method::Dhcp) => "yes",
            (Method::Dhcp, _) => "ipv4",
            (_, Method::Dhcp) => "ipv6",
            _ => "no",
        }
    ));
    match i.v6.method {
        Method::Off => put("LinkLocalAddressing=no\nIPv6AcceptRA=no".into()),
        Method::Auto => put("IPv6AcceptRA=yes".into()),
        Method::Dhcp => put("IPv6AcceptRA=no".into()),
        _ => {}
    }
    for family in i.families() {
        for address in &family.addresses {
            put(format!("Address={address}"));
        }
    }
    for server in &i.dns.servers {
        put(format!("DNS={server}"));
    }
    if !i.dns.search.is_empty() {
        put(format!("Domains={}", i.dns.search.join(" ")));
    }
    for family in i.families() {
        let gateway = family.gateway.filter(|_| !family.addresses.is_empty());
        if let Some(gateway) = gateway {
            put(format!("\n[Route]\nGateway={gateway}"));
            if let Some(metric) = family.metric {
                put(format!("Metric={metric}"));
            }
        }
        for route in &family.routes {
            put(format!("\n[Route]\nDestination={}", route.to));
            if let Some(via) = route.via {
                put(format!("Gateway={via}"));
            }
            if let Some(metric) = route.metric {
                put(format!("Metric={metric}"));
            }
        }
    }
    for (family, section) in [(&i.v4, "DHCPv4"), (&i.v6, "IPv6AcceptRA")] {
        if !matches!(family.method, Method::Dhcp | Method::Auto) {
            continue;
        }
        if family.ignore_dns || family.never_default {
            put(format!("\n[{section}]"));
            if family.ignore_dns {
                put("UseDNS=no".into());
            }
            if family.never_default {
                put("UseGateway=no".into());
            }
        }
    }
    out
}
