// SPDX-License-Identifier: MIT OR Apache-2.0
//! Network configuration files of the old system. The parsers are pure: text
//! in, values out; `load` finds the files.

mod command;
mod connections;
mod copies;
mod ifcfg;
mod interfaces;
mod keyfile;
mod known;
mod load;
mod loopback;
mod netplan;
mod networkd;
mod nm_conf;
pub(crate) mod own_address;
mod place;
pub(crate) mod resolv;
mod routes;
mod rule;
mod scripts;
mod sections;
mod team;
#[cfg(test)]
mod tests;
mod units;
mod unknown;
mod wicked;
mod wicked_duid;
mod wicked_files;

pub(crate) use connections::writes_no_dns;
pub(crate) use load::load;

use crate::network::address::Mac;
use crate::network::model::{Dns, Interface};
use crate::text::line_of;
use own_address::OwnAddress;
use std::str::FromStr;

/// The configuration of an interface in one file or stanza.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The file, for messages.
    pub source: String,
    /// The configuration. The name is empty if the file goes by MAC address or
    /// pattern.
    pub interface: Interface,
    /// Patterns of names that it applies to.
    pub patterns: Vec<String>,
    /// Names under which other files refer to it (NetworkManager's UUID and id).
    pub aliases: Vec<String>,
    /// Of several candidates for one interface the highest wins.
    pub priority: i32,
    /// Exceptions from `patterns`.
    pub except: Vec<String>,
    /// How the machine makes an IPv6 address itself, if the file says it.
    pub own_address: Option<OwnAddress>,
}

/// The warning about the setting of a file at this word.
fn not_carried(file: &str, text: &str, word: &str, why: &str) -> String {
    format!(
        "{file}:{}: {why}; it is not carried over",
        line_of(text, word)
    )
}

/// The warning about a MAC address that is none.
fn no_mac(file: &str, text: &str, key: &str, value: &str) -> String {
    not_carried(file, text, key, &format!("{key}={value} is no MAC address"))
}

/// The warning about a number that is none.
fn no_number(file: &str, text: &str, key: &str, value: &str) -> String {
    not_carried(file, text, key, &format!("{key}={value} is no number"))
}

/// The value of a setting, if there is one. `wrong` makes the warning about a
/// value that is none.
fn value_of<T: FromStr>(
    value: Option<&str>,
    warnings: &mut Vec<String>,
    wrong: impl FnOnce(&str) -> String,
) -> Option<T> {
    let value = value.map(str::trim).filter(|v| !v.is_empty())?;
    let read = value.parse().ok();
    if read.is_none() {
        warnings.push(wrong(value));
    }
    read
}

/// The MAC address that a file gives a card; in the same way. Some words leave
/// the card its own.
fn given_mac(
    value: Option<&str>,
    warnings: &mut Vec<String>,
    wrong: impl FnOnce(&str) -> String,
) -> Option<Mac> {
    const OWN: [&str; 3] = ["permanent", "preserve", "none"];
    value_of(value.filter(|v| !OWN.contains(v)), warnings, wrong)
}

/// What all files say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Files {
    /// Configurations in the order of the sources.
    pub candidates: Vec<Candidate>,
    /// /etc/resolv.conf.
    pub resolv: Dns,
    /// Name servers of the whole machine, whether or not DHCP brings others.
    pub everywhere: Dns,
    /// Settings that cannot be carried over, as messages.
    pub warnings: Vec<String>,
}
