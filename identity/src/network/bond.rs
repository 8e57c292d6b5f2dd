// SPDX-License-Identifier: MIT OR Apache-2.0
//! The bonding driver's options (the kernel's bonding.rst), with the names of
//! their values and their names in other programs.

use std::collections::BTreeMap;

/// What kind of value an option has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    /// One of these names, which count from 0.
    Name(&'static [&'static str]),
    /// 0 or 1.
    Switch,
    /// A number without a unit.
    Number,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Addresses with commas in between.
    Addresses,
    /// A port's name.
    Port,
    /// Any other text.
    Text,
}

/// One option.
pub(crate) struct Choice {
    /// The driver's name for it.
    pub name: &'static str,
    /// What it may be.
    pub value: Value,
    /// The kernel's number for it (IFLA_BOND_*), and the value that it has if
    /// nobody sets it.
    pub attribute: Option<(u16, u32)>,
    /// systemd-networkd's name for it, in `[Bond]`.
    pub networkd: Option<&'static str>,
    /// NetworkManager 1.42 takes it in `[bond]`.
    pub keyfile: bool,
    /// Modes in which the driver takes it; none for all of them.
    modes: &'static [&'static str],
}

const MODES: Value = Value::Name(&[
    "balance-rr",
    "active-backup",
    "balance-xor",
    "broadcast",
    "802.3ad",
    "balance-tlb",
    "balance-alb",
]);
const HASHES: Value = Value::Name(&[
    "layer2",
    "layer3+4",
    "layer2+3",
    "encap2+3",
    "encap3+4",
    "vlan+srcmac",
]);
const VALIDATE: Value = Value::Name(&[
    "none",
    "active",
    "backup",
    "all",
    "filter",
    "filter_active",
    "filter_backup",
]);
const LACP: &[&str] = &["802.3ad"];
const ONE_ACTIVE: &[&str] = &["active-backup", "balance-tlb", "balance-alb"];
const WITH_ARP: &[&str] = &["balance-rr", "active-backup", "balance-xor", "broadcast"];
const HASHING: &[&str] = &["balance-xor", "802.3ad", "balance-tlb", "balance-alb"];

const fn choice(
    name: &'static str,
    value: Value,
    attribute: Option<(u16, u32)>,
    networkd: Option<&'static str>,
    modes: &'static [&'static str],
) -> Choice {
    Choice {
        name,
        value,
        attribute,
        networkd,
        keyfile: true,
        modes,
    }
}

const fn not_in_keyfiles(choice: Choice) -> Choice {
    Choice {
        keyfile: false,
        ..choice
    }
}

/// All of them.
#[rustfmt::skip]
pub(crate) const CHOICES: &[Choice] = &[
    choice("mode", MODES, None, Some("Mode"), &[]),
    choice("miimon", Value::Milliseconds, None, Some("MIIMonitorSec"), &[]),
    choice("updelay", Value::Milliseconds, Some((4, 0)), Some("UpDelaySec"), &[]),
    choice("downdelay", Value::Milliseconds, Some((5, 0)), Some("DownDelaySec"), &[]),
    choice("use_carrier", Value::Switch, Some((6, 1)), None, &[]),
    choice("arp_interval", Value::Milliseconds, Some((7, 0)), Some("ARPIntervalSec"), WITH_ARP),
    choice("arp_ip_target", Value::Addresses, Some((8, 0)), Some("ARPIPTargets"), WITH_ARP),
    choice("arp_validate", VALIDATE, Some((9, 0)), Some("ARPValidate"), WITH_ARP),
    choice("arp_all_targets", Value::Name(&["any", "all"]), Some((10, 0)), Some("ARPAllTargets"), WITH_ARP),
    not_in_keyfiles(choice("arp_missed_max", Value::Number, Some((30, 2)), None, WITH_ARP)),
    not_in_keyfiles(choice("ns_ip6_target", Value::Addresses, Some((31, 0)), None, WITH_ARP)),
    choice("primary", Value::Port, Some((11, 0)), None, ONE_ACTIVE),
    choice("active_slave", Value::Port, None, None, ONE_ACTIVE),
    choice("primary_reselect", Value::Name(&["always", "better", "failure"]), Some((12, 0)), Some("PrimaryReselectPolicy"), ONE_ACTIVE),
    choice("fail_over_mac", Value::Name(&["none", "active", "follow"]), Some((13, 0)), Some("FailOverMACPolicy"), &[]),
    choice("xmit_hash_policy", HASHES, Some((14, 0)), Some("TransmitHashPolicy"), HASHING),
    choice("resend_igmp", Value::Number, Some((15, 1)), Some("ResendIGMP"), &[]),
    choice("num_grat_arp", Value::Number, Some((16, 1)), Some("GratuitousARP"), &[]),
    choice("num_unsol_na", Value::Number, None, Some("GratuitousARP"), &[]),
    choice("peer_notif_delay", Value::Milliseconds, Some((28, 0)), None, &[]),
    choice("all_slaves_active", Value::Switch, Some((17, 0)), Some("AllSlavesActive"), &[]),
    choice("min_links", Value::Number, Some((18, 0)), Some("MinLinks"), &[]),
    choice("lp_interval", Value::Seconds, Some((19, 1)), Some("LearnPacketIntervalSec"), &[]),
    choice("packets_per_slave", Value::Number, Some((20, 1)), Some("PacketsPerSlave"), &["balance-rr"]),
    choice("tlb_dynamic_lb", Value::Switch, Some((27, 1)), Some("DynamicTransmitLoadBalancing"), &["balance-tlb", "balance-alb"]),
    choice("lacp_rate", Value::Name(&["slow", "fast"]), Some((21, 0)), Some("LACPTransmitRate"), LACP),
    not_in_keyfiles(choice("lacp_active", Value::Name(&["off", "on"]), Some((29, 1)), None, LACP)),
    choice("ad_select", Value::Name(&["stable", "bandwidth", "count"]), Some((22, 0)), Some("AdSelect"), LACP),
    choice("ad_user_port_key", Value::Number, Some((25, 0)), Some("AdUserPortKey"), LACP),
    choice("ad_actor_sys_prio", Value::Number, Some((24, 65535)), Some("AdActorSystemPriority"), LACP),
    choice("ad_actor_system", Value::Text, None, Some("AdActorSystem"), LACP),
];

