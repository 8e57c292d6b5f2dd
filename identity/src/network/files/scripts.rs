// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds and reads the files of /etc/sysconfig/network-scripts.

use super::copies::is_copy;
use super::{Candidate, Files, ifcfg, place, routes};
use crate::error::Result;
use crate::network::address::Cidr;
use crate::network::model::Route;
use crate::text::shell;
use rootdir::RootDir;

const SCRIPTS: &str = "etc/sysconfig/network-scripts";
const STATIC_ROUTES: &str = "etc/sysconfig/static-routes";

/// Reads all of these files.
pub(super) fn load(root: &RootDir, files: &mut Files) -> Result<()> {
    let global = shell::parse(&root.text("etc/sysconfig/network")?.unwrap_or_default());
    let mut aliases: Vec<Candidate> = Vec::new();
    let mut found: Vec<Candidate> = Vec::new();
    let mut routes = Vec::new();
    for name in root.list(SCRIPTS)? {
        let Some(file) = name.strip_prefix("ifcfg-").filter(|f| !is_copy(f)) else {
            continue;
        };
        let Some(text) = root.text(&format!("{SCRIPTS}/{name}"))? else {
            continue;
        };
        let Some(mut c) = ifcfg::parse(file, &text, &global, &mut files.warnings) else {
            continue;
        };
        let device = match c.interface.name.as_str() {
            "" => file.to_owned(),
            device => device.to_owned(),
        };
        for (prefix, v6) in [("route-", false), ("route6-", true)] {
            let (name, text) = beside(root, prefix, &device, file)?;
            for (line, route) in routes::routes(&text, v6, &name, &mut files.warnings) {
                let mut route = route;
                let alias = c.interface.name.split_once(':').map(|(base, _)| base);
                route.device = route.device.or(alias.map(str::to_owned));
                let own = alias.is_none().then_some(found.len());
                routes.push((own, route, format!("{name}:{line}")));
            }
        }
        for (prefix, v6) in [("rule-", false), ("rule6-", true)] {
            let (name, text) = beside(root, prefix, &device, file)?;
            let rules = routes::rules(&text, v6, &name, &mut files.warnings);
            c.interface.family_mut(v6).rules.extend(rules);
        }
        if c.interface.name.contains(':') {
            aliases.push(c)
        } else {
            found.push(c)
        }
    }
    for alias in aliases {
        let base = alias.interface.name.split(':').next().unwrap_or_default();
        match found.iter_mut().find(|c| c.interface.name == base) {
            Some(c) => {
                let (i, alias_of) = (&mut c.interface, alias.interface);
                for address in alias_of.v4.addresses.iter().chain(&alias_of.v6.addresses) {
                    i.add_address(*address);
                }
                if let Some(gateway) = alias_of.v4.gateway {
                    i.add_route(Route::new(Cidr::default_of(false), Some(gateway)));
                }
            }
            None => files
                .warnings
                .push(format!("{}: there is no {base}", alias.source)),
        }
    }
    for (own, route, origin) in routes {
        place::place(&mut found, own, route, &origin, &mut files.warnings);
    }
    let text = root.text(STATIC_ROUTES)?.unwrap_or_default();
    for (at, line) in text.lines().enumerate() {
        let origin = format!("{STATIC_ROUTES}:{}", at + 1);
        match routes::static_route(line) {
            Some(Ok(route)) => place::place(&mut found, None, route, &origin, &mut files.warnings),
            Some(Err(why)) => files
                .warnings
                .push(format!("{origin}: `{line}` is not carried over: {why}")),
            None => {}
        }
    }
    let used = |gateway: &str| {
        let hop = gateway.parse().ok();
        let mut all = found.iter().filter(|c| c.interface.v4.gateway.is_some());
        all.any(|c| c.interface.v4.gateway == hop)
    };
    if let Some(gateway) = global.get("GATEWAY").filter(|g| !g.is_empty())
        && !used(gateway)
    {
        files.warnings.push(format!(
            "etc/sysconfig/network: GATEWAY={gateway} is not in the network of the interface that it is for, or this one has a gateway of its own; it is not carried over"
        ));
    }
    files.candidates.append(&mut found);
    Ok(())
}

/// The file with routes or rules of an `ifcfg-` file: named after the device, or
/// after that file.
fn beside(root: &RootDir, prefix: &str, device: &str, file: &str) -> Result<(String, String)> {
    for name in [device, file] {
        let name = format!("{prefix}{name}");
        if let Some(text) = root.text(&format!("{SCRIPTS}/{name}"))? {
            return Ok((name, text));
        }
    }
    Ok(Default::default())
}
