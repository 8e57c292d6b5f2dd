// SPDX-License-Identifier: MIT OR Apache-2.0
//! The network configuration of a machine, in no distribution's dialect.

use super::address::{Cidr, Mac};
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
    /// Interfaces, physical ones before those that stand on them.
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
    /// A MAC address that the configuration sets in place of the own one.
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

    /// Whether a next hop lies in none of the interface's networks: the kernel
    /// must be told that it is on the link all the same. Link-local ones are.
    pub fn is_off_link(&self, hop: IpAddr) -> bool {
        let local = matches!(hop, IpAddr::V6(ip) if ip.is_unicast_link_local());
        let mut addresses = self.families().into_iter().flat_map(|f| &f.addresses);
        !local && !addresses.any(|a| a.contains(hop))
    }

    /// Adds a route; a default route with a next hop becomes the gateway.
    pub fn add_route(&mut self, route: Route) {
        let family = self.family_mut(route.to.ip.is_ipv6());
        let plain = route.via.is_some() && route.source.is_none();
        if route.to.prefix == 0 && family.gateway.is_none() && plain {
            family.gateway = route.via;
            family.metric = family.metric.or(route.metric);
            return;
        }
        // Several sources tell the default route once more.
        let gateway = route.to.prefix == 0 && route.via == family.gateway;
        if !gateway && !family.routes.contains(&route) {
            family.routes.push(route);
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

/// How a family gets addresses beside its static ones, which are a list of
/// their own: several ways at once, or none.
///
/// Written as `unset`, `off`, or the ways with `+` in between; `static`, which
/// earlier versions wrote, is `unset` with addresses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Methods {
    /// Something is said. Otherwise the new system's default applies: IPv6
    /// heeds router advertisements, and IPv4 asks nobody.
    pub said: bool,
    /// DHCP.
    pub dhcp: bool,
    /// IPv6 router advertisements, and DHCPv6 when these say so.
    pub auto: bool,
}

impl Methods {
    /// Nothing is said.
    pub const UNSET: Methods = Methods {
        said: false,
        dhcp: false,
        auto: false,
    };
    /// Nothing but the static addresses, if there are any.
    pub const FIXED: Methods = Methods {
        said: true,
        ..Methods::UNSET
    };
    /// DHCP.
    pub const DHCP: Methods = Methods {
        dhcp: true,
        ..Methods::FIXED
    };
    /// Router advertisements.
    pub const AUTO: Methods = Methods {
        auto: true,
        ..Methods::FIXED
    };

    /// Both.
    pub fn and(self, other: Methods) -> Methods {
        Methods {
            said: self.said || other.said,
            dhcp: self.dhcp || other.dhcp,
            auto: self.auto || other.auto,
        }
    }

    /// Addresses come from outside.
    pub fn is_dynamic(self) -> bool {
        self.dhcp || self.auto
    }
}

impl From<Methods> for String {
    fn from(methods: Methods) -> String {
        let text = match (methods.said, methods.dhcp, methods.auto) {
            (_, true, true) => "auto+dhcp",
            (_, true, false) => "dhcp",
            (_, false, true) => "auto",
            (true, false, false) => "off",
            (false, false, false) => "unset",
        };
        text.to_owned()
    }
}

impl TryFrom<String> for Methods {
    type Error = String;
    fn try_from(text: String) -> Result<Methods, String> {
        let mut methods = Methods::UNSET;
        for word in text.split('+') {
            methods = methods.and(match word {
                "unset" | "static" => Methods::UNSET,
                "off" => Methods::FIXED,
                "dhcp" => Methods::DHCP,
                "auto" => Methods::AUTO,
                _ => return Err(format!("{text:?} is no way to an address")),
            });
        }
        Ok(methods)
    }
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
    /// Static routes other than the default one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
}

impl Family {
    /// It is said that there are no addresses.
    pub fn is_off(&self) -> bool {
        self.methods == Methods::FIXED && self.addresses.is_empty()
    }
}

/// A static route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Where to.
    pub to: Cidr,
    /// Next hop; none for a directly attached network. It may be of the other
    /// family than the route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<IpAddr>,
    /// Metric, if set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<u32>,
    /// The next hop is on the link, whatever the addresses' prefixes say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub on_link: bool,
    /// The address that packets come from, if set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
}

impl Route {
    /// A route with nothing but a next hop, or without one.
    pub fn new(to: Cidr, via: Option<IpAddr>) -> Route {
        Route {
            to,
            via,
            metric: None,
            on_link: false,
            source: None,
        }
    }
}

/// Whether the kernel takes this as an interface's name, and a file name and a
/// configuration line can carry it.
pub fn is_interface_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() < 16
        && name != "."
        && name != ".."
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-@+".contains(&b))
}
