// SPDX-License-Identifier: MIT OR Apache-2.0
use super::*;
use crate::identity::model::Host;
use crate::identity::outcome::Report;
use crate::identity::policy::Policy;
use crate::identity::root::{Attributes, RootDir};
use crate::identity::tests::mutate;

fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, RootDir) {
    let top = tempfile::tempdir().unwrap();
    let root = RootDir::open(top.path()).unwrap();
    for (path, text) in files {
        root.write(path, text.as_bytes(), Attributes::root(0o644))
            .unwrap();
    }
    (top, root)
}

#[test]
fn lines_of_hosts_that_are_the_machines_own() {
    let hosts = "127.0.0.1 localhost web1\n127.0.1.1\tweb1.example.net web1 # me\n::1 localhost ip6-localhost\n192.0.2.9 db1\n192.0.2.10 web1.example.net alias\nnonsense\n";
    let own = own_lines(hosts, "web1.example.net");
    let got: Vec<String> = own
        .iter()
        .map(|e| format!("{} {}", e.ip, e.names.join(" ")))
        .collect();
    assert_eq!(
        got,
        [
            "127.0.0.1 web1",
            "127.0.1.1 web1.example.net web1",
            "192.0.2.10 web1.example.net alias"
        ]
    );
}

#[test]
fn settings_are_carried_over() {
    let (_old_top, old) = tree(&[
        ("etc/hostname", "# comment\nweb1.example.net\n"),
        (
            "etc/hosts",
            "127.0.0.1 localhost\n127.0.1.1 web1.example.net web1\n",
        ),
        ("etc/machine-id", "0123456789ABCDEF0123456789abcdef\n"),
        ("etc/locale.conf", "LANG=\"de_DE.UTF-8\"\n"),
        ("etc/vconsole.conf", "KEYMAP=de\n"),
        ("etc/adjtime", "0.0 0 0\n0\nLOCAL\n"),
        (
            "etc/chrony.conf",
            "pool 2.centos.pool.ntp.org iburst\nserver ntp1.example.net iburst prefer\n",
        ),
    ]);
    old.symlink("etc/localtime", "../usr/share/zoneinfo/Europe/Berlin")
        .unwrap();
    let mut report = Report::default();
    let host = collect(&old, &mut report).unwrap();
    assert_eq!(host.name.as_deref(), Some("web1.example.net"));
    assert_eq!(
        host.machine_id.as_deref(),
        Some("0123456789abcdef0123456789abcdef")
    );
    assert_eq!(host.timezone.as_deref(), Some("Europe/Berlin"));
    assert_eq!(host.time_servers, ["ntp1.example.net"]);
    assert!(host.local_clock && report.warnings.is_empty(), "{report:?}");

    let (new_top, new) = tree(&[
        ("etc/hostname", "appliance\n"),
        (
            "etc/hosts",
            "127.0.0.1 localhost appliance\n127.0.1.1 appliance.local\n192.0.2.1 gw\n",
        ),
        ("etc/locale.conf", "LANG=C.UTF-8\n"),
        ("etc/vconsole.conf", "KEYMAP=us\n"),
        ("etc/timezone", "Etc/UTC\n"),
        ("etc/chrony.conf", "pool 2.rocky.pool.ntp.org iburst\n"),
        ("usr/share/zoneinfo/Europe/Berlin", "TZif2"),
    ]);
    for _ in 0..2 {
        apply(&new, &host, &Policy::default(), &mut report).unwrap();
        let read = |p: &str| std::fs::read_to_string(new_top.path().join(p)).unwrap();
        assert_eq!(read("etc/hostname"), "web1.example.net\n");
        assert_eq!(
            read("etc/hosts"),
            "127.0.0.1\tlocalhost\n192.0.2.1 gw\n127.0.1.1\tweb1.example.net web1\n"
        );
        assert_eq!(read("etc/machine-id"), "0123456789abcdef0123456789abcdef\n");
        assert_eq!(
            read("etc/locale.conf"),
            "LANG=C.UTF-8\n",
            "German was not made"
        );
        assert_eq!(read("etc/vconsole.conf"), "KEYMAP=de\n");
        assert_eq!(read("etc/timezone"), "Europe/Berlin\n");
        assert_eq!(read("etc/adjtime").lines().nth(2), Some("LOCAL"));
        assert_eq!(
            new.link("etc/localtime").unwrap().as_deref(),
            Some("../usr/share/zoneinfo/Europe/Berlin")
        );
        let chrony = read("etc/chrony.conf");
        assert_eq!(
            chrony.matches("server ntp1.example.net iburst").count(),
            1,
            "{chrony}"
        );
    }
    assert!(report.warnings.iter().any(|w| w.contains("de_DE")));
}

#[test]
fn a_policy_that_says_no_changes_nothing() {
    let (top, new) = tree(&[("etc/hostname", "a\n"), ("etc/machine-id", "")]);
    let host = Host {
        name: Some("b".into()),
        machine_id: Some("0123456789abcdef0123456789abcdef".into()),
        timezone: Some("UTC".into()),
        ..Host::default()
    };
    let policy = Policy {
        hostname: false,
        machine_id: false,
        timezone: false,
        ..Policy::default()
    };
    apply(&new, &host, &policy, &mut Report::default()).unwrap();
    assert_eq!(
        std::fs::read(top.path().join("etc/hostname")).unwrap(),
        b"a\n"
    );
    assert_eq!(
        std::fs::read_dir(top.path().join("etc")).unwrap().count(),
        2
    );
}

#[test]
fn bad_names_are_not_carried_over() {
    for bad in ["", "-a", "a b", "a/../b", "a..b", ".", "a\n"] {
        assert!(!is_host_name(bad), "{bad:?}");
    }
    for bad in ["", "../../etc/shadow", "/etc", "Europe/../x", ".hidden"] {
        assert!(!is_zone(bad), "{bad:?}");
    }
    assert!(is_zone("America/Argentina/Buenos_Aires") && is_zone("Etc/GMT+3"));
    assert!(!is_machine_id("00000000000000000000000000000000"));
    assert!(!is_machine_id("uninitialized"));
}

#[test]
fn mutated_settings_never_panic() {
    let samples = [
        (
            "etc/hosts",
            "127.0.0.1 localhost\n127.0.1.1 web1.example.net web1\n::1 localhost\n",
        ),
        ("etc/hostname", "web1\n"),
        ("etc/chrony.conf", "server a.example iburst\npool b\n"),
    ];
    let (_top, root) = tree(&samples);
    for (seed, (path, text)) in samples.iter().enumerate() {
        for bytes in mutate(text.as_bytes(), seed as u64 + 3, 60) {
            root.write(path, &bytes, Attributes::root(0o644)).unwrap();
            let mut report = Report::default();
            let host = collect(&root, &mut report).unwrap();
            assert!(host.name.is_none_or(|n| is_host_name(&n)));
            assert!(
                host.hosts
                    .iter()
                    .all(|e| e.names.iter().all(|n| is_host_name(n)))
            );
            own_lines(&String::from_utf8_lossy(&bytes), "web1");
        }
    }
}
