// SPDX-License-Identifier: MIT OR Apache-2.0
//! NetworkManager's own configuration (NetworkManager.conf(5)): where its
//! profiles lie, which devices it does not manage, and the defaults for settings
//! that profiles leave open.

use super::{Candidate, OwnAddress};
use crate::network::address::Mac;
use crate::network::model::{Dns, Privacy};
use crate::text::{ini::Ini, is_yes, line_of, secret};
use ondisk::glob;

/// The merged contents of all of its files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Conf {
    /// The directory of profiles, if it is not the usual one.
    pub path: Option<String>,
    /// Settings plugins, if the configuration lists them.
    pub plugins: Option<Vec<String>>,
    /// Devices that it does not manage.
    pub unmanaged: Vec<Devices>,
    /// `dns` is none.
    no_dns: bool,
    /// `rc-manager` is unmanaged.
    no_file: bool,
    /// Global name servers, which override those of profiles.
    pub dns: Dns,
    /// It also manages devices of /etc/network/interfaces.
    pub manages_interfaces: bool,
    /// Defaults for profiles: the setting, its value, and the file with the line.
    defaults: Vec<(String, String, String)>,
}

/// Devices of a list like `interface-name:eth*;except:mac:…`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Devices {
    /// The words of the list.
    specs: Vec<String>,
    /// Where it stands.
    pub origin: String,
}

impl Devices {
    fn new(text: &str, origin: String) -> Devices {
        let words = text.split([';', ',']).map(str::trim);
        Devices {
            specs: words.filter(|w| !w.is_empty()).map(str::to_owned).collect(),
            origin,
        }
    }

    /// Whether the device with this name or MAC address is in the list.
    pub(super) fn has(&self, name: &str, mac: Option<Mac>) -> bool {
        let fits = |spec: &str| {
            let (kind, value) = spec.split_once(':').unwrap_or(("", spec));
            let by_mac = |text: &str| mac.is_some() && text.parse::<Mac>().ok() == mac;
            match kind {
                _ if spec == "*" => true,
                "interface-name" => glob::matches(pattern(value), name),
                "mac" => by_mac(value),
                "type" => value == "ethernet",
                // A MAC address, or in old versions a name, alone.
                _ => by_mac(spec) || spec == name,
            }
        };
        let (except, plain): (Vec<_>, Vec<_>) =
            self.specs.iter().partition(|s| s.starts_with("except:"));
        let out = except.iter().any(|s| fits(s.trim_start_matches("except:")));
        // A list of exceptions alone means everything else.
        let within = plain.iter().any(|s| fits(s)) || plain.is_empty() && !except.is_empty();
        within && !out
    }

    /// The names in the list, as patterns: exceptions for profiles that fit every
    /// device.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let name = |s: &String| Some(pattern(s.strip_prefix("interface-name:")?));
        self.specs.iter().filter_map(name)
    }
}

/// The pattern of an `interface-name:`: it has `*` and `?`, neither ranges nor
/// escapes, and with `=` nothing of it.
fn pattern(value: &str) -> String {
    match value.strip_prefix('=') {
        Some(plain) => glob::literally(plain, &['*', '?', '[', '\\']),
        None => glob::literally(value.trim_start_matches('~'), &['[', '\\']),
    }
}

/// Prefixes of keys that do not affect addresses.
const WITHOUT_EFFECT: [&str; 8] = [
    "wifi.",
    "connection.auth-retries",
    "connection.mdns",
    "connection.llmnr",
    "connection.stable-id",
    "ipv4.dad-timeout",
    "ethernet.wake-on-lan",
    "match-",
];

/// A key, its value, and where it stands.
struct Placed<'a> {
    key: &'a str,
    value: &'a str,
    origin: String,
}

