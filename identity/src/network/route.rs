// SPDX-License-Identifier: MIT OR Apache-2.0
//! Static routes, and the rules that choose a table of routes.

use super::address::Cidr;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A static route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The destination.
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
    /// The number of the routing table; none for the main one. While files are
    /// read it may be a name of /etc/iproute2/rt_tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// What is done with the packets.
    #[serde(default, skip_serializing_if = "RouteKind::is_plain")]
    pub kind: RouteKind,
}

/// What is done with the packets of a route.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RouteKind {
    /// They are forwarded.
    #[default]
    Unicast,
    /// They are dropped silently.
    Blackhole,
    /// The sender gets "unreachable".
    Unreachable,
    /// The sender gets "prohibited".
    Prohibit,
    /// The next rule's table decides.
    Throw,
}

impl RouteKind {
    /// The kind of a name that iproute2, systemd, netplan and NetworkManager use.
    pub fn named(text: &str) -> Option<RouteKind> {
        Some(match text {
            "unicast" => RouteKind::Unicast,
            "blackhole" => RouteKind::Blackhole,
            "unreachable" => RouteKind::Unreachable,
            "prohibit" => RouteKind::Prohibit,
            "throw" => RouteKind::Throw,
            _ => return None,
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            RouteKind::Unicast => "unicast",
            RouteKind::Blackhole => "blackhole",
            RouteKind::Unreachable => "unreachable",
            RouteKind::Prohibit => "prohibit",
            RouteKind::Throw => "throw",
        }
    }

    /// Whether packets are forwarded by this route.
    pub fn is_plain(&self) -> bool {
        *self == RouteKind::Unicast
    }
}

impl Route {
    /// A route with a next hop, or on the link, and no other attributes.
    pub fn new(to: Cidr, via: Option<IpAddr>) -> Route {
        Route {
            to,
            via,
            metric: None,
            on_link: false,
            source: None,
            table: None,
            kind: RouteKind::Unicast,
        }
    }
}

/// Which packets go by which routing table (`ip rule`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rule {
    /// Its place among the rules, smaller first; none leaves it to the kernel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// Of packets from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Cidr>,
    /// Of packets to there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Cidr>,
    /// Of packets with this mark, and a mask after a slash if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// Of packets that came in by this interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incoming: Option<String>,
    /// Of packets of sockets that are bound to this interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outgoing: Option<String>,
    /// Of packets with this type of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos: Option<u8>,
    /// Of all packets but those.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub inverted: bool,
    /// The number of the table, as in [`Route::table`]; none is the main one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
}

impl Rule {
    /// The arguments of `ip rule add`.
    pub fn words(&self) -> String {
        let mut words = Vec::new();
        if self.inverted {
            words.push("not".to_owned());
        }
        words.extend(self.priority.map(|p| format!("priority {p}")));
        words.extend(self.from.map(|n| format!("from {n}")));
        words.extend(self.to.map(|n| format!("to {n}")));
        let text = |key: &str, value: &Option<String>| value.as_ref().map(|v| format!("{key} {v}"));
        words.extend(text("fwmark", &self.mark));
        words.extend(text("iif", &self.incoming));
        words.extend(text("oif", &self.outgoing));
        words.extend(self.tos.map(|t| format!("tos {t:#x}")));
        words.push(format!("table {}", self.table.as_deref().unwrap_or("254")));
        words.join(" ")
    }
}
