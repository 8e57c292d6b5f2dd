// SPDX-License-Identifier: MIT OR Apache-2.0
//! Routes of the running kernel: those that no file has are carried over, or a
//! warning names them.

use crate::network::address::Cidr;
use crate::network::kernel::{self, KernelNetwork};
use crate::network::model::{Interface, Network, Route};
use crate::report::Report;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The main routing table, and the kernel's own one.
const MAIN: u32 = 254;
const LOCAL: u32 = 255;
/// RTPROT_BOOT and RTPROT_STATIC: routes set by a person or a script.
const SET_BY_SOMEBODY: [u8; 2] = [3, 4];
/// RTPROT_REDIRECT, RTPROT_KERNEL, RTPROT_RA, RTPROT_DHCP: routes that come back
/// without configuration.
const BY_ITSELF: [u8; 4] = [1, 2, 9, 16];
const ADVERTISED: u8 = 9;

/// Whether a router advertises itself on the link.
pub(super) fn is_advertised(link: &kernel::Link, running: &KernelNetwork) -> bool {
    let own = |r: &&kernel::Route| r.link == Some(link.index) && r.to.prefix == 0;
    let mut all = running.routes.iter().filter(own);
    all.any(|r| r.protocol == ADVERTISED && r.to.ip.is_ipv6())
}

/// The routes that somebody set for a link in the main table.
pub(super) fn of(link: &kernel::Link, running: &KernelNetwork, report: &mut Report) -> Vec<Route> {
    let own = |r: &&kernel::Route| {
        r.link == Some(link.index) && r.table == MAIN && SET_BY_SOMEBODY.contains(&r.protocol)
    };
    let mut routes = Vec::new();
    for r in running.routes.iter().filter(own) {
        if r.multipath {
            report.warn(format!(
                "{}: of the several next hops to {} only the first is carried over",
                link.name, r.to
            ));
        }
        // The kernel's own number for IPv6 routes without one.
        let unset = r.metric == 0 || r.to.ip.is_ipv6() && r.metric == 1024;
        routes.push(Route {
            metric: (!unset).then_some(r.metric),
            on_link: r.on_link,
            source: r.source,
            ..Route::new(r.to, r.via)
        });
    }
    routes
}

/// Adds routes that the interface's files lack.
pub(super) fn carry(
    i: &mut Interface,
    link: &kernel::Link,
    running: &KernelNetwork,
    source: &str,
    report: &mut Report,
) {
    // A port's routes are those of its master.
    if i.master.is_some() {
        return;
    }
    let name = link.name.clone();
    let kernel = of(link, running, report);
    for route in &kernel {
        let to = route.to;
        let hop = route.via.map(|v| format!(" by {v}")).unwrap_or_default();
        let default = to.prefix == 0;
        let family = if to.ip.is_ipv6() { &i.v6 } else { &i.v4 };
        let of_files = of_files(i, to);
        if of_files.contains(&route.via) || is_implied(i, route, &kernel) {
            continue;
        }
        // The kernel's next hop differs from the file's; if the kernel has that
        // one, too, this is a further one.
        let has = |via: &Option<IpAddr>| kernel.iter().any(|k| k.to == to && k.via == *via);
        if let Some(file) = of_files.iter().find(|via| !has(via)) {
            let file = file.map_or_else(|| "none".to_owned(), |f| f.to_string());
            let what = match (default, route.via) {
                (true, Some(via)) => format!("the gateway {file}, the running system {via}"),
                _ => format!("the next hop {file} to {to}, the running system{hop}"),
            };
            report.warn(format!(
                "{name}: {source} has {what}; the file's is carried over"
            ));
            continue;
        }
        if default && family.never_default {
            report.warn(format!(
                "{name}: {source} wants no default route there, but the running system has one{hop}; it is not carried over"
            ));
            continue;
        }
        if !add(i, route.clone(), running, link.index) {
            if !default {
                report.warn(format!(
                    "{name}: the running system has a route to {to}{hop}, but {source} does not; if it does not come by DHCP, set it in the new system"
                ));
            }
            continue;
        }
        report.warn(format!(
            "{name}: no configuration file names the route to {to}{hop}; it is taken from the running system"
        ));
    }
}

