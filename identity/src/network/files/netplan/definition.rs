// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parses one device's definition.

use super::renderer::Renderer;
use super::{options, routes};
use crate::network::address::{Cidr, Mac};
use crate::network::files::{Candidate, OwnAddress};
use crate::network::model::{Interface, Kind, Methods, Privacy};
use crate::text::{
    is_yes,
    yaml::{Data, Node},
};
use std::net::IpAddr;

/// Reads one definition.
pub(super) struct Reader<'a> {
    /// The name of the definition.
    pub id: &'a str,
    /// The section that it is in.
    pub section: &'a str,
    /// What carries it out.
    pub renderer: Renderer,
    /// Ports, and what they belong to.
    pub ports: &'a mut Vec<(String, String)>,
    /// What is not carried over.
    pub warnings: &'a mut Vec<String>,
}

/// Settings passed through to NetworkManager, without those that change nothing.
pub(super) fn passed(node: &Node) -> impl Iterator<Item = &(String, Node)> {
    const HARMLESS: [&str; 6] = [
        "proxy._",
        "ethernet._",
        "connection.timestamp",
        "connection.autoconnect-priority",
        "ipv6.addr-gen-mode",
        "ipv6.ip6-privacy",
    ];
    let passed = passthrough(node).iter();
    passed.filter(|(name, _)| !HARMLESS.contains(&name.as_str()))
}

fn passthrough(node: &Node) -> &[(String, Node)] {
    let passed = node
        .get("networkmanager")
        .and_then(|n| n.get("passthrough"));
    passed.map_or(&[][..], Node::pairs)
}

/// How the machine makes its own IPv6 address.
const ADDRESS_MODES: [&str; 2] = ["ipv6.addr-gen-mode", "ipv6-address-generation"];

/// Keys that change nothing about addresses, or say what is so anyway.
const WITHOUT_EFFECT: [&str; 9] = [
    "renderer",
    "optional",
    "optional-addresses",
    "critical",
    "ignore-carrier",
    "emit-lldp",
    "wakeonlan",
    "ipv6-address-generation",
    "set-name",
];