/// The option of a name.
pub(crate) fn find(name: &str) -> Option<&'static Choice> {
    CHOICES.iter().find(|c| c.name == name)
}

impl Value {
    /// A value under the driver's own name for it; none if the driver would
    /// not take it.
    pub(crate) fn named(self, text: &str) -> Option<String> {
        let text = text.trim();
        let number = text.parse::<u32>().ok();
        match self {
            Value::Name(names) => {
                let by_number = number.and_then(|n| names.get(usize::try_from(n).ok()?));
                let by_name = || names.iter().find(|n| n.eq_ignore_ascii_case(text));
                by_number.or_else(by_name).map(|n| (*n).to_owned())
            }
            Value::Switch => match text.to_ascii_lowercase().as_str() {
                "1" | "on" | "yes" | "true" => Some("1".to_owned()),
                "0" | "off" | "no" | "false" => Some("0".to_owned()),
                _ => None,
            },
            Value::Number | Value::Milliseconds | Value::Seconds => number.map(|n| n.to_string()),
            Value::Addresses => {
                let words = text.split([',', ' ']).filter(|w| !w.is_empty());
                // The driver accepts only addresses.
                let all: Option<Vec<String>> = words
                    .map(|w| Some(w.parse::<std::net::IpAddr>().ok()?.to_string()))
                    .collect();
                all.filter(|a| !a.is_empty()).map(|a| a.join(","))
            }
            Value::Port | Value::Text => (!text.is_empty()).then(|| text.to_owned()),
        }
    }
}

/// Adds an option as a file has it, under the driver's names. The error says
/// why it is left out.
pub(crate) fn add(
    options: &mut BTreeMap<String, String>,
    name: &str,
    value: &str,
) -> Result<(), String> {
    let Some(choice) = find(name) else {
        return Err(format!("the bonding option {name}={value} is not known"));
    };
    let Some(value) = choice.value.named(value) else {
        return Err(format!("{value} is no value of the bonding option {name}"));
    };
    options.insert(name.to_owned(), value);
    Ok(())
}

/// Replaces numbers by the values' names, and removes options that the bond's
/// mode does not allow. Returns a line for each option that was removed.
pub(crate) fn settle(options: &mut BTreeMap<String, String>) -> Vec<String> {
    let mut left_out = Vec::new();
    let mut kept = BTreeMap::new();
    for (name, value) in std::mem::take(options) {
        left_out.extend(add(&mut kept, &name, &value).err());
    }
    let mode = kept
        .get("mode")
        .map_or("balance-rr", String::as_str)
        .to_owned();
    let on = |kept: &BTreeMap<String, String>, name: &str| {
        kept.get(name).is_some_and(|value| value != "0")
    };
    // The driver has one of the two; the one that is set last stays.
    let twice = on(&kept, "miimon") && on(&kept, "arp_interval");
    for choice in CHOICES {
        let (name, modes) = (choice.name, choice.modes);
        if !modes.is_empty()
            && !modes.contains(&mode.as_str())
            && let Some(value) = kept.remove(name)
        {
            left_out.push(format!(
                "the bonding option {name}={value} has no effect in the mode {mode}"
            ));
        }
    }
    if twice && let Some(value) = kept.remove("arp_interval") {
        left_out.push(format!(
            "the bonding option arp_interval={value} does not go with miimon"
        ));
    }
    left_out.extend(alone(&mut kept));
    *options = kept;
    left_out
}