/// The next hops to a network that the files of an interface have.
fn of_files(i: &Interface, to: Cidr) -> Vec<Option<IpAddr>> {
    let family = if to.ip.is_ipv6() { &i.v6 } else { &i.v4 };
    let gateway = family.gateway.filter(|_| to.prefix == 0);
    let routes = family.routes.iter();
    let routes = routes.filter(|r| r.to == to && r.table.is_none());
    gateway
        .map(Some)
        .into_iter()
        .chain(routes.map(|r| r.via))
        .collect()
}

/// Whether this is a host route on the link to another route's next hop: network
/// managers add one for a gateway outside of the prefixes.
fn is_implied(i: &Interface, route: &Route, kernel: &[Route]) -> bool {
    let gateways = i.families().into_iter().filter_map(|f| f.gateway);
    let routes = i.families().into_iter().flat_map(|f| &f.routes);
    let mut hops = gateways.chain(routes.chain(kernel).filter_map(|r| r.via));
    route.via.is_none() && route.to.is_host() && hops.any(|hop| hop == route.to.ip)
}

/// Adds a route of the kernel, unless it may come from DHCP and will again. The
/// kernel does not mark routes that a DHCP client has set by `ip`.
pub(super) fn add(i: &mut Interface, route: Route, running: &KernelNetwork, link: u32) -> bool {
    let v6 = route.to.ip.is_ipv6();
    let family = if v6 { &i.v6 } else { &i.v4 };
    // Router advertisements have a protocol of their own, and DHCPv6 no routes.
    if !v6 && family.methods.dhcp {
        let near = |address: &Cidr| route.via.is_some_and(|via| address.contains(via));
        let of_link = running.addresses.iter().filter(|a| a.link == link);
        let mut leased = of_link
            .filter(|a| !a.permanent && a.address.ip.is_ipv4())
            .peekable();
        let certain = leased.peek().is_some() && !leased.any(|a| near(&a.address));
        if !certain || !family.addresses.iter().any(near) {
            return false;
        }
    }
    i.add_route(route);
    true
}

/// Whether files have a route of another table than the main one.
fn of_a_table(route: &kernel::Route, network: &Network) -> bool {
    let families = network.interfaces.iter().flat_map(|i| i.families());
    let table = route.table.to_string();
    families
        .flat_map(|f| &f.routes)
        .any(|r| r.to == route.to && r.table.as_deref() == Some(&table))
}

/// Warns of routes that belong to none of the interfaces that are carried over.
pub(super) fn others(running: &KernelNetwork, network: &Network, report: &mut Report) {
    let mut tables: BTreeMap<u32, usize> = BTreeMap::new();
    let mut programs: BTreeMap<u8, usize> = BTreeMap::new();
    for route in &running.routes {
        let link = route.link.and_then(|l| running.link(l));
        let name = link.map_or("?", |l| l.name.as_str());
        let carried = network.interfaces.iter().any(|i| i.name == name);
        if BY_ITSELF.contains(&route.protocol) || route.table == LOCAL {
            continue;
        }
        if route.table != MAIN {
            if of_a_table(route, network) {
                continue;
            }
            *tables.entry(route.table).or_default() += 1;
        } else if !SET_BY_SOMEBODY.contains(&route.protocol) {
            *programs.entry(route.protocol).or_default() += 1;
        } else if !carried {
            report.warn(format!(
                "the route to {} over {name} is not carried over, for {name} itself is not",
                route.to
            ));
        }
    }
    for (table, count) in tables {
        report.warn(format!(
            "routing table {table} of the running system is not carried over: {count} routes"
        ));
    }
    for (protocol, count) in programs {
        report.warn(format!(
            "routes that a program has set (protocol {protocol}) are not carried over: {count}; set that program up in the new system"
        ));
    }
    let all = || network.interfaces.iter().flat_map(|i| i.families());
    let of_files = |to: &Cidr| {
        let mut routes = all().flat_map(|f| &f.routes);
        routes.any(|r| r.to == *to && !r.kind.is_plain())
    };
    for to in running.refused.iter().filter(|to| !of_files(to)) {
        report.warn(format!(
            "that the running system refuses what goes to {to} is not carried over"
        ));
    }
}
