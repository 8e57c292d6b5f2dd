// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which network card a definition is for.

use super::definition::Reader;
use crate::network::model::Interface;
use crate::text::yaml::{Data, Node};

impl Reader<'_> {
    /// Which network card it is: its name or MAC address, or patterns of names.
    pub(super) fn matched(&mut self, node: &Node, i: &mut Interface) -> Option<Vec<String>> {
        let new = node.get("set-name").and_then(Node::text);
        let Some(by) = node.get("match") else {
            return Some(Vec::new());
        };
        i.name = new.unwrap_or_default().to_owned();
        let mac = by.get("macaddress").and_then(Node::text);
        i.mac = mac.and_then(|m| m.parse().ok());
        let mut patterns = Vec::new();
        match by.get("name").map(|n| &n.data) {
            Some(Data::Text(name)) => patterns.push(name.clone()),
            Some(Data::List(names)) => {
                patterns.extend(names.iter().filter_map(Node::text).map(str::to_owned));
            }
            _ => {}
        }
        let known = !i.name.is_empty() || i.mac.is_some();
        match patterns.as_slice() {
            [one] if !one.contains(['*', '?', '[']) && new.is_none() => {
                i.name.clone_from(one);
                patterns.clear();
            }
            // The card's name after the start is the new one.
            _ if known => patterns.clear(),
            [] if by.pairs().is_empty() => patterns.push("*".to_owned()),
            _ => {}
        }
        let found = !i.name.is_empty() || i.mac.is_some() || !patterns.is_empty();
        for (name, value) in by.pairs() {
            let read = match (name.as_str(), &value.data) {
                ("name", data) => matches!(data, Data::Text(_) | Data::List(_)),
                ("macaddress", _) => i.mac.is_some(),
                _ => false,
            };
            if read {
                continue;
            }
            let no_mac = match name.as_str() {
                "macaddress" => "is no MAC address and ",
                _ => "",
            };
            let why = match found {
                true => "is left out of what tells the card",
                false => "alone tells the card, and the definition is not carried over",
            };
            self.warnings.push(format!(
                "{}: {} of {} {no_mac}{why}",
                value.at,
                value.shown_as(name),
                self.id
            ));
        }
        found.then_some(patterns)
    }
}