/// A file's sections; of one name they are one.
fn placed<'a>(file: &str, text: &'a str) -> Vec<(&'a str, Vec<Placed<'a>>)> {
    let mut sections: Vec<(&'a str, Vec<Placed<'a>>)> = Vec::new();
    let mut current = None;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            let known = sections.iter().position(|(n, _)| *n == name);
            current = Some(known.unwrap_or(sections.len()));
            if known.is_none() {
                sections.push((name, Vec::new()));
            }
            continue;
        }
        let pair = line.split_once('=').filter(|_| !line.starts_with('#'));
        if let Some((key, value)) = pair
            && let Some((_, pairs)) = current.and_then(|at: usize| sections.get_mut(at))
        {
            pairs.push(Placed {
                key: key.trim(),
                value: value.trim(),
                origin: format!("{file}:{}", at + 1),
            });
        }
    }
    sections
}

impl Conf {
    /// Adds a file, which overrides those before it.
    pub(super) fn add(&mut self, file: &str, text: &str, warnings: &mut Vec<String>) {
        let ini = Ini::parse(text);
        let origin = |key: &str| format!("{file}:{}", line_of(text, key));
        if let Some(path) = ini.get("keyfile", "path").filter(|p| p.starts_with('/')) {
            self.path = Some(path.trim_matches('/').to_owned());
        }
        for (key, value) in ini.sections("keyfile").flatten() {
            let more = Devices::new(value, origin(key));
            match key.as_str() {
                "unmanaged-devices" => self.unmanaged = vec![more],
                "unmanaged-devices+" => self.unmanaged.push(more),
                "unmanaged-devices-" => {
                    for list in &mut self.unmanaged {
                        list.specs.retain(|s| !more.specs.contains(s));
                    }
                }
                "path" | "hostname" => {}
                _ => warnings.push(format!(
                    "{}: {key}={value} of [keyfile] is not understood and is not heeded",
                    origin(key)
                )),
            }
        }
        for (key, value) in ini.sections("main").flatten() {
            let words = || value.split([',', ';', ' ']).filter(|w| !w.is_empty());
            let plugins = &mut self.plugins;
            match key.as_str() {
                "plugins" => *plugins = Some(words().map(str::to_owned).collect()),
                // This adds to the distribution's default, which is not known.
                "plugins+" => plugins
                    .iter_mut()
                    .for_each(|p| p.extend(words().map(str::to_owned))),
                "plugins-" => plugins
                    .iter_mut()
                    .for_each(|p| p.retain(|p| !words().any(|w| w == p))),
                "dns" => self.no_dns = value == "none",
                "rc-manager" => self.no_file = value == "unmanaged",
                _ => {}
            }
        }
        if let Some(managed) = ini.get("ifupdown", "managed") {
            self.manages_interfaces = is_yes(managed);
        }
        self.global_dns(&ini);
        self.sections(file, text, warnings);
    }

    fn global_dns(&mut self, ini: &Ini) {
        let list = |text: &str| -> Vec<String> {
            let words = text.split([',', ';', ' ']).filter(|w| !w.is_empty());
            words.map(str::to_owned).collect()
        };
        if let Some(searches) = ini.get("global-dns", "searches") {
            self.dns.search = list(searches);
        }
        if let Some(options) = ini.get("global-dns", "options") {
            self.dns.options = list(options);
        }
        if let Some(servers) = ini.get("global-dns-domain-*", "servers") {
            let servers = list(servers);
            self.dns.servers = servers.iter().filter_map(|s| s.parse().ok()).collect();
        }
    }

