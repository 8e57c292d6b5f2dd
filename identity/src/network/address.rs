// SPDX-License-Identifier: MIT OR Apache-2.0
//! Addresses as configuration files write them: IP with a prefix, Ethernet.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// An address and the length of its network's prefix in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    /// The address.
    pub ip: IpAddr,
    /// Prefix length, at most 32 or 128.
    pub prefix: u8,
}

impl Cidr {
    /// An address with a prefix, if the prefix is possible.
    pub fn new(ip: IpAddr, prefix: u8) -> Option<Cidr> {
        (prefix <= if ip.is_ipv4() { 32 } else { 128 }).then_some(Cidr { ip, prefix })
    }

    /// Reads `address`, `address/prefix` or `address/netmask`. Without a
    /// prefix it is a host's.
    pub fn parse(text: &str) -> Option<Cidr> {
        let (ip, prefix) = match text.split_once('/') {
            Some((ip, prefix)) => (ip, Some(prefix)),
            None => (text, None),
        };
        let ip: IpAddr = ip.trim().parse().ok()?;
        let prefix = match prefix.map(str::trim) {
            Some(text) => prefix_length(text)?,
            None if ip.is_ipv4() => 32,
            None => 128,
        };
        Cidr::new(ip, prefix)
    }

    /// Whether an address lies in the network.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let same = |a: u128, b: u128, width: u32| {
            let host = width.saturating_sub(u32::from(self.prefix));
            a.checked_shr(host).unwrap_or(0) == b.checked_shr(host).unwrap_or(0)
        };
        match (self.ip, ip) {
            (IpAddr::V4(a), IpAddr::V4(b)) => same(u32::from(a).into(), u32::from(b).into(), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => same(a.into(), b.into(), 128),
            _ => false,
        }
    }

    /// Whether it is one host's and not a network's.
    pub fn is_host(&self) -> bool {
        self.prefix == if self.ip.is_ipv4() { 32 } else { 128 }
    }

    /// The default route of the family of `like`.
    pub fn default_of(v6: bool) -> Cidr {
        let ip = if v6 {
            IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED)
        } else {
            IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED)
        };
        Cidr { ip, prefix: 0 }
    }
}

/// The length of a prefix, given as a number or as an IPv4 netmask.
pub fn prefix_length(text: &str) -> Option<u8> {
    if let Ok(number) = text.parse::<u8>() {
        return (number <= 128).then_some(number);
    }
    let mask = u32::from(text.parse::<std::net::Ipv4Addr>().ok()?);
    let ones = mask.leading_ones();
    (ones + mask.trailing_zeros() == 32 || mask == u32::MAX || mask == 0).then_some(ones as u8)
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.prefix)
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> String {
        cidr.to_string()
    }
}

impl TryFrom<String> for Cidr {
    type Error = String;
    fn try_from(text: String) -> Result<Cidr, String> {
        Cidr::parse(&text).ok_or_else(|| format!("{text:?} is no address with a prefix length"))
    }
}

/// An Ethernet address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mac(pub [u8; 6]);

impl FromStr for Mac {
    type Err = String;
    /// Reads six octets with colons or dashes.
    fn from_str(text: &str) -> Result<Mac, String> {
        let wrong = || format!("{text:?} is no MAC address");
        let mut octets = [0u8; 6];
        let mut parts = text.trim().split([':', '-']);
        for octet in &mut octets {
            let part = parts.next().ok_or_else(wrong)?;
            if part.is_empty() || part.len() > 2 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(wrong());
            }
            *octet = u8::from_str_radix(part, 16).map_err(|_| wrong())?;
        }
        if parts.next().is_some() {
            Err(wrong())
        } else {
            Ok(Mac(octets))
        }
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> String {
        mac.to_string()
    }
}

impl TryFrom<String> for Mac {
    type Error = String;
    fn try_from(text: String) -> Result<Mac, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_netmasks() {
        for (text, want) in [
            ("24", Some(24)),
            ("255.255.255.0", Some(24)),
            ("255.255.255.255", Some(32)),
            ("0.0.0.0", Some(0)),
            ("128.0.0.0", Some(1)),
            ("255.0.255.0", None),
            ("129", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(prefix_length(text), want, "{text}");
        }
        assert_eq!(Cidr::parse("10.0.0.1/33"), None);
        assert_eq!(Cidr::parse("fe80::1").unwrap().to_string(), "fe80::1/128");
        assert_eq!(
            Cidr::parse("10.1.2.3/255.255.0.0").unwrap().to_string(),
            "10.1.2.3/16"
        );
    }

    #[test]
    fn an_address_in_a_network() {
        for (network, ip, want) in [
            ("192.0.2.1/24", "192.0.2.254", true),
            ("192.0.2.1/24", "192.0.3.1", false),
            ("198.51.100.77/32", "198.51.100.77", true),
            ("198.51.100.77/32", "198.51.100.76", false),
            ("0.0.0.0/0", "10.0.0.1", true),
            ("2001:db8::1/56", "2001:db8:0:ff::1", true),
            ("2001:db8::1/128", "2001:db8::2", false),
            ("::/0", "fe80::1", true),
            ("0.0.0.0/0", "fe80::1", false),
        ] {
            let network = Cidr::parse(network).unwrap();
            assert_eq!(
                network.contains(ip.parse().unwrap()),
                want,
                "{network} {ip}"
            );
        }
    }

    #[test]
    fn mac_addresses() {
        assert_eq!(
            "52:54:00:AB:cd:0".parse::<Mac>().unwrap().to_string(),
            "52:54:00:ab:cd:00"
        );
        for bad in [
            "",
            "52:54:00:ab:cd",
            "52:54:00:ab:cd:ef:01",
            "52:54:00:ab:cd:+f",
            "gg:54:00:ab:cd:ef",
        ] {
            assert!(bad.parse::<Mac>().is_err(), "{bad}");
        }
    }
}
