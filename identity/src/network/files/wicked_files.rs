// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds and reads wicked's files.

use super::copies::is_copy;
use super::{Candidate, Files, place, rule, wicked};
use crate::error::Result;
use crate::text::shell;
use rootdir::RootDir;

const DIR: &str = "etc/sysconfig/network";
/// A link that tells which program manages the network.
const SERVICE: &str = "etc/systemd/system/network.service";

/// Reads all of these files.
pub(super) fn load(root: &RootDir, files: &mut Files) -> Result<()> {
    // EL has a file with this name.
    if !root.is_dir(DIR)? {
        return Ok(());
    }
    let names = root.list(DIR)?;
    let service = root.link(SERVICE)?.unwrap_or_default();
    if service.ends_with("/NetworkManager.service") {
        for name in names
            .iter()
            .filter(|n| n.starts_with("ifcfg-") && *n != "ifcfg-lo")
        {
            files.warnings.push(format!(
                "{DIR}/{name}: NetworkManager has the network and does not read it, so it is not carried over"
            ));
        }
        return Ok(());
    }
    let dhcp = shell::parse(&root.text(&format!("{DIR}/dhcp"))?.unwrap_or_default());
    let mut found: Vec<Candidate> = Vec::new();
    let mut ports: Vec<(String, String, String)> = Vec::new();
    for name in &names {
        let path = format!("{DIR}/{name}");
        let Some(device) = name.strip_prefix("ifcfg-").filter(|d| !is_copy(d)) else {
            continue;
        };
        // A template does not configure an interface.
        if device.ends_with(".template") {
            continue;
        }
        let text = root.text(&path)?.unwrap_or_default();
        if let Some((mut candidate, own)) = wicked::parse(device, &text, &dhcp, &mut files.warnings)
        {
            ports.extend(
                own.into_iter()
                    .map(|p| (p, device.to_owned(), path.clone())),
            );
            rules(root, device, &mut candidate, &mut files.warnings)?;
            found.push(candidate);
        }
    }
    for (port, master, origin) in ports {
        match found.iter_mut().find(|c| c.interface.name == port) {
            Some(c) => c.interface.master = Some(master),
            None => {
                // A port may have no file of its own.
                let mut c = Candidate {
                    source: origin,
                    ..Candidate::default()
                };
                c.interface.name = port;
                c.interface.master = Some(master);
                found.push(c);
            }
        }
    }
    for candidate in &mut found {
        let i = &mut candidate.interface;
        if i.master.is_some() {
            (i.v4, i.v6) = Default::default();
        }
    }
    for name in &names {
        let path = format!("{DIR}/{name}");
        let device = match name.strip_prefix("ifroute-") {
            Some(device) if !is_copy(device) => Some(device),
            None if name == "routes" => None,
            _ if name.starts_with("ifsysctl-") => {
                let text = root.text(&path)?.unwrap_or_default();
                let set = text
                    .lines()
                    .any(|l| !l.trim().is_empty() && !l.starts_with('#'));
                if set {
                    files.warnings.push(format!(
                        "{path}: kernel settings of an interface are not carried over"
                    ));
                }
                continue;
            }
            _ => continue,
        };
        let text = root.text(&path)?.unwrap_or_default();
        for (line, command) in wicked::routes(&text, device, &path, &mut files.warnings) {
            let own = device.and_then(|d| found.iter().position(|c| c.interface.name == d));
            place::place(
                &mut found,
                own,
                command,
                &format!("{path}:{line}"),
                &mut files.warnings,
            );
        }
    }
    names_of_servers(root, &mut found, files)?;
    files.candidates.append(&mut found);
    Ok(())
}

/// Parses `ifrule-NAME`: a family, then the syntax of `ip rule`.
fn rules(
    root: &RootDir,
    device: &str,
    c: &mut Candidate,
    warnings: &mut Vec<String>,
) -> Result<()> {
    let path = format!("{DIR}/ifrule-{device}");
    let text = root.text(&path)?.unwrap_or_default();
    for (at, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let v6 = line.starts_with("ipv6") || line.contains("::");
        let words = line.trim_start_matches("ipv4").trim_start_matches("ipv6");
        match rule::parse(words, v6) {
            Ok(rule) => c.interface.family_mut(v6).rules.push(rule),
            Err(why) => warnings.push(format!(
                "{path}:{}: the routing rule `{line}` is not carried over: {why}",
                at + 1
            )),
        }
    }
    Ok(())
}

/// Name servers of `config`, which netconfig puts before those from DHCP.
fn names_of_servers(root: &RootDir, found: &mut [Candidate], files: &mut Files) -> Result<()> {
    let path = format!("{DIR}/config");
    let v = shell::parse(&root.text(&path)?.unwrap_or_default());
    let get = |key: &str| v.get(key).map(String::as_str).unwrap_or_default();
    // With an empty policy, netconfig does not write /etc/resolv.conf.
    let policy = v.get("NETCONFIG_DNS_POLICY").map_or("auto", String::as_str);
    let fixed = ["", "STATIC", "STATIC_FALLBACK"].contains(&policy);
    if fixed {
        for c in found.iter_mut() {
            (c.interface.v4.ignore_dns, c.interface.v6.ignore_dns) = (true, true);
        }
    }
    if policy.is_empty() {
        return Ok(());
    }
    if !fixed && policy != "auto" {
        files.warnings.push(format!(
            "{path}: NETCONFIG_DNS_POLICY={policy} is not understood; name servers by DHCP are asked, too"
        ));
    }
    let words = |key: &str| get(key).split_whitespace().map(str::to_owned).collect();
    let dns = &mut files.everywhere;
    let servers = get("NETCONFIG_DNS_STATIC_SERVERS").split_whitespace();
    dns.servers = servers.filter_map(|s| s.parse().ok()).collect();
    dns.search = words("NETCONFIG_DNS_STATIC_SEARCHLIST");
    dns.options = words("NETCONFIG_DNS_RESOLVER_OPTIONS");
    Ok(())
}
