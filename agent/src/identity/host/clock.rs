// SPDX-License-Identifier: MIT OR Apache-2.0
//! Time servers: chrony, ntpd and systemd-timesyncd.

use crate::identity::error::Result;
use crate::identity::outcome::Report;
use crate::identity::root::{Attributes, RootDir};

const CHRONY: [&str; 2] = ["etc/chrony.conf", "etc/chrony/chrony.conf"];
const SOURCES: &str = "etc/chrony/sources.d";
const OURS: &str = "# Carried over from the old system by replant.";

/// Servers that somebody chose; distributions' pools are no choice.
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
        let ini = crate::identity::config::ini::Ini::parse(&text);
        servers.extend(
            ini.all("Time", "NTP")
                .flat_map(str::split_whitespace)
                .map(str::to_owned),
        );
    }
    servers.retain(|s| !s.ends_with("pool.ntp.org") && !s.starts_with("127.127.") && is_server(s));
    servers.dedup();
    Ok(servers)
}

fn is_server(text: &str) -> bool {
    text.len() <= 253
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-:_".contains(&b))
}

/// Gives them to whatever the new system keeps time with.
pub(super) fn apply(root: &RootDir, servers: &[String], report: &mut Report) -> Result<()> {
    let servers: Vec<&String> = servers.iter().filter(|s| is_server(s)).collect();
    if servers.is_empty() {
        return Ok(());
    }
    let lines: String = servers
        .iter()
        .map(|s| format!("server {s} iburst\n"))
        .collect();
    let configured = CHRONY
        .iter()
        .find_map(|f| Some((*f, root.text(f).transpose()?)));
    if let Some((file, text)) = configured {
        let text = text?;
        let attributes = root.attributes(file)?.unwrap_or(Attributes::root(0o644));
        if root.is_dir(SOURCES)? && text.contains("sourcedir /etc/chrony/sources.d") {
            let file = format!("{SOURCES}/replant.sources");
            root.write(
                &file,
                format!("{OURS}\n{lines}").as_bytes(),
                Attributes::root(0o644),
            )?;
        } else if !text.contains(OURS) {
            let text = format!("{}\n\n{OURS}\n{lines}", text.trim_end());
            root.write(file, text.as_bytes(), attributes)?;
        }
    } else if root.exists("usr/lib/systemd/systemd-timesyncd")? {
        let names: Vec<&str> = servers.iter().map(|s| s.as_str()).collect();
        let text = format!("{OURS}\n[Time]\nNTP={}\n", names.join(" "));
        let file = "etc/systemd/timesyncd.conf.d/replant.conf";
        root.write(file, text.as_bytes(), Attributes::root(0o644))?;
    } else {
        report.warn("the new system has neither chrony nor systemd-timesyncd; time servers are not carried over");
        return Ok(());
    }
    report.done(format!("{} time servers carried over", servers.len()));
    Ok(())
}
