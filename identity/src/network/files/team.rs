// SPDX-License-Identifier: MIT OR Apache-2.0
//! Teams (teamd.conf(5)), which become bonds: newer systems have no teamd.

use std::collections::BTreeMap;

/// The bonding options that do what a team did, by its JSON.
pub(super) fn options(json: &str) -> BTreeMap<String, String> {
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
    if let Some("arp_ping") = json
        .find("\"link_watch\"")
        .and_then(|at| field(json.get(at..)?, "name"))
        && let Some(target) = field(&json, "target_host")
    {
        options.remove("miimon");
        options.insert(
            "arp_interval".into(),
            field(&json, "interval").unwrap_or("1000").into(),
        );
        options.insert("arp_ip_target".into(), target.into());
    }
    options
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

/// What is said of each.
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
            let got: Vec<String> = options(json)
                .iter()
                .map(|(a, b)| format!("{a}={b}"))
                .collect();
            assert_eq!(got.join(" "), want);
        }
    }
}
