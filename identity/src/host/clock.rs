// SPDX-License-Identifier: MIT OR Apache-2.0
//! Time servers: chrony, ntpd and systemd-timesyncd.

use crate::error::Result;
use crate::report::Report;
use crate::text::{HEADER, ini::Ini};
use rootdir::{Attributes, RootDir};
use std::collections::BTreeSet;

const CHRONY: [&str; 2] = ["etc/chrony.conf", "etc/chrony/chrony.conf"];
const SOURCES: &str = "etc/chrony/sources.d";

/// Servers that somebody chose; distributions' pools are no choice. One that
/// several files name, or one file under several names, is named once.
pub(super) fn collect(root: &RootDir) -> Result<Vec<String>> {
    let mut servers = Vec::new();
    let mut files: Vec<String> = CHRONY.iter().map(|f| (*f).to_owned()).collect();
    files.extend(["etc/ntp.conf", "etc/ntpsec/ntp.conf"].map(str::to_owned));
    for name in root.list(SOURCES)? {
        files.push(format!("{SOURCES}/{name}"));
    }
    for file in files {
        for line in root.text(&file)?.unwrap_or_default().lines() {
            let mut words = line.split_whitespace();
            if matches!(words.next(), Some("server" | "pool" | "peer")) {
                servers.extend(words.next().map(str::to_owned));
            }
        }
    }
    let mut units = vec!["etc/systemd/timesyncd.conf".to_owned()];
    for name in root.list("etc/systemd/timesyncd.conf.d")? {
        units.push(format!("etc/systemd/timesyncd.conf.d/{name}"));
    }
    for file in units {
        let text = root.text(&file)?.unwrap_or_default();
        let ini = Ini::parse(&text);
        servers.extend(
            ini.all("Time", "NTP")
                .flat_map(str::split_whitespace)
                .map(str::to_owned),
        );
    }
    let mut seen = BTreeSet::new();
    servers.retain(|s| {
        let chosen = !s.ends_with("pool.ntp.org") && !s.starts_with("127.127.") && is_server(s);
        chosen && seen.insert(s.clone())
    });
    Ok(servers)
}

fn is_server(text: &str) -> bool {
    text.len() <= 253
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-:_".contains(&b))
}

/// Configures them in the new system's own time service.
pub(super) fn apply(root: &RootDir, servers: &[String], report: &mut Report) -> Result<()> {
    let servers: Vec<&String> = servers.iter().filter(|s| is_server(s)).collect();
    if servers.is_empty() {
        return Ok(());
    }
    let lines: String = servers
        .iter()
        .map(|s| format!("server {s} iburst\n"))
        .collect();
    // Which of them chronyd reads is built into it. Two names of one file, a
    // link to the other, are one.
    let mut configured = BTreeSet::new();
    for file in CHRONY {
        if root.text(file)?.is_some() {
            configured.extend(root.real_path(file)?);
        }
    }
    for file in &configured {
        chrony(root, file, &lines)?;
    }
    if !configured.is_empty() {
        // Done.
    } else if root.exists("usr/lib/systemd/systemd-timesyncd")? {
        let names: Vec<&str> = servers.iter().map(|s| s.as_str()).collect();
        let text = format!("{HEADER}[Time]\nNTP={}\n", names.join(" "));
        let file = "etc/systemd/timesyncd.conf.d/replant.conf";
        root.write(file, text.as_bytes(), Attributes::root(0o644))?;
    } else {
        report.warn("the new system has neither chrony nor systemd-timesyncd; time servers are not carried over");
        return Ok(());
    }
    report.done(format!("{} time servers carried over", servers.len()));
    Ok(())
}

/// Adds the lines to a configuration of chrony, or to the directory of sources
/// that it reads.
fn chrony(root: &RootDir, file: &str, lines: &str) -> Result<()> {
    let text = root.text(file)?.unwrap_or_default();
    let reads_sources = text.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words == ["sourcedir", "/etc/chrony/sources.d"]
    });
    if root.is_dir(SOURCES)? && reads_sources {
        let text = format!("{HEADER}{lines}");
        let file = format!("{SOURCES}/replant.sources");
        root.write(&file, text.as_bytes(), Attributes::root(0o644))?;
    } else if !text.lines().any(|line| line == HEADER.trim_end()) {
        let text = format!("{}\n\n{HEADER}{lines}", text.trim_end());
        let attributes = root.attributes(file)?.unwrap_or(Attributes::root(0o644));
        root.write(file, text.as_bytes(), attributes)?;
    }
    Ok(())
}