    /// `[connection…]` and `[device…]`, of which there may be several. The order
    /// of keys means nothing: which devices a section is for may come last.
    fn sections(&mut self, file: &str, text: &str, warnings: &mut Vec<String>) {
        for (section, pairs) in placed(file, text) {
            let devices = pairs.iter().rfind(|p| p.key == "match-device");
            let devices = devices.map(|p| p.value);
            for Placed { key, value, origin } in pairs {
                let named = WITHOUT_EFFECT.iter().any(|k| key.starts_with(k));
                let not_heeded = || {
                    let of = devices.map(|d| format!(" for {d}")).unwrap_or_default();
                    let value = secret::shown(section, key, value);
                    format!("{origin}: {key}={value} of [{section}]{of} is not carried over")
                };
                if section.starts_with("global-dns-domain-") && section != "global-dns-domain-*" {
                    warnings.push(not_heeded());
                } else if section.starts_with("device") && key == "managed" && !is_yes(value) {
                    let of = devices.unwrap_or("*");
                    self.unmanaged.push(Devices::new(of, origin));
                } else if section == "connection" && devices.is_none() && !named {
                    self.defaults
                        .push((key.to_owned(), value.to_owned(), origin));
                } else if section.starts_with("connection") && !named {
                    warnings.push(not_heeded());
                }
            }
        }
    }

    /// It does not write /etc/resolv.conf, by either of the two settings.
    pub(super) fn writes_no_dns(&self) -> bool {
        self.no_dns || self.no_file
    }

    /// The list of unmanaged devices that contains an interface, if any.
    pub(super) fn leaves_alone(&self, name: &str, mac: Option<Mac>) -> Option<&Devices> {
        self.unmanaged.iter().find(|d| d.has(name, mac))
    }

    /// Gives a profile what it does not say itself. What changes its addresses
    /// and is not understood comes back, with its place.
    pub(super) fn apply(&self, c: &mut Candidate) -> Vec<String> {
        let mut lost = Vec::new();
        let i = &mut c.interface;
        if i.master.is_some() {
            return lost;
        }
        if self.writes_no_dns() || !self.dns.servers.is_empty() {
            i.dns = Dns::default();
            (i.v4.ignore_dns, i.v6.ignore_dns) = (true, true);
        }
        for (key, value, origin) in &self.defaults {
            let what = || format!("{origin}: {key}={}", secret::shown("", key, value));
            let number = value.parse::<u32>().ok();
            let text = Some(value.clone()).filter(|v| !v.is_empty());
            match key.as_str() {
                "ipv6.ip6-privacy" => i.privacy = i.privacy.or(Privacy::named(value)),
                "ipv4.dhcp-client-id" => i.v4.client_id = i.v4.client_id.take().or(text),
                "ipv4.route-metric" => i.v4.metric = i.v4.metric.or(number),
                "ipv6.route-metric" => i.v6.metric = i.v6.metric.or(number),
                "ethernet.mtu" => i.mtu = i.mtu.or(number.filter(|m| *m != 0)),
                "ethernet.cloned-mac-address" => match value.parse::<Mac>() {
                    Ok(mac) => i.cloned_mac = i.cloned_mac.or(Some(mac)),
                    Err(_) if ["permanent", "preserve"].contains(&value.as_str()) => {}
                    Err(_) => lost.push(what()),
                },
                "ipv6.addr-gen-mode" if c.own_address.is_none() => {
                    c.own_address = OwnAddress::named(value, what());
                }
                "ipv4.may-fail" | "ipv6.may-fail" | "ipv6.addr-gen-mode" => {}
                _ => lost.push(what()),
            }
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After NetworkManager.conf(5), "Device List Format".
    #[test]
    fn names_have_two_wildcards() {
        for (list, name, within) in [
            ("interface-name:en*", "ens3", true),
            ("interface-name:~en?3", "ens3", true),
            ("interface-name:en[ps]*", "ens3", false),
            ("interface-name:en\\s3", "ens3", false),
            ("interface-name:=ens3", "ens3", true),
            ("interface-name:=en*", "ens3", false),
        ] {
            let devices = Devices::new(list, String::new());
            assert_eq!(devices.has(name, None), within, "{list}");
            // So it is where a profile for every card has exceptions.
            let except = devices.names().any(|p| glob::matches(p, name));
            assert_eq!(except, within, "{list}");
        }
    }
}