/// Removes options that have no effect without another one, because
/// NetworkManager would refuse the whole file.
fn alone(options: &mut BTreeMap<String, String>) -> Vec<String> {
    let mut left_out = Vec::new();
    let mut drop = |options: &mut BTreeMap<String, String>, name: &str, why: &str| {
        if let Some(value) = options.remove(name) {
            left_out.push(format!(
                "the bonding option {name}={value} has no effect {why}"
            ));
        }
    };
    // It is off, which is also the default.
    if options.get("arp_interval").is_some_and(|v| v == "0") {
        options.remove("arp_interval");
    }
    let targets = ["arp_ip_target", "ns_ip6_target"];
    if !targets.iter().any(|t| options.contains_key(*t)) {
        drop(options, "arp_interval", "without arp_ip_target");
    }
    if !options.contains_key("arp_interval") {
        for target in targets {
            drop(options, target, "without arp_interval");
        }
    }
    let number = |name: &str| options.get(name).and_then(|v| v.parse::<u32>().ok());
    let (delay, step) = (number("peer_notif_delay"), number("miimon").unwrap_or(0));
    match delay.and_then(|delay| delay.checked_rem(step).map(|rest| delay - rest)) {
        // As the driver does it.
        Some(delay) => {
            options.insert("peer_notif_delay".to_owned(), delay.to_string());
        }
        None => drop(options, "peer_notif_delay", "without miimon"),
    }
    // Two names for one number.
    if let Some(value) = options.get("num_grat_arp").cloned()
        && let Some(other) = options.remove("num_unsol_na")
        && other != value
    {
        left_out.push(format!(
            "the bonding option num_unsol_na={other} is the same as num_grat_arp={value}"
        ));
    }
    left_out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(pairs: &[(&str, &str)]) -> (String, String) {
        let pairs = pairs
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        let mut options: BTreeMap<String, String> = pairs.collect();
        let left_out = settle(&mut options);
        let options: Vec<String> = options.iter().map(|(n, v)| format!("{n}={v}")).collect();
        (options.join(" "), left_out.join("; "))
    }

    #[test]
    fn numbers_become_names() {
        assert_eq!(
            settled(&[
                ("mode", "4"),
                ("xmit_hash_policy", "1"),
                ("lacp_rate", "1"),
                ("ad_select", "Count"),
                ("miimon", "0100"),
            ]),
            (
                "ad_select=count lacp_rate=fast miimon=100 mode=802.3ad xmit_hash_policy=layer3+4"
                    .into(),
                String::new()
            )
        );
        let (kept, _) = settled(&[
            ("mode", "1"),
            ("fail_over_mac", "2"),
            ("arp_ip_target", "192.0.2.1, 192.0.2.2"),
            ("arp_interval", "100"),
            ("arp_validate", "3"),
            ("tlb_dynamic_lb", "off"),
        ]);
        assert_eq!(
            kept,
            "arp_interval=100 arp_ip_target=192.0.2.1,192.0.2.2 arp_validate=all fail_over_mac=follow mode=active-backup"
        );
    }

    #[test]
    fn what_is_left_out_is_said() {
        for (pair, want) in [
            (("mode", "7"), "7 is no value of the bonding option mode"),
            (
                ("max_bonds", "2"),
                "the bonding option max_bonds=2 is not known",
            ),
            (
                ("lacp_rate", "1"),
                "the bonding option lacp_rate=fast has no effect in the mode balance-rr",
            ),
            (
                ("arp_ip_target", "gateway"),
                "gateway is no value of the bonding option arp_ip_target",
            ),
        ] {
            assert_eq!(settled(&[pair]), (String::new(), want.to_owned()));
        }
        for (pairs, kept, part) in [
            (
                vec![("arp_interval", "200")],
                "",
                "arp_interval=200 has no effect without",
            ),
            (
                vec![("arp_ip_target", "192.0.2.1"), ("arp_interval", "0")],
                "",
                "arp_ip_target=192.0.2.1 has no effect without",
            ),
            (
                vec![("peer_notif_delay", "250"), ("miimon", "100")],
                "miimon=100 peer_notif_delay=200",
                "",
            ),
            (
                vec![("peer_notif_delay", "250")],
                "",
                "peer_notif_delay=250 has no effect without",
            ),
            (
                vec![("num_grat_arp", "2"), ("num_unsol_na", "3")],
                "num_grat_arp=2",
                "num_unsol_na=3",
            ),
        ] {
            let (got, said) = settled(&pairs);
            assert_eq!(got, kept);
            assert!(said.contains(part), "{said}");
        }
        let arp = [
            ("miimon", "100"),
            ("arp_interval", "200"),
            ("arp_ip_target", "192.0.2.1"),
        ];
        let (kept, said) = settled(&arp);
        assert_eq!(kept, "miimon=100");
        assert!(said.contains("arp_interval=200"), "{said}");
    }

    #[test]
    fn no_option_stands_there_twice() {
        for (at, choice) in CHOICES.iter().enumerate() {
            let later = CHOICES.iter().skip(at + 1);
            let same = later.filter(|c| {
                c.name == choice.name
                    || choice.attribute.is_some()
                        && c.attribute.map(|a| a.0) == choice.attribute.map(|a| a.0)
            });
            assert_eq!(same.count(), 0, "{}", choice.name);
        }
    }
}
