// SPDX-License-Identifier: MIT OR Apache-2.0
//! Settings of the old system.

use super::{LOCALE_FILES, clock, is_host_name, is_machine_id, is_zone, own_lines};
use crate::error::Result;
use crate::model::Host;
use crate::report::Report;
use crate::text::shell;
use rootdir::RootDir;

/// Larger files of language or keyboard are something else, in bytes.
const LOCALE_LIMIT: usize = 4096;

/// Reads host name, machine id, time zone, language, keyboard, time servers.
pub(crate) fn collect(root: &RootDir, report: &mut Report) -> Result<Host> {
    let mut host = Host {
        name: name(root, report)?,
        ..Host::default()
    };
    let id = root.text("etc/machine-id")?.unwrap_or_default();
    let id = match id.trim() {
        "" => root.text("var/lib/dbus/machine-id")?.unwrap_or_default(),
        _ => id,
    };
    let id = id.trim().to_ascii_lowercase();
    if is_machine_id(&id) {
        host.machine_id = Some(id);
    } else {
        report.warn("etc/machine-id holds no id; the new system makes one");
    }
    host.timezone = zone(root, report)?;
    let adjtime = root.text("etc/adjtime")?.unwrap_or_default();
    host.local_clock = adjtime.lines().nth(2).is_some_and(|l| l.trim() == "LOCAL");
    for file in LOCALE_FILES {
        match root.text(file)? {
            Some(text) if text.len() <= LOCALE_LIMIT => {
                host.locale.insert(file.to_owned(), text);
            }
            Some(_) => report.warn(format!("{file} is too long and is left out")),
            None => {}
        }
    }
    host.time_servers = clock::collect(root)?;
    if let Some(name) = &host.name {
        host.hosts = own_lines(&root.text("etc/hosts")?.unwrap_or_default(), name);
    }
    Ok(host)
}

fn name(root: &RootDir, report: &mut Report) -> Result<Option<String>> {
    let text = root.text("etc/hostname")?.unwrap_or_default();
    let mut lines = text.lines().map(str::trim);
    let mut name = lines
        .find(|l| !l.is_empty() && !l.starts_with('#'))
        .unwrap_or_default()
        .to_owned();
    if name.is_empty() {
        let v = shell::parse(&root.text("etc/sysconfig/network")?.unwrap_or_default());
        name = v.get("HOSTNAME").cloned().unwrap_or_default();
    }
    if name.is_empty() || name.starts_with("localhost") {
        report.warn("the old system has no host name of its own; the new one's stays");
        return Ok(None);
    }
    if !is_host_name(&name) {
        report.warn(format!("{name:?} is no host name and is not carried over"));
        return Ok(None);
    }
    Ok(Some(name))
}

fn zone(root: &RootDir, report: &mut Report) -> Result<Option<String>> {
    let link = root.link("etc/localtime")?;
    let mut zone = link
        .as_deref()
        .and_then(|l| l.split_once("zoneinfo/"))
        .map(|(_, z)| z.to_owned());
    if zone.is_none() {
        zone = root.text("etc/timezone")?.map(|t| t.trim().to_owned());
    }
    if zone.is_none() {
        let v = shell::parse(&root.text("etc/sysconfig/clock")?.unwrap_or_default());
        zone = v.get("ZONE").cloned();
    }
    // These two directories hold the same zones once more.
    let zone = zone.map(|z| {
        let z = z
            .strip_prefix("posix/")
            .or(z.strip_prefix("right/"))
            .unwrap_or(&z);
        z.to_owned()
    });
    match zone {
        Some(zone) if is_zone(&zone) => Ok(Some(zone)),
        None if !root.exists("etc/localtime")? => Ok(Some("UTC".to_owned())),
        _ => {
            report.warn("etc/localtime does not tell the name of its time zone; not carried over");
            Ok(None)
        }
    }
}
