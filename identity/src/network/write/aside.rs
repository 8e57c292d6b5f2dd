// SPDX-License-Identifier: MIT OR Apache-2.0
//! Moves the payload's own network configuration aside: for the same card, a DHCP
//! profile of the image would win, or get a second address.

use super::ifupdown::INTERFACES;
use super::{File, Network};
use crate::error::Result;
use crate::report::Report;
use crate::text::{HEADER, ini::Ini};
use rootdir::{Attributes, RootDir};

/// Where it is kept, in case somebody needs it.
const ASIDE: &str = "var/lib/replant/payload";

/// Moves what stands in the way.
pub(super) fn put_aside(
    root: &RootDir,
    network: &Network,
    written: &[File],
    report: &mut Report,
) -> Result<()> {
    let mut paths = Vec::new();
    let named = |name: &str| network.interfaces.iter().any(|i| i.name == name);
    for dir in [
        "etc/NetworkManager/system-connections",
        "etc/sysconfig/network-scripts",
    ] {
        for name in root.list(dir)? {
            let path = format!("{dir}/{name}");
            let text = root.text(&path)?.unwrap_or_default();
            let goes = if dir.ends_with("scripts") {
                // Scripts (ifup, init.ipv6-global) stay.
                ["ifcfg-", "route-", "route6-", "rule-", "rule6-"]
                    .iter()
                    .any(|p| name.strip_prefix(p).is_some_and(|rest| rest != "lo"))
            } else {
                let ini = Ini::parse(&text);
                let get = |k: &str| ini.get("connection", k).unwrap_or_default();
                // VPNs, wireless networks and the product's own bridges stay.
                ["ethernet", "802-3-ethernet", "bond", "team", "vlan"].contains(&get("type"))
                    || named(get("interface-name"))
            };
            if goes {
                paths.push(path);
            }
        }
    }
    for name in root.list("etc/netplan")? {
        if name.ends_with(".yaml") {
            paths.push(format!("etc/netplan/{name}"));
        }
    }
    for name in root.list("etc/systemd/network")? {
        let path = format!("etc/systemd/network/{name}");
        let ini = Ini::parse(&root.text(&path)?.unwrap_or_default());
        let goes = match name.rsplit_once('.').map(|(_, suffix)| suffix) {
            // It names a card that this machine does not have.
            Some("link") => ini.all("Match", "MACAddress").next().is_some(),
            Some("network") => {
                let kept = ini.get("Match", "Name").is_some_and(|n| {
                    ["lo", "br-", "virbr", "docker", "wg", "tun", "tap", "veth"]
                        .iter()
                        .any(|p| n.starts_with(p))
                });
                !kept
            }
            Some("netdev") => named(ini.get("NetDev", "Name").unwrap_or_default()),
            _ => false,
        };
        if goes {
            paths.push(path);
        }
    }
    for name in root.list("etc/network/interfaces.d")? {
        let path = format!("etc/network/interfaces.d/{name}");
        let text = root.text(&path)?.unwrap_or_default();
        if has_interfaces(&text) {
            paths.push(path);
        }
    }
    paths.push("etc/udev/rules.d/70-persistent-net.rules".into());
    for path in paths {
        let Some(bytes) = root.read(&path)? else {
            continue;
        };
        let own = bytes.starts_with(HEADER.as_bytes());
        if !own {
            keep(root, &path, &bytes, report)?;
        }
        // Those of an earlier run stay, or are replaced.
        if !own || !written.iter().any(|f| f.path == path) {
            root.remove(&path)?;
        }
    }
    if let Some(bytes) = root.read(INTERFACES)?
        && !bytes.starts_with(HEADER.as_bytes())
        && has_interfaces(&String::from_utf8_lossy(&bytes))
    {
        keep(root, INTERFACES, &bytes, report)?;
        if !written.iter().any(|f| f.path == INTERFACES) {
            // Another program manages the network now, so only loopback stays
            // here.
            let text = format!("{HEADER}auto lo\niface lo inet loopback\n");
            root.write(INTERFACES, text.as_bytes(), Attributes::root(0o644))?;
        }
    }
    Ok(())
}

/// Whether it is a file of ifupdown with more than loopback.
fn has_interfaces(text: &str) -> bool {
    text.lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some("iface") && words.next() != Some("lo")
    })
}

fn keep(root: &RootDir, path: &str, bytes: &[u8], report: &mut Report) -> Result<()> {
    let attributes = root.attributes(path)?.unwrap_or(Attributes::root(0o600));
    root.write(&format!("{ASIDE}/{path}"), bytes, attributes)?;
    report.done(format!("{path} of the payload moved to /{ASIDE}"));
    Ok(())
}
