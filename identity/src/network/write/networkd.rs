// SPDX-License-Identifier: MIT OR Apache-2.0
//! systemd-networkd's files (systemd.network(5), systemd.netdev(5)).

use super::{File, Interface, Network};
use crate::network::address::Cidr;
use crate::network::bond::{self, Value};
use crate::network::model::{Kind, Route};
use crate::report::Report;
use crate::text::{HEADER, is_yes};

const DIR: &str = "etc/systemd/network";

/// A `.network` file per interface, and a `.netdev` file per virtual one.
pub(super) fn render(network: &Network, report: &mut Report) -> Vec<File> {
    let mut files = Vec::new();
    for i in &network.interfaces {
        // Before the payload's and netplan's own, which begin with 10.
        let file = |suffix: &str, text: String| File {
            path: format!("{DIR}/05-replant-{}.{suffix}", i.name),
            text,
            mode: 0o644,
        };
        if let Some(text) = netdev(i, report) {
            files.push(file("netdev", text));
        }
        files.push(file("network", text(i, network)));
    }
    files
}

fn netdev(i: &Interface, report: &mut Report) -> Option<String> {
    let (kind, section) = match &i.kind {
        Kind::Ethernet => return None,
        Kind::Bond { options } => {
            let mut section = String::from("\n[Bond]\n");
            for (name, value) in options {
                match option(name, value) {
                    Some(line) => section.push_str(&line),
                    None => report.warn(format!(
                        "{}: systemd-networkd cannot set the bonding option {name}={value}; it is not carried over",
                        i.name
                    )),
                }
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

/// The line of a bonding option; empty if a port's file has it.
fn option(name: &str, value: &str) -> Option<String> {
    let choice = bond::find(name)?;
    // networkd knows fewer of the driver's names.
    if value.starts_with("filter") || value == "vlan+srcmac" {
        return None;
    }
    let value = match choice.value {
        Value::Port => return Some(String::new()),
        Value::Milliseconds => format!("{value}ms"),
        Value::Seconds => format!("{value}s"),
        Value::Addresses => value.replace(',', " "),
        Value::Switch => is_yes(value).to_string(),
        _ => value.to_owned(),
    };
    Some(format!("{}={value}\n", choice.networkd?))
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
        if let Kind::Bond { options } = &master.kind {
            for (option, key) in [("primary", "PrimarySlave"), ("active_slave", "ActiveSlave")] {
                if options.get(option) == Some(&i.name) {
                    put(format!("{key}=true"));
                }
            }
        }
        return out;
    }
    put(format!(
        "DHCP={}",
        match (i.v4.methods.dhcp, i.v6.methods.dhcp) {
            (true, true) => "yes",
            (true, false) => "ipv4",
            (false, true) => "ipv6",
            (false, false) => "no",
        }
    ));
    if i.v6.is_off() {
        put("LinkLocalAddressing=no".into());
    }
    if i.v6.methods.said {
        let auto = if i.v6.methods.auto { "yes" } else { "no" };
        put(format!("IPv6AcceptRA={auto}"));
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
    for (family, v6) in i.families().into_iter().zip([false, true]) {
        if let Some(gateway) = family.gateway {
            let to = Cidr::default_of(v6);
            let route = Route {
                metric: family.metric,
                ..Route::new(to, Some(gateway))
            };
            put(section(i, &route));
        }
        for route in &family.routes {
            put(section(i, route));
        }
    }
    if i.v6.methods.auto && i.v6.methods.dhcp {
        // Whatever router advertisements say.
        put("\n[DHCPv6]\nWithoutRA=solicit".into());
    }
    for (family, section) in [(&i.v4, "DHCPv4"), (&i.v6, "IPv6AcceptRA")] {
        if !family.methods.is_dynamic() {
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

fn section(i: &Interface, route: &Route) -> String {
    let mut lines = vec!["\n[Route]".to_owned()];
    // Without a destination it is the default route of the next hop's family.
    let other = route
        .via
        .is_none_or(|v| v.is_ipv6() != route.to.ip.is_ipv6());
    if route.to.prefix != 0 || other {
        lines.push(format!("Destination={}", route.to));
    }
    if let Some(via) = route.via {
        lines.push(format!("Gateway={via}"));
        if route.on_link || i.is_off_link(via) {
            lines.push("GatewayOnLink=yes".to_owned());
        }
    }
    if let Some(source) = route.source {
        lines.push(format!("PreferredSource={source}"));
    }
    if let Some(metric) = route.metric {
        lines.push(format!("Metric={metric}"));
    }
    lines.join("\n")
}
