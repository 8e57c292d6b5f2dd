// SPDX-License-Identifier: MIT OR Apache-2.0
//! Our reading of netplan's files, against what netplan itself makes of them,
//! read by our readers of systemd-networkd's and NetworkManager's files.

use super::*;
use std::process::Command;
use testkit::{output, run};

/// Where the readings differ, one thing a text.
pub fn disagreements(root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    let server: String = plans::SERVER
        .lines()
        // What netplan refuses whole.
        .filter(|l| {
            !["nowhere", "vanilla", "tunnels:", "wg0:", "dhcp6: true"]
                .iter()
                .any(|w| l.contains(w))
        })
        .map(|l| format!("{l}\n"))
        .collect();
    let mut names = vec!["server".to_owned()];
    let systems = std::fs::read_dir(fixture("../systems")).unwrap();
    for entry in systems.map(|e| e.unwrap()) {
        if entry.path().join("old/etc/netplan").is_dir() {
            names.push(entry.file_name().into_string().unwrap());
        }
    }
    for name in names {
        let tree = root.join("mnt").join(&name);
        std::fs::create_dir_all(tree.parent().unwrap()).unwrap();
        let system = fixture("../systems").join(&name);
        if system.is_dir() {
            run(Command::new("cp")
                .arg("-r")
                .arg(system.join("old"))
                .arg(&tree));
        } else {
            std::fs::create_dir_all(tree.join("etc/netplan")).unwrap();
            std::fs::create_dir_all(tree.join("usr/sbin")).unwrap();
            std::fs::write(tree.join("etc/netplan/50.yaml"), &server).unwrap();
            std::fs::write(tree.join("usr/sbin/netplan"), "").unwrap();
        }
        let load = || files::load(&RootDir::open(&tree).unwrap()).unwrap();
        let kernel = match system.join("live").exists() {
            true => live(&format!("../systems/{name}/live")),
            false => cards(&merged(load(), None).0),
        };
        let ours = merged(load(), Some(&kernel)).0;
        let mut generate = Command::new("chroot");
        generate.arg(root).arg("/usr/libexec/netplan/generate");
        let out = output(generate.args(["--root-dir", &format!("/mnt/{name}")]));
        if !out.status.success() {
            faults.push(format!("==== netplan {name}: {out:?}"));
            continue;
        }
        std::fs::remove_dir_all(tree.join("etc/netplan")).unwrap();
        std::fs::remove_file(tree.join("usr/sbin/netplan")).unwrap();
        let theirs = merged(load(), Some(&kernel)).0;
        for i in &ours.interfaces {
            let other = theirs.interfaces.iter().find(|o| o.name == i.name);
            if other != Some(i) {
                faults.push(format!(
                    "==== netplan {name}: {i:?}\nand by netplan itself {other:?}"
                ));
            }
        }
    }
    faults
}