impl Reader<'_> {
    fn lost(&mut self, name: &str, value: &Node) {
        self.warnings.push(format!(
            "{}: {} of {} is not understood and is not carried over",
            value.at,
            value.shown_as(name),
            self.id
        ));
    }

    /// Reads the interface; `None` if the definition does not say which one it
    /// is.
    pub(super) fn read(&mut self, node: &Node) -> Option<Candidate> {
        let mut i = Interface {
            name: self.id.to_owned(),
            kind: match self.section {
                "bonds" => options::bond(node, self.warnings),
                "bridges" => options::bridge(node, self.renderer, self.warnings),
                "vlans" => Kind::Vlan {
                    parent: String::new(),
                    id: 0,
                },
                _ => Kind::Ethernet,
            },
            ..Interface::default()
        };
        i.v4.methods = Methods::FIXED;
        let mut patterns = Vec::new();
        if self.section == "ethernets" {
            patterns = self.matched(node, &mut i)?;
        }
        let mut said = Said::default();
        for (name, value) in node.pairs() {
            self.key(name, value, &mut i, &mut said);
        }
        for (name, value) in passed(node) {
            self.lost(name, value);
        }
        said.settle(&mut i);
        if i.v4.methods.dhcp && self.renderer == Renderer::Networkd {
            // Its own default, and what netplan tells it.
            let id = i.v4.client_id.take();
            i.v4.client_id = Some(id.unwrap_or("duid".to_owned())).filter(|id| id != "mac");
            if i.v4.gateway.is_none() {
                i.v4.metric = i.v4.metric.or(Some(100));
            }
        }
        let own = passthrough(node)
            .iter()
            .chain(node.pairs())
            .find_map(|(name, value)| {
                let mode = value.text().filter(|_| ADDRESS_MODES.contains(&&**name))?;
                OwnAddress::named(mode, format!("{}: {name}: {mode}", value.at))
            });
        let file = node
            .at
            .rsplit_once(':')
            .map_or(node.at.as_str(), |(f, _)| f);
        Some(Candidate {
            source: file.to_owned(),
            interface: i,
            patterns,
            aliases: vec![self.id.to_owned()],
            own_address: own,
            ..Candidate::default()
        })
    }

    fn key(&mut self, name: &str, value: &Node, i: &mut Interface, said: &mut Said) {
        let text = value.text();
        let yes = text.is_some_and(is_yes);
        match name {
            "match" | "parameters" => {}
            _ if WITHOUT_EFFECT.contains(&name) => {}
            _ if value.data == Data::Null => {}
            "dhcp4" => said.dhcp4 = yes,
            "dhcp6" => said.dhcp6 = yes,
            "accept-ra" => said.accept_ra = Some(yes),
            "link-local" => {
                let has = |what: &str| value.items().iter().any(|v| v.text() == Some(what));
                said.no_link_local = !has("ipv6");
                if has("ipv4") {
                    self.lost(name, value);
                }
            }
            "dhcp-identifier" => i.v4.client_id = text.map(str::to_owned),
            "ipv6-privacy" => {
                i.privacy = Some(if yes {
                    Privacy::Temporary
                } else {
                    Privacy::Off
                });
            }
            "dhcp4-overrides" | "dhcp6-overrides" => self.overrides(name, value, i),
            "addresses" => self.addresses(value, i),
            "gateway4" | "gateway6" => match text.and_then(|t| t.parse::<IpAddr>().ok()) {
                Some(ip) => i.family_mut(ip.is_ipv6()).gateway = Some(ip),
                None => self.lost(name, value),
            },
            "nameservers" => self.nameservers(value, i),
            "routes" => {
                for item in value.items() {
                    self.route(item, i);
                }
            }
            "routing-policy" => {
                for item in value.items() {
                    match routes::policy(item) {
                        Ok((v6, rule)) => i.family_mut(v6).rules.push(rule),
                        Err(why) => self.warnings.push(format!(
                            "{}: the routing rule of {} is not carried over: {why}",
                            item.at, self.id
                        )),
                    }
                }
            }
            "mtu" => match text.and_then(|t| t.parse().ok()) {
                Some(mtu) => i.mtu = Some(mtu),
                None => self.lost(name, value),
            },
            "macaddress" => match text.and_then(|t| t.parse::<Mac>().ok()) {
                Some(mac) => i.cloned_mac = Some(mac),
                None if matches!(text, Some("permanent" | "preserve")) => {}
                None => self.lost(name, value),
            },
            "activation-mode" => i.auto = false,
            "interfaces" if matches!(i.kind, Kind::Bond { .. } | Kind::Bridge { .. }) => {
                let ports = value.items().iter().filter_map(Node::text);
                let ports = ports.map(|p| (p.to_owned(), self.id.to_owned()));
                self.ports.extend(ports);
            }
            "id" if matches!(i.kind, Kind::Vlan { .. }) => {
                let number = text.and_then(|t| t.parse().ok()).filter(|n| *n < 4095);
                match (&mut i.kind, number) {
                    (Kind::Vlan { id, .. }, Some(number)) => *id = number,
                    _ => self.lost(name, value),
                }
            }
            "link" if matches!(i.kind, Kind::Vlan { .. }) => {
                if let (Kind::Vlan { parent, .. }, Some(link)) = (&mut i.kind, text) {
                    link.clone_into(parent);
                }
            }
            "networkmanager" => {}
            _ => self.lost(name, value),
        }
    }

    fn addresses(&mut self, node: &Node, i: &mut Interface) {
        for item in node.items() {
            let (text, more) = match item.pairs() {
                [(text, more)] => (text.as_str(), more.pairs()),
                _ => (item.text().unwrap_or_default(), &[][..]),
            };
            match Cidr::parse(text).filter(|_| text.contains('/')) {
                Some(address) => i.add_address(address),
                None => self.warnings.push(format!(
                    "{}: `{}` of {} is no address with a prefix and is left out",
                    item.at,
                    item.shown(),
                    self.id
                )),
            }
            // A label of an address changes nothing.
            let plain =
                |n: &str, v: &Node| n == "label" || n == "lifetime" && v.text() == Some("forever");
            for (name, value) in more.iter().filter(|(n, v)| !plain(n, v)) {
                self.lost(name, value);
            }
        }
    }

    fn nameservers(&mut self, node: &Node, i: &mut Interface) {
        for (name, value) in node.pairs() {
            for item in value.items() {
                let text = item.text().unwrap_or_default();
                match (name.as_str(), text.parse::<IpAddr>()) {
                    ("addresses", Ok(ip)) => i.dns.servers.push(ip),
                    ("search", _) if !text.starts_with('~') => i.dns.search.push(text.to_owned()),
                    _ => self.lost(name, item),
                }
            }
        }
    }

    fn route(&mut self, node: &Node, i: &mut Interface) {
        match routes::route(node) {
            Ok((route, lost)) => {
                for word in lost {
                    self.warnings.push(format!(
                        "{}: `{word}` of the route to {} is not carried over",
                        node.at, route.to
                    ));
                }
                // The gateway has no such flag of its own, and needs none: it is
                // set where the next hop is in no network of the interface.
                i.add_route(route);
            }
            Err(why) => self.warnings.push(format!(
                "{}: the route {} of {} is not carried over: {why}",
                node.at,
                node.shown(),
                self.id
            )),
        }
    }

    fn overrides(&mut self, section: &str, node: &Node, i: &mut Interface) {
        let v6 = section == "dhcp6-overrides";
        let family = i.family_mut(v6);
        let mut lost = Vec::new();
        for (name, value) in node.pairs() {
            let text = value.text().unwrap_or_default();
            match name.as_str() {
                "use-dns" => family.ignore_dns = !is_yes(text),
                "route-metric" => family.metric = text.parse().ok(),
                "hostname" => family.told_name = Some(text.to_owned()),
                "use-routes" if !is_yes(text) => {
                    family.never_default = true;
                    lost.push((name, value));
                }
                // These are the defaults.
                "use-routes" | "use-mtu" | "send-hostname" if is_yes(text) => {}
                "use-ntp" | "use-hostname" => {}
                "use-domains" if !is_yes(text) => {}
                _ => lost.push((name, value)),
            }
        }
        for (name, value) in lost {
            self.lost(name, value);
        }
    }
}

/// Settings that can be evaluated only after all keys were read.
#[derive(Default)]
struct Said {
    dhcp4: bool,
    dhcp6: bool,
    accept_ra: Option<bool>,
    no_link_local: bool,
}

impl Said {
    fn settle(&self, i: &mut Interface) {
        if self.dhcp4 {
            i.v4.methods = Methods::DHCP;
        }
        i.v6.methods = match self.accept_ra {
            Some(false) if self.dhcp6 => Methods::DHCP,
            Some(false) if self.no_link_local || !i.v6.addresses.is_empty() => Methods::FIXED,
            Some(false) => Methods::LOCAL,
            _ if self.dhcp6 => Methods::AUTO,
            // Without a link-local address nothing is advertised to it.
            _ if self.no_link_local => Methods::FIXED,
            Some(true) => Methods::AUTO,
            None => Methods::UNSET,
        };
    }
}
