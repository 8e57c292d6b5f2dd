// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages and attributes of rtnetlink. Numbers are those of linux/netlink.h,
//! if_link.h, if_addr.h and rtnetlink.h; all fields have the host's byte order.

use super::{Address, Link, Route};
use crate::network::address::{Cidr, Mac};
use crate::network::bond::{CHOICES, add, settle};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One message of a datagram.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event<'a> {
    /// An answer.
    Message {
        /// RTM_*.
        kind: u16,
        /// What follows the header.
        body: &'a [u8],
        /// NLM_F_DUMP_INTR: the list changed while it was read.
        interrupted: bool,
    },
    /// The dump's end.
    Done,
    /// The kernel refuses, with an errno.
    Failed(i32),
    /// A length does not fit, at this offset.
    Damaged(usize),
}

/// The messages of a datagram; after a damaged one there is no further.
pub(super) fn messages(bytes: &[u8]) -> impl Iterator<Item = Event<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|r| !r.is_empty())?;
        let start = at;
        at = bytes.len();
        let length = u32_at(rest, 0).map_or(0, |l| l as usize);
        let (Some(kind), Some(flags), Some(body)) =
            (u16_at(rest, 4), u16_at(rest, 6), rest.get(16..length))
        else {
            return Some(Event::Damaged(start));
        };
        at = start.saturating_add(length.next_multiple_of(4));
        Some(match kind {
            2 => Event::Failed(u32_at(body, 0).map_or(5, |e| (e as i32).wrapping_neg())),
            3 => Event::Done,
            _ => Event::Message {
                kind,
                body,
                interrupted: flags & 0x10 != 0,
            },
        })
    })
}

/// The attributes of a message from offset `from` on; ends at the first one
/// that does not fit.
fn attributes(bytes: &[u8], from: usize) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes.get(from..).unwrap_or_default();
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(rest, 0)?);
        // The two top bits say "nested" and "network byte order".
        let kind = u16_at(rest, 2)? & 0x3fff;
        let value = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// RTM_NEWLINK.
pub(super) fn link(body: &[u8], links: &mut Vec<Link>) {
    let (Some(hardware), Some(index), Some(flags)) =
        (u16_at(body, 2), u32_at(body, 4), u32_at(body, 8))
    else {
        return;
    };
    let mut link = Link {
        index,
        ethernet: hardware == 1,
        up: flags & 1 != 0,
        ..Link::default()
    };
    for (kind, value) in attributes(body, 16) {
        match kind {
            1 => link.mac = mac(value),
            3 => link.name = text(value),
            4 => link.mtu = u32_at(value, 0).unwrap_or(0),
            5 => link.parent = u32_at(value, 0),
            10 => link.master = u32_at(value, 0),
            18 => link_info(value, &mut link),
            54 => link.permanent_mac = mac(value),
            _ => {}
        }
    }
    if !link.name.is_empty() {
        links.push(link);
    }
}

/// IFLA_LINKINFO: kind first, then that kind's data.
fn link_info(bytes: &[u8], link: &mut Link) {
    let mut port_of = String::new();
    for (kind, value) in attributes(bytes, 0) {
        match kind {
            1 => link.kind = Some(text(value)),
            2 => link_data(value, link),
            4 => port_of = text(value),
            5 if port_of == "bond" => {
                for (kind, value) in attributes(value, 0) {
                    if kind == 4 {
                        link.permanent_mac = mac(value);
                    }
                }
            }
            _ => {}
        }
    }
}

fn link_data(bytes: &[u8], link: &mut Link) {
    let driver = link.kind.clone().unwrap_or_default();
    for (kind, value) in attributes(bytes, 0) {
        match (driver.as_str(), kind) {
            ("vlan", 1) => link.vlan = u16_at(value, 0),
            ("bridge", 5) => link.stp = u32_at(value, 0).is_some_and(|v| v != 0),
            // The driver's own values are bytes and words under one number.
            ("bond", 1) => bond(link, "mode", number(value)),
            ("bond", 3) => bond(link, "miimon", number(value)),
            ("bond", 8 | 31) => {
                let all: Vec<String> = attributes(value, 0)
                    .filter_map(|(_, v)| ip(if kind == 8 { 2 } else { 10 }, v))
                    .map(|ip| ip.to_string())
                    .collect();
                let name = if kind == 8 {
                    "arp_ip_target"
                } else {
                    "ns_ip6_target"
                };
                if !all.is_empty() {
                    link.bond.insert(name.to_owned(), all.join(","));
                }
            }
            ("bond", kind) => {
                let set = number(value);
                let mut all = CHOICES.iter();
                let found = all.find_map(|c| Some((c, c.attribute?)).filter(|c| c.1.0 == kind));
                if let Some((choice, (_, default))) = found
                    && set != Some(default)
                {
                    bond(link, choice.name, set);
                }
            }
            _ => {}
        }
    }
    // The kernel tells what other modes would have, too.
    settle(&mut link.bond);
}

fn bond(link: &mut Link, name: &str, value: Option<u32>) {
    if let Some(value) = value {
        // A value that is newer than the table is left to the driver's default.
        let _ = add(&mut link.bond, name, &value.to_string());
    }
}

