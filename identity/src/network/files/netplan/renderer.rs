// SPDX-License-Identifier: MIT OR Apache-2.0
//! The program that carries netplan's configuration out.

use crate::text::yaml::Node;

/// What carries the configuration out. It decides what is not said: by what a
/// DHCP server knows the machine, and whether a bridge has spanning tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Renderer {
    #[default]
    Networkd,
    NetworkManager,
}

impl Renderer {
    /// The renderer that a section names.
    pub(super) fn of(node: &Node) -> Option<Renderer> {
        match node.get("renderer")?.text()? {
            "NetworkManager" => Some(Renderer::NetworkManager),
            _ => Some(Renderer::Networkd),
        }
    }
}
