// SPDX-License-Identifier: MIT OR Apache-2.0
//! Settings of the machine, written into the new system.

use super::{LOCALE_FILES, clock, is_host_name, is_machine_id, is_zone, short};
use crate::error::Result;
use crate::model::{Host, HostsEntry};
use crate::report::Report;
use crate::text::shell;
use ondisk::manifest::Policy;
use rootdir::{Attributes, RootDir};
use std::collections::BTreeMap;

const READABLE: Attributes = Attributes::root(0o644);

/// Writes what the policy lets through.
pub(crate) fn apply(
    root: &RootDir,
    host: &Host,
    policy: &Policy,
    report: &mut Report,
) -> Result<()> {
    if policy.hostname
        && let Some(name) = host.name.as_deref().filter(|n| is_host_name(n))
    {
        hostname(root, host, name, report)?;
    }
    if policy.machine_id
        && let Some(id) = host.machine_id.as_deref().filter(|i| is_machine_id(i))
    {
        let text = format!("{id}\n");
        root.write("etc/machine-id", text.as_bytes(), Attributes::root(0o444))?;
        // D-Bus has a copy, where its file is not a link.
        if root.link("var/lib/dbus/machine-id")?.is_none()
            && root.exists("var/lib/dbus/machine-id")?
        {
            root.write("var/lib/dbus/machine-id", text.as_bytes(), READABLE)?;
        }
        report.done(format!("machine id {id}"));
    }
    if policy.timezone {
        timezone(root, host, report)?;
    }
    if policy.locale {
        locale(root, host, report)?;
    }
    if policy.time_servers {
        clock::apply(root, &host.time_servers, report)?;
    }
    Ok(())
}

fn hostname(root: &RootDir, host: &Host, name: &str, report: &mut Report) -> Result<()> {
    let old = root.text("etc/hostname")?.unwrap_or_default();
    root.write("etc/hostname", format!("{name}\n").as_bytes(), READABLE)?;
    report.done(format!("host name {name}"));
    let text = root.text("etc/hosts")?;
    let mut entries = host.hosts.clone();
    entries.retain(|e| e.names.iter().all(|n| is_host_name(n)));
    let text = hosts(text.as_deref(), old.trim(), &entries);
    root.write("etc/hosts", text.as_bytes(), READABLE)?;
    Ok(())
}

/// The hosts file with the machine's own lines in place of the payload's
/// (127.0.1.1, and lines with the payload's host name).
fn hosts(text: Option<&str>, old: &str, entries: &[HostsEntry]) -> String {
    let fresh = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";
    let mut out = String::new();
    for line in text.unwrap_or(fresh).lines() {
        let words: Vec<&str> = line
            .split('#')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        let (ip, names) = words
            .split_first()
            .map_or(("", &words[..]), |(ip, names)| (*ip, names));
        let payload =
            |n: &&str| !old.is_empty() && !old.starts_with("localhost") && short(n) == short(old);
        let is_own = |n: &&str| entries.iter().any(|e| e.names.iter().any(|own| own == n));
        let gone = ip == "127.0.1.1" || names.iter().any(is_own);
        let mut kept: Vec<&str> = names.to_vec();
        if names.iter().any(payload) {
            kept.retain(|n| !payload(n));
        }
        if gone || (kept.is_empty() && !names.is_empty()) {
            // Other names on such a line stay.
            kept.retain(|n| !is_own(n));
            if ip == "127.0.1.1" || kept.is_empty() {
                continue;
            }
        }
        if kept.len() == names.len() {
            out.push_str(line);
        } else {
            out.push_str(&format!("{ip}\t{}", kept.join(" ")));
        }
        out.push('\n');
    }
    for entry in entries {
        out.push_str(&format!("{}\t{}\n", entry.ip, entry.names.join(" ")));
    }
    out
}

fn timezone(root: &RootDir, host: &Host, report: &mut Report) -> Result<()> {
    let Some(zone) = host.timezone.as_deref().filter(|z| is_zone(z)) else {
        return Ok(());
    };
    let file = format!("usr/share/zoneinfo/{zone}");
    // Without a file of zones the C library takes UTC all the same.
    if !root.exists(&file)? && !["UTC", "Etc/UTC"].contains(&zone) {
        report.warn(format!(
            "the new system does not know the time zone {zone}; its own stays"
        ));
        return Ok(());
    }
    root.symlink("etc/localtime", &format!("../{file}"))?;
    if root.exists("etc/timezone")? {
        root.write("etc/timezone", format!("{zone}\n").as_bytes(), READABLE)?;
    }
    if host.local_clock {
        root.write("etc/adjtime", b"0.0 0 0.0\n0\nLOCAL\n", READABLE)?;
    }
    report.done(format!("time zone {zone}"));
    Ok(())
}

fn locale(root: &RootDir, host: &Host, report: &mut Report) -> Result<()> {
    let mut written = BTreeMap::new();
    for file in LOCALE_FILES {
        let Some(text) = host.locale.get(file) else {
            continue;
        };
        let (Some(attributes), Some(real)) = (root.attributes(file)?, root.real_path(file)?) else {
            continue;
        };
        // If two names are one file by a link, it is written once, and stays a
        // link.
        if let Some(before) = written.insert(real.clone(), text) {
            if before != text {
                report.warn(format!(
                    "{file} is {real} in the new system, which has another content already; not carried over"
                ));
            }
            continue;
        }
        let v = shell::parse(text);
        let mut unknown = None;
        for (key, value) in v
            .iter()
            .filter(|(k, _)| *k == "LANG" || k.starts_with("LC_"))
        {
            if !has_locale(root, value)? {
                unknown = Some(format!("{key}={value}"));
            }
        }
        match unknown {
            Some(setting) => report.warn(format!(
                "{file}: the new system has no locale for {setting}; its own setting stays"
            )),
            None => {
                if root.write(&real, text.as_bytes(), attributes)? {
                    report.done(format!("{file} carried over"));
                }
            }
        }
    }
    Ok(())
}

/// Whether the C library of the new system has the locale.
fn has_locale(root: &RootDir, locale: &str) -> Result<bool> {
    let plain = |l: &str| l.to_ascii_lowercase().replace('-', "");
    let wanted = plain(locale);
    if ["", "c", "posix", "c.utf8"].contains(&wanted.as_str()) {
        return Ok(true);
    }
    // An archive of all locales is one file, whose index is not read here;
    // it is there only where locales were made.
    Ok(root
        .list("usr/lib/locale")?
        .iter()
        .any(|l| plain(l) == wanted)
        || root.exists("usr/lib/locale/locale-archive")?)
}
