// SPDX-License-Identifier: MIT OR Apache-2.0
//! Teams (teamd.conf(5)), which become bonds: newer systems have no teamd.

use crate::network::bond;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The bonding options that do what a team did, by its JSON.
pub(super) fn options(
    json: &str,
    source: &str,
    warnings: &mut Vec<String>,
) -> BTreeMap<String, String> {
    // Quotes may be escaped once more, as shells want it.
    let json = json.replace('\\', "");
    let runner = json.find("\"runner\"").and_then(|at| json.get(at..));
    let name = runner.and_then(|r| field(r, "name"));
    let mut options = by_runner(name.unwrap_or_default());
    let mut put = |option: &str, value: Option<&str>| {
        if let Some(value) = value {
            options.insert(option.to_owned(), value.to_owned());
        }
    };
    if name == Some("lacp") {
        put(
            "lacp_rate",
            field(&json, "fast_rate")
                .filter(|v| *v == "true")
                .map(|_| "fast"),
        );
        put("min_links", field(&json, "min_ports"));
        put("ad_actor_sys_prio", field(&json, "sys_prio"));
    }
    let watch = json.find("\"link_watch\"").and_then(|at| json.get(at..));
    let watch = watch.unwrap_or_default();
    let lost = match field(watch, "name") {
        Some("arp_ping") => match pinging(&options, watch) {
            Ok(with) => {
                options = with;
                None
            }
            Err(why) => Some(format!("arp_ping: {why}")),
        },
        None | Some("ethtool") => None,
        Some(other) => Some(other.to_owned()),
    };
    if let Some(lost) = lost {
        warnings.push(format!(
            "{source}: how the team watches its links is not carried over ({lost}); the bond asks the cards whether they have a link (miimon=100)"
        ));
    }
    options
}

/// The options with a watch by ARP in the place of miimon. The error says why
/// the driver would take none: a bond that watches nothing keeps dead links.
fn pinging(
    options: &BTreeMap<String, String>,
    watch: &str,
) -> Result<BTreeMap<String, String>, String> {
    let target = field(watch, "target_host").unwrap_or_default();
    if target.parse::<Ipv4Addr>().is_err() {
        return Err(format!("`{target}` is no IPv4 address"));
    }
    let interval = field(watch, "interval").filter(|i| i.parse::<u32>().is_ok_and(|i| i > 0));
    let mut with = options.clone();
    with.remove("miimon");
    with.insert("arp_interval".into(), interval.unwrap_or("1000").into());
    with.insert("arp_ip_target".into(), target.into());
    let mut taken = with.clone();
    match bond::settle(&mut taken) {
        _ if taken.contains_key("arp_interval") => Ok(with),
        why => Err(why.join(", ")),
    }
}

/// The mode that does what a runner did.
pub(super) fn by_runner(name: &str) -> BTreeMap<String, String> {
    let mode = match name {
        "activebackup" => "active-backup",
        "lacp" => "802.3ad",
        "loadbalance" => "balance-xor",
        "broadcast" => "broadcast",
        _ => "balance-rr",
    };
    [("mode", mode), ("miimon", "100")]
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .into()
}

/// The warning that a team becomes a bond.
pub(super) fn warning(source: &str, device: &str) -> String {
    format!("{source}: the team {device} becomes a bond; check its mode on the new system")
}

/// The value of a name in JSON: a text, a number or a word.
fn field<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let quoted = format!("\"{name}\"");
    let rest = json.split_once(&quoted)?.1.trim_start().strip_prefix(':')?;
    let rest = rest.trim_start();
    match rest.strip_prefix('"') {
        Some(text) => text.split('"').next(),
        None => rest
            .split(|c: char| !c.is_ascii_alphanumeric())
            .next()
            .filter(|v| !v.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runners_become_modes() {
        for (json, want) in [
            (
                r#"{ "runner": {"name" : "lacp", "fast_rate": true, "min_ports":2}, "link_watch": {"name": "ethtool"} }"#,
                "lacp_rate=fast miimon=100 min_links=2 mode=802.3ad",
            ),
            (
                r#"{\"device\":\"team0\",\"runner\":{\"name\":\"activebackup\"},\"link_watch\":{\"name\":\"arp_ping\",\"interval\":200,\"target_host\":\"192.0.2.1\"}}"#,
                "arp_interval=200 arp_ip_target=192.0.2.1 mode=active-backup",
            ),
            ("{}", "miimon=100 mode=balance-rr"),
        ] {
            let mut warnings = Vec::new();
            let got: Vec<String> = options(json, "x", &mut warnings)
                .iter()
                .map(|(a, b)| format!("{a}={b}"))
                .collect();
            assert_eq!(got.join(" "), want);
            assert_eq!(warnings, [""; 0]);
        }
    }
}
