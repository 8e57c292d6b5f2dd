// SPDX-License-Identifier: MIT OR Apache-2.0
//! The network configuration of a machine, in no distribution's dialect.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

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

    /// Adds a static address and makes its family static.
    pub fn add_address(&mut self, address: Cidr) {
        let family = self.family_mut(address.ip.is_ipv6());
        if family.method == Method::Unset || family.method == Method::Off {
            family.method = Method::Static;
        }
        if !family.addresses.contains(&address) {
            family.addresses.push(address);
        }
    }

    /// Adds a route; a default route with a next hop becomes the gateway.
    pub fn add_route(&mut self, route: Route) {
        let family = self.family_mut(route.to.ip.is_ipv6());
        if route.to.prefix == 0 && family.gateway.is_none() && route.via.is_some() {
            family.gateway = route.via;
            family.metric = family.metric.or(route.metric);
        } else if !family.routes.contains(&route)
            && !(route.to.prefix == 0 && route.via == family.gateway)
        {
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

/// How a family gets its addresses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Nothing is said: the new system's default applies.
    #[default]
    Unset,
    /// No addresses.
    Off,
    /// The addresses in the configuration.
    Static,
    /// DHCP.
    Dhcp,
    /// IPv6 router advertisements, and DHCPv6 when these say so.
    Auto,
}

/// One interface's configuration for IPv4 or IPv6.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Family {
    /// Where addresses come from.
    pub method: Method,
    /// Static addresses, with their networks' prefix lengths.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Cidr>,
    /// Next hop of the default route.
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

/// A static route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Where to.
    pub to: Cidr,
    /// Next hop; none for a directly attached network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<IpAddr>,
    /// Metric, if set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<u32>,
}

/// An address and the length of its network's prefix in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    /// The address.
    pub ip: IpAddr,
    /// Prefix length, at most 32 or 128.
    pub prefix: u8,
}

impl Cidr {
    /// An address with a prefix, if the prefix is possible.
    pub fn new(ip: IpAddr, prefix: u8) -> Option<Cidr> {
        (prefix <= if ip.is_ipv4() { 32 } else { 128 }).then_some(Cidr { ip, prefix })
    }

    /// Reads `address`, `address/prefix` or `address/netmask`. Without a
    /// prefix it is a host's.
    pub fn parse(text: &str) -> Option<Cidr> {
        let (ip, prefix) = match text.split_once('/') {
            Some((ip, prefix)) => (ip, Some(prefix)),
            None => (text, None),
        };
        let ip: IpAddr = ip.trim().parse().ok()?;
        let prefix = match prefix.map(str::trim) {
            Some(text) => prefix_length(text)?,
            None if ip.is_ipv4() => 32,
            None => 128,
        };
        Cidr::new(ip, prefix)
    }

    /// The default route of the family of `like`.
    pub fn default_of(v6: bool) -> Cidr {
        let ip = if v6 {
            IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED)
        } else {
            IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED)
        };
        Cidr { ip, prefix: 0 }
    }
}

/// The length of a prefix, given as a number or as an IPv4 netmask.
pub fn prefix_length(text: &str) -> Option<u8> {
    if let Ok(number) = text.parse::<u8>() {
        return (number <= 128).then_some(number);
    }
    let mask = u32::from(text.parse::<std::net::Ipv4Addr>().ok()?);
    let ones = mask.leading_ones();
    (ones + mask.trailing_zeros() == 32 || mask == u32::MAX || mask == 0).then_some(ones as u8)
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.prefix)
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> String {
        cidr.to_string()
    }
}

impl TryFrom<String> for Cidr {
    type Error = String;
    fn try_from(text: String) -> Result<Cidr, String> {
        Cidr::parse(&text).ok_or_else(|| format!("{text:?} is no address with a prefix length"))
    }
}

/// An Ethernet address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mac(pub [u8; 6]);

impl FromStr for Mac {
    type Err = String;
    /// Reads six octets with colons or dashes.
    fn from_str(text: &str) -> Result<Mac, String> {
        let wrong = || format!("{text:?} is no MAC address");
        let mut octets = [0u8; 6];
        let mut parts = text.trim().split([':', '-']);
        for octet in &mut octets {
            let part = parts.next().ok_or_else(wrong)?;
            if part.is_empty() || part.len() > 2 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(wrong());
            }
            *octet = u8::from_str_radix(part, 16).map_err(|_| wrong())?;
        }
        if parts.next().is_some() {
            Err(wrong())
        } else {
            Ok(Mac(octets))
        }
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> String {
        mac.to_string()
    }
}

impl TryFrom<String> for Mac {
    type Error = String;
    fn try_from(text: String) -> Result<Mac, String> {
        text.parse()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_netmasks() {
        for (text, want) in [
            ("24", Some(24)),
            ("255.255.255.0", Some(24)),
            ("255.255.255.255", Some(32)),
            ("0.0.0.0", Some(0)),
            ("128.0.0.0", Some(1)),
            ("255.0.255.0", None),
            ("129", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(prefix_length(text), want, "{text}");
        }
        assert_eq!(Cidr::parse("10.0.0.1/33"), None);
        assert_eq!(Cidr::parse("fe80::1").unwrap().to_string(), "fe80::1/128");
        assert_eq!(
            Cidr::parse("10.1.2.3/255.255.0.0").unwrap().to_string(),
            "10.1.2.3/16"
        );
    }

    #[test]
    fn mac_addresses() {
        assert_eq!(
            "52:54:00:AB:cd:0".parse::<Mac>().unwrap().to_string(),
            "52:54:00:ab:cd:00"
        );
        for bad in [
            "",
            "52:54:00:ab:cd",
            "52:54:00:ab:cd:ef:01",
            "52:54:00:ab:cd:+f",
            "gg:54:00:ab:cd:ef",
        ] {
            assert!(bad.parse::<Mac>().is_err(), "{bad}");
        }
    }
}
