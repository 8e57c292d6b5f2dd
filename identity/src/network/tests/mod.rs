// SPDX-License-Identifier: MIT OR Apache-2.0
//! From an old system's files and its kernel to the new system's files: what
//! others' tools got wrong on real machines (tests/fixtures/network).

use super::files::{self, Files};
use super::kernel::{Address, KernelNetwork, Link, Route};
use super::merge::merge;
use super::model::{Interface, Network};
use super::{Cidr, write};
use crate::report::Report;
use rootdir::RootDir;
use std::path::{Path, PathBuf};

mod cards;
mod judges;
mod manager;
mod methods;
mod plans;
mod policy;
mod routes;
mod running;
mod secrets;
mod suse;
mod systems;
mod values;
mod wrong;

fn fixture(path: &str) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/network");
    fixtures.join(path)
}

/// What the kernel had, as the fixtures' README describes it.
fn live(path: &str) -> KernelNetwork {
    let mut kernel = KernelNetwork::default();
    for line in std::fs::read_to_string(fixture(path)).unwrap().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["link", index, name, mac, rest @ ..] => kernel.links.push(Link {
                index: index.parse().unwrap(),
                name: (*name).into(),
                ethernet: true,
                up: true,
                mtu: 1500,
                mac: Some(mac.parse().unwrap()),
                kind: rest.first().filter(|k| **k != "-").map(|k| (*k).into()),
                master: rest.get(1).map(|m| m.parse().unwrap()),
                ..Link::default()
            }),
            ["addr", link, address, lifetime] => kernel.addresses.push(Address {
                link: link.parse().unwrap(),
                address: Cidr::parse(address).unwrap(),
                permanent: *lifetime == "permanent",
                global: true,
                valid: None,
            }),
            ["route", link, to, via, protocol, metric] => kernel.routes.push(Route {
                link: Some(link.parse().unwrap()),
                to: Cidr::parse(to).unwrap(),
                via: via.parse().ok(),
                metric: metric.parse().unwrap(),
                protocol: protocol.parse().unwrap(),
                table: 254,
                multipath: false,
                on_link: false,
                source: None,
            }),
            _ => panic!("{line}"),
        }
    }
    kernel
}

/// What is carried over of a tree of the old system, and the warnings.
fn carried(old: &str, kernel: Option<&KernelNetwork>) -> (Network, Vec<String>) {
    let files = match fixture(old) {
        path if path.is_dir() => files::load(&RootDir::open(&path).unwrap()).unwrap(),
        path => panic!("{path:?}"),
    };
    merged(files, kernel)
}

/// The same, of files that are given here.
fn carried_of(tree: &[(&str, &str)], kernel: Option<&KernelNetwork>) -> (Network, Vec<String>) {
    let top = tempfile::tempdir().unwrap();
    for (path, text) in tree {
        let path = top.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let files = files::load(&RootDir::open(top.path()).unwrap()).unwrap();
    merged(files, kernel)
}

fn merged(files: Files, kernel: Option<&KernelNetwork>) -> (Network, Vec<String>) {
    let mut report = Report::default();
    let network = merge(files, kernel, &mut report);
    (network, report.warnings)
}

/// The file of an interface in the new system's dialect, and the warnings.
fn written(network: &Network, manager: &str, name: &str) -> (String, Vec<String>) {
    let mut report = Report::default();
    let text = write::rendered(network, manager, name, &mut report);
    (text, report.warnings)
}

fn get<'a>(network: &'a Network, name: &str) -> &'a Interface {
    let mut all = network.interfaces.iter();
    all.find(|i| i.name == name)
        .unwrap_or_else(|| panic!("no {name}: {network:#?}"))
}

/// An interface's routes, one a line, the default one first.
fn routes(network: &Network, name: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for family in get(network, name).families() {
        lines.extend(family.gateway.map(|g| format!("default via {g}")));
        lines.extend(family.routes.iter().map(|r| {
            let via = r.via.map(|v| format!(" via {v}")).unwrap_or_default();
            let source = r.source.map(|s| format!(" src {s}")).unwrap_or_default();
            let on_link = if r.on_link { " onlink" } else { "" };
            let kind = match r.kind.is_plain() {
                true => String::new(),
                false => format!("{} ", r.kind.name()),
            };
            format!("{kind}{}{via}{source}{on_link}", r.to)
        }));
    }
    lines
}

fn addresses(network: &Network, name: &str) -> Vec<String> {
    let families = get(network, name).families().into_iter();
    let all = families.flat_map(|f| f.addresses.iter().map(|a| a.to_string()));
    all.collect()
}

/// Asserts that a text has every line of another one, in this order.
fn has(text: &str, lines: &[&str]) {
    let mut rest = text.lines().map(str::trim);
    for want in lines {
        assert!(rest.any(|line| line == *want), "{want} in:\n{text}");
    }
}
