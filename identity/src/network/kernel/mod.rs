// SPDX-License-Identifier: MIT OR Apache-2.0
//! The network as the running kernel has it, by rtnetlink. Works on Linux 3.10
//! and later; attributes that an older kernel lacks are simply missing.

mod parse;
mod socket;
#[cfg(test)]
mod tests;

use crate::error::Result;
use crate::network::address::{Cidr, Mac};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Links, addresses and routes of the running kernel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KernelNetwork {
    /// All links, loopback and virtual ones included.
    pub links: Vec<Link>,
    /// All addresses.
    pub addresses: Vec<Address>,
    /// Unicast routes of all tables.
    pub routes: Vec<Route>,
    /// Networks that a route somebody set refuses (blackhole, unreachable,
    /// prohibit).
    pub refused: Vec<Cidr>,
}

/// A network link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number for it.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// ARPHRD_ETHER: it has an Ethernet address.
    pub ethernet: bool,
    /// Administratively up.
    pub up: bool,
    /// The MAC address in use.
    pub mac: Option<Mac>,
    /// The hardware's own one, where the kernel tells (Linux 5.6; for ports of
    /// a bond since 3.14).
    pub permanent_mac: Option<Mac>,
    /// Maximum transmission unit in bytes.
    pub mtu: u32,
    /// The driver's kind ("bond", "vlan", "veth"); none for hardware.
    pub kind: Option<String>,
    /// Number of the bond or bridge that it is a port of.
    pub master: Option<u32>,
    /// Number of the link below (VLANs).
    pub parent: Option<u32>,
    /// Tag of a VLAN.
    pub vlan: Option<u16>,
    /// Options of a bond, under the bonding driver's names.
    pub bond: BTreeMap<String, String>,
    /// Spanning tree protocol of a bridge.
    pub stp: bool,
}

/// An address of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The link's number.
    pub link: u32,
    /// Address and prefix length.
    pub address: Cidr,
    /// Has no lifetime: not from DHCP or a router advertisement.
    pub permanent: bool,
    /// Reaches beyond the link (scope global or site).
    pub global: bool,
    /// Remaining valid lifetime in seconds; none for ever.
    pub valid: Option<u32>,
}

/// A route that leads somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The link's number.
    pub link: Option<u32>,
    /// Where to.
    pub to: Cidr,
    /// Next hop.
    pub via: Option<IpAddr>,
    /// Metric, 0 if none.
    pub metric: u32,
    /// Who made it (RTPROT_*).
    pub protocol: u8,
    /// Table, 254 is the main one.
    pub table: u32,
    /// It has further next hops, which are not here.
    pub multipath: bool,
    /// The next hop is on the link, whatever the addresses' prefixes say.
    pub on_link: bool,
    /// The address that packets come from, where the route says so.
    pub source: Option<IpAddr>,
}

impl KernelNetwork {
    /// Asks the running kernel (of this process' network namespace).
    pub fn read() -> Result<KernelNetwork> {
        let mut network = KernelNetwork::default();
        socket::dump(socket::GETLINK, "links", |b| {
            parse::link(b, &mut network.links)
        })?;
        network.name_ports();
        socket::dump(socket::GETADDR, "addresses", |b| {
            parse::address(b, &mut network.addresses)
        })?;
        socket::dump(socket::GETROUTE, "routes", |b| {
            parse::route(b, &mut network.routes);
            network.refused.extend(parse::refusal(b));
        })?;
        Ok(network)
    }

    /// A bond's preferred port goes by number here, and by name elsewhere.
    fn name_ports(&mut self) {
        let names: BTreeMap<String, String> = self
            .links
            .iter()
            .map(|l| (l.index.to_string(), l.name.clone()))
            .collect();
        for link in &mut self.links {
            if let Some(primary) = link.bond.get_mut("primary")
                && let Some(name) = names.get(primary)
            {
                primary.clone_from(name);
            }
        }
    }

    /// The link with a number.
    pub fn link(&self, index: u32) -> Option<&Link> {
        self.links.iter().find(|l| l.index == index)
    }

    /// The link with a name.
    pub fn named(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|l| l.name == name)
    }
}
