// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parameters of bonds and bridges.

use super::renderer::Renderer;
use crate::network::bond::{self, Value};
use crate::network::model::Kind;
use crate::text::{
    is_yes,
    yaml::{Data, Node},
};
use std::collections::BTreeMap;

/// Names that differ from the driver's by more than dashes for underscores.
const NAMES: [(&str, &str); 13] = [
    ("mii-monitor-interval", "miimon"),
    ("transmit-hash-policy", "xmit_hash_policy"),
    ("all-slaves-active", "all_slaves_active"),
    ("all-members-active", "all_slaves_active"),
    ("arp-ip-targets", "arp_ip_target"),
    ("up-delay", "updelay"),
    ("down-delay", "downdelay"),
    ("fail-over-mac-policy", "fail_over_mac"),
    ("gratuitous-arp", "num_grat_arp"),
    ("gratuitious-arp", "num_grat_arp"),
    ("packets-per-member", "packets_per_slave"),
    ("primary-reselect-policy", "primary_reselect"),
    ("learn-packet-interval", "lp_interval"),
];

/// A bond with the parameters of a definition.
pub(super) fn bond(node: &Node, warnings: &mut Vec<String>) -> Kind {
    let mut options = BTreeMap::new();
    let mut say = |at: &str, why: String| {
        warnings.push(format!("{at}: {why}; it is not carried over"));
    };
    for (name, value) in node.get("parameters").map_or(&[][..], Node::pairs) {
        let own = NAMES.iter().find(|(n, _)| n == name).map(|(_, own)| *own);
        let own = own.map_or_else(|| name.replace('-', "_"), str::to_owned);
        let text = match value.text() {
            Some(text) => text.to_owned(),
            None => {
                let items = value.items().iter().filter_map(Node::text);
                items.collect::<Vec<_>>().join(",")
            }
        };
        let text = match bond::find(&own).map(|c| c.value) {
            // The time may have a unit; without one it is in the option's own.
            Some(Value::Milliseconds) => time(&text, 1).unwrap_or(text),
            Some(Value::Seconds) => time(&text, 1000).unwrap_or(text),
            _ => text,
        };
        if let Err(why) = bond::add(&mut options, &own, &text) {
            say(&value.at, why);
        }
    }
    for why in bond::settle(&mut options) {
        say(&node.at, why);
    }
    Kind::Bond { options }
}

/// Converts a time to a number of the option's unit, which is this many
/// milliseconds long.
fn time(text: &str, unit: u32) -> Option<String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u32 = digits.trim().parse().ok()?;
    let given = match text.get(digits.len()..)? {
        "" => unit,
        "ms" => 1,
        "s" => 1000,
        _ => return None,
    };
    Some((number.checked_mul(given)? / unit).to_string())
}

/// A bridge with the parameters of a definition.
pub(super) fn bridge(node: &Node, renderer: Renderer, warnings: &mut Vec<String>) -> Kind {
    let parameters = node.get("parameters").filter(|p| p.data != Data::Null);
    // netplan's default is one of the parameters. Without any it writes nothing
    // of them, and the renderer's default counts: networkd leaves it to the
    // kernel, which begins without spanning tree.
    let mut stp = parameters.is_some() || renderer == Renderer::NetworkManager;
    for (name, value) in parameters.map_or(&[][..], Node::pairs) {
        match name.as_str() {
            "stp" => stp = value.text().is_some_and(is_yes),
            // Only a waiting time.
            "forward-delay" => {}
            _ => warnings.push(format!(
                "{}: {} of the bridge is not understood and is not carried over",
                value.at,
                value.shown_as(name)
            )),
        }
    }
    Kind::Bridge { stp }
}