/// A number of one, two or four bytes.
fn number(value: &[u8]) -> Option<u32> {
    match value.len() {
        1 => value.first().copied().map(u32::from),
        2 => u16_at(value, 0).map(u32::from),
        _ => u32_at(value, 0),
    }
}

/// RTM_NEWADDR.
pub(super) fn address(body: &[u8], addresses: &mut Vec<Address>) {
    let [family, prefix, flags, scope, ..] = *body else {
        return;
    };
    let Some(link) = u32_at(body, 4) else { return };
    let (mut local, mut other, mut flags, mut valid) = (None, None, u32::from(flags), None);
    for (kind, value) in attributes(body, 8) {
        match kind {
            1 => other = ip(family, value),
            2 => local = ip(family, value),
            6 => valid = u32_at(value, 4),
            // All 32 bits of the flags, since Linux 3.14.
            8 => flags = u32_at(value, 0).unwrap_or(flags),
            _ => {}
        }
    }
    // Point-to-point links have their peer as the other one.
    let Some(address) = local.or(other).and_then(|ip| Cidr::new(ip, prefix)) else {
        return;
    };
    let valid = valid.filter(|v| *v != u32::MAX);
    addresses.push(Address {
        link,
        address,
        // IFA_F_PERMANENT; IFA_F_TEMPORARY is IPv6's privacy address.
        permanent: flags & 0x80 != 0 && valid.is_none(),
        // RT_SCOPE_LINK is 253, RT_SCOPE_HOST 254.
        global: scope < 253,
        valid,
    });
}

/// RTM_NEWROUTE; others than unicast ones are left out.
pub(super) fn route(body: &[u8], routes: &mut Vec<Route>) {
    let [family, length, _, _, table, protocol, _, kind, ..] = *body else {
        return;
    };
    // RTN_UNICAST; RTM_F_CLONED is an entry of the route cache.
    let Some(flags) = u32_at(body, 8).filter(|f| kind == 1 && f & 0x200 == 0) else {
        return;
    };
    // RTNH_F_ONLINK
    let mut on_link = flags & 4 != 0;
    let Some(mut to) = (match family {
        2 => Some(Cidr::default_of(false)),
        10 => Some(Cidr::default_of(true)),
        _ => None,
    }) else {
        return;
    };
    // RTA_VIA has a next hop of the other family.
    let other = |value: &[u8]| u16_at(value, 0).and_then(|f| ip(f as u8, value.get(2..)?));
    let (mut link, mut via, mut metric, mut table, mut multipath, mut source) =
        (None, None, 0, u32::from(table), false, None);
    for (kind, value) in attributes(body, 12) {
        match kind {
            1 => to.ip = ip(family, value).unwrap_or(to.ip),
            4 => link = u32_at(value, 0),
            5 => via = ip(family, value),
            6 => metric = u32_at(value, 0).unwrap_or(0),
            7 => source = ip(family, value),
            9 => {
                // rtnexthop: length, flags, hops, link, attributes.
                let first = usize::from(u16_at(value, 0).unwrap_or(0));
                multipath = value.len() > first.next_multiple_of(4);
                link = u32_at(value, 4);
                for (kind, value) in attributes(value.get(..first).unwrap_or_default(), 8) {
                    match kind {
                        5 => via = ip(family, value),
                        18 => via = other(value),
                        _ => {}
                    }
                }
                on_link |= value.get(2).is_some_and(|flags| flags & 4 != 0);
            }
            15 => table = u32_at(value, 0).unwrap_or(table),
            18 => via = other(value),
            _ => {}
        }
    }
    let Some(to) = Cidr::new(to.ip, length) else {
        return;
    };
    routes.push(Route {
        link,
        to,
        via,
        metric,
        protocol,
        table,
        multipath,
        on_link,
        source,
    });
}

/// RTM_NEWROUTE of a route that somebody set and that leads nowhere: where to.
pub(super) fn refusal(body: &[u8]) -> Option<Cidr> {
    let [family, length, _, _, _, protocol, _, kind, ..] = *body else {
        return None;
    };
    // RTPROT_BOOT, RTPROT_STATIC; RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT.
    if !(3..=4).contains(&protocol) || !(6..=8).contains(&kind) {
        return None;
    }
    let ip = match attributes(body, 12).find(|(kind, _)| *kind == 1) {
        Some((_, value)) => ip(family, value)?,
        None => Cidr::default_of(family == 10).ip,
    };
    Cidr::new(ip, length)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(
        bytes.get(at..)?.first_chunk::<2>().copied()?,
    ))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(
        bytes.get(at..)?.first_chunk::<4>().copied()?,
    ))
}

/// AF_INET is 2, AF_INET6 is 10.
fn ip(family: u8, value: &[u8]) -> Option<IpAddr> {
    match family {
        2 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(value).ok()?).into()),
        10 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(value).ok()?).into()),
        _ => None,
    }
}

fn mac(value: &[u8]) -> Option<Mac> {
    let mac = <[u8; 6]>::try_from(value).ok()?;
    (mac != [0; 6]).then_some(Mac(mac))
}

fn text(value: &[u8]) -> String {
    let end = value.iter().position(|b| *b == 0).unwrap_or(value.len());
    String::from_utf8_lossy(value.get(..end).unwrap_or_default()).into_owned()
}
