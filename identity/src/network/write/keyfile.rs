// SPDX-License-Identifier: MIT OR Apache-2.0
//! NetworkManager's keyfiles (nm-settings-keyfile(5)). Network cards are found
//! by MAC address, so that it does not matter what the new system calls them.

use super::{File, Interface, Network};
use crate::network::model::{Dns, Family, Kind, Method};
use crate::text::HEADER;
use ondisk::sha256::Sha256Sum;
use std::fmt::Write;

/// One file per interface. `seed` makes the UUIDs this machine's own.
pub(super) fn render(network: &Network, seed: &str, old: bool) -> Vec<File> {
    let file = |i: &Interface| File {
        path: format!(
            "etc/NetworkManager/system-connections/replant-{}.nmconnection",
            i.name
        ),
        text: text(i, network, seed, old),
        // Readable by others, the file would be ignored.
        mode: 0o600,
    };
    network.interfaces.iter().map(file).collect()
}

/// The same for the same machine and interface: a UUID of version 8.
fn uuid(seed: &str, name: &str) -> String {
    let sum = Sha256Sum::of(format!("replant\0{seed}\0{name}").as_bytes());
    let mut bytes: Vec<u8> = sum.0.into_iter().take(16).collect();
    for (at, keep, set) in [(6, 0x0f, 0x80), (8, 0x3f, 0x80)] {
        if let Some(byte) = bytes.get_mut(at) {
            *byte = *byte & keep | set;
        }
    }
    let mut text = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&at) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn text(i: &Interface, network: &Network, seed: &str, old: bool) -> String {
    let mut out = String::from(HEADER);
    let mut put = |line: String| {
        out.push_str(&line);
        out.push('\n');
    };
    let kind = match &i.kind {
        Kind::Ethernet => "ethernet",
        Kind::Bond { .. } => "bond",
        Kind::Bridge { .. } => "bridge",
        Kind::Vlan { .. } => "vlan",
    };
    put("[connection]".into());
    put(format!("id={}", i.name));
    put(format!("uuid={}", uuid(seed, &i.name)));
    put(format!("type={kind}"));
    if i.mac.is_none() {
        put(format!("interface-name={}", i.name));
    }
    if !i.auto {
        put("autoconnect=false".into());
    }
    let master = i
        .master
        .as_ref()
        .and_then(|m| network.interfaces.iter().find(|x| x.name == *m));
    if let Some(master) = master {
        put(format!("master={}", uuid(seed, &master.name)));
        let bridge = matches!(master.kind, Kind::Bridge { .. });
        put(format!(
            "slave-type={}",
            if bridge { "bridge" } else { "bond" }
        ));
    }
    if i.mac.is_some() || i.cloned_mac.is_some() || i.mtu.is_some() {
        put("\n[ethernet]".into());
        if let Some(mac) = i.mac {
            put(format!("mac-address={mac}"));
        }
        if let Some(mac) = i.cloned_mac {
            put(format!("cloned-mac-address={mac}"));
        }
        if let Some(mtu) = i.mtu {
            put(format!("mtu={mtu}"));
        }
    }
    match &i.kind {
        Kind::Ethernet => {}
        Kind::Bond { options } => {
            put("\n[bond]".into());
            for (name, value) in options {
                put(format!("{name}={value}"));
            }
        }
        Kind::Bridge { stp } => put(format!("\n[bridge]\nstp={stp}")),
        Kind::Vlan { parent, id } => {
            let known = network.interfaces.iter().any(|x| x.name == *parent);
            let parent = if known {
                uuid(seed, parent)
            } else {
                parent.clone()
            };
            put(format!("\n[vlan]\nid={id}\nparent={parent}"));
        }
    }
    if master.is_none() {
        out.push_str(&family(&i.v4, &i.dns, false, old));
        out.push_str(&family(&i.v6, &i.dns, true, old));
    }
    out
}

fn family(f: &Family, dns: &Dns, v6: bool, old: bool) -> String {
    let mut out = format!("\n[{}]\n", if v6 { "ipv6" } else { "ipv4" });
    let mut put = |line: String| {
        out.push_str(&line);
        out.push('\n');
    };
    let method = match f.method {
        Method::Static => "manual",
        Method::Dhcp if v6 => "dhcp",
        Method::Dhcp | Method::Auto => "auto",
        Method::Unset if v6 => "auto",
        Method::Off if v6 && old => "ignore",
        Method::Off | Method::Unset => "disabled",
    };
    put(format!("method={method}"));
    for (n, address) in f.addresses.iter().enumerate() {
        match f.gateway.filter(|_| n == 0) {
            Some(gateway) => put(format!("address1={address},{gateway}")),
            None => put(format!("address{}={address}", n + 1)),
        }
    }
    if let Some(metric) = f.metric {
        put(format!("route-metric={metric}"));
    }
    if f.never_default {
        put("never-default=true".into());
    }
    for (n, route) in f.routes.iter().enumerate() {
        let none = if v6 { "::" } else { "0.0.0.0" };
        let via = match (route.via, route.metric) {
            (Some(via), _) => format!(",{via}"),
            (None, Some(_)) => format!(",{none}"),
            (None, None) => String::new(),
        };
        let metric = route.metric.map(|m| format!(",{m}")).unwrap_or_default();
        put(format!("route{}={}{via}{metric}", n + 1, route.to));
    }
    let servers: String = dns
        .servers
        .iter()
        .filter(|s| s.is_ipv6() == v6)
        .map(|s| format!("{s};"))
        .collect();
    // A family that is off refuses name servers.
    if method != "disabled" && method != "ignore" {
        if !servers.is_empty() {
            put(format!("dns={servers}"));
        }
        if !dns.search.is_empty() {
            put(format!("dns-search={};", dns.search.join(";")));
        }
        if f.ignore_dns {
            put("ignore-auto-dns=true".into());
        }
    }
    out
}
