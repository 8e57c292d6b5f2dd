// SPDX-License-Identifier: MIT OR Apache-2.0
//! The network configuration of a machine, independent of any distribution's
//! dialect.

use super::address::{Cidr, Mac};
pub use super::methods::Methods;
pub use super::route::{Route, RouteKind, Rule};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// All of the machine's interfaces, and its name servers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Network {
    /// Name servers of the whole machine (static ones only).
    #[serde(skip_serializing_if = "Dns::is_empty")]
    pub dns: Dns,
    /// Interfaces; physical ones come before those on top of them.
    pub interfaces: Vec<Interface>,
}

/// Name servers and the domains that are searched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dns {
    /// Name servers in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<IpAddr>,
    /// Search domains in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub search: Vec<String>,
    /// Options of resolv.conf(5).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

impl Dns {
    /// Nothing is configured.
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty() && self.search.is_empty() && self.options.is_empty()
    }

    /// Adds what `other` has and this one lacks.
    pub fn join(&mut self, other: &Dns) {
        fn add<T: Clone + PartialEq>(to: &mut Vec<T>, from: &[T]) {
            for item in from {
                if !to.contains(item) {
                    to.push(item.clone());
                }
            }
        }
        add(&mut self.servers, &other.servers);
        add(&mut self.search, &other.search);
        add(&mut self.options, &other.options);
    }
}

/// One network interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interface {
    /// The kernel's name for it on the old system.
    pub name: String,
    /// The hardware's own MAC address; physical interfaces only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// A MAC address that the configuration sets instead of the hardware's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloned_mac: Option<Mac>,
    /// The bond or bridge that it is a port of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master: Option<String>,
    /// Brought up at boot.
    pub auto: bool,
    /// Maximum transmission unit in bytes, if set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// What it is.
    pub kind: Kind,
    /// Name servers of this interface.
    #[serde(skip_serializing_if = "Dns::is_empty")]
    pub dns: Dns,
    /// Whether changing addresses are made in addition to those from router
    /// advertisements (RFC 8981); `None` if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privacy: Option<Privacy>,
    /// IPv4.
    pub v4: Family,
    /// IPv6.
    pub v6: Family,
}

impl Default for Interface {
    fn default() -> Self {
        Interface {
            name: String::new(),
            mac: None,
            cloned_mac: None,
            master: None,
            auto: true,
            mtu: None,
            kind: Kind::Ethernet,
            dns: Dns::default(),
            privacy: None,
            v4: Family::default(),
            v6: Family::default(),
        }
    }
}

impl Interface {
    /// The families with their address width in bits.
    pub fn families(&self) -> [&Family; 2] {
        [&self.v4, &self.v6]
    }

    /// The family that an address belongs to.
    pub fn family_mut(&mut self, v6: bool) -> &mut Family {
        if v6 { &mut self.v6 } else { &mut self.v4 }
    }

    /// Adds a static address.
    pub fn add_address(&mut self, address: Cidr) {
        let family = self.family_mut(address.ip.is_ipv6());
        if !family.addresses.contains(&address) {
            family.addresses.push(address);
        }
    }

    /// Whether a next hop is in none of the interface's networks, so that the
    /// kernel must be told that it is on the link. It never has to be for
    /// link-local ones.
    pub fn is_off_link(&self, hop: IpAddr) -> bool {
        let local = matches!(hop, IpAddr::V6(ip) if ip.is_unicast_link_local());
        let mut addresses = self.families().into_iter().flat_map(|f| &f.addresses);
        !local && !addresses.any(|a| a.contains(hop))
    }

    /// Adds a route; a default route with a next hop becomes the gateway.
    pub fn add_route(&mut self, route: Route) {
        let family = self.family_mut(route.to.ip.is_ipv6());
        let plain = route.via.is_some() && route.source.is_none() && route.table.is_none();
        if route.to.prefix == 0 && family.gateway.is_none() && plain {
            family.gateway = route.via;
            family.metric = family.metric.or(route.metric);
            return;
        }
        // Several sources may contain the default route twice.
        let gateway = route.to.prefix == 0 && route.via == family.gateway && route.table.is_none();
        if !gateway && !family.routes.contains(&route) {
            family.routes.push(route);
        }
    }
}

/// Temporary IPv6 addresses, as the kernel's `use_tempaddr` counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Privacy {
    /// None (0).
    Off,
    /// They exist, but public addresses are preferred (1).
    Public,
    /// They are preferred (2).
    Temporary,
}

impl Privacy {
    /// The kernel's number.
    pub fn number(self) -> u8 {
        match self {
            Privacy::Off => 0,
            Privacy::Public => 1,
            Privacy::Temporary => 2,
        }
    }

    /// By the kernel's number, or by the words of systemd, ifcfg and netplan.
    pub fn named(text: &str) -> Option<Privacy> {
        match text.to_ascii_lowercase().as_str() {
            "0" | "no" | "false" | "off" => Some(Privacy::Off),
            "1" | "prefer-public" | "rfc4941" => Some(Privacy::Public),
            "2" | "yes" | "true" | "on" => Some(Privacy::Temporary),
            _ => None,
        }
    }
}

/// What an interface is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Kind {
    /// A network card.
    #[default]
    Ethernet,
    /// Several interfaces as one.
    Bond {
        /// The bonding driver's options under the driver's names.
        #[serde(default)]
        options: BTreeMap<String, String>,
    },
    /// A switch in software.
    Bridge {
        /// Spanning tree protocol.
        #[serde(default)]
        stp: bool,
    },
    /// A tagged part of another interface.
    Vlan {
        /// The interface that carries it.
        parent: String,
        /// The tag, 1 to 4094.
        id: u16,
    },
}

/// One interface's configuration for IPv4 or IPv6.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Family {
    /// Where further addresses come from.
    #[serde(rename = "method")]
    pub methods: Methods,
    /// Static addresses, with their networks' prefix lengths.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Cidr>,
    /// Next hop of the default route; of IPv4's it may be an IPv6 address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// Metric of the default route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<u32>,
    /// This interface never gets the default route.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub never_default: bool,
    /// Name servers from DHCP or router advertisements are not used.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ignore_dns: bool,
    /// The identifier for DHCP servers: `mac`, `duid` (RFC 4361), or the
    /// identifier itself. `None` is the default of most clients, which is `mac`,
    /// too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The name sent to the DHCP server; `None` for the machine's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told_name: Option<String>,
    /// Static routes other than the default one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    /// Which packets go by which routing table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
}

impl Family {
    /// Whether the family is explicitly switched off.
    pub fn is_off(&self) -> bool {
        self.methods == Methods::FIXED && self.addresses.is_empty()
    }

    /// It is said that there is a link-local address and no other one.
    pub fn is_local(&self) -> bool {
        self.methods == Methods::LOCAL && self.addresses.is_empty()
    }
}

/// Whether the kernel accepts this as an interface's name, and it can be used in
/// file names and configuration lines.
pub fn is_interface_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() < 16
        && name != "."
        && name != ".."
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-@+".contains(&b))
}
