// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names, clock and locale of a machine, in the files of both families.

use super::*;
use crate::model::Host;
use crate::report::Report;
use crate::tests::tree;
use ondisk::manifest::Policy;
use rootdir::Attributes;
use testkit::Target;

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

/// A link of one name of a file to the other stays one, and its file has each
/// line once.
#[test]
fn a_file_with_two_names_is_written_once() {
    let servers = "server a.example iburst\nserver b.example iburst\n";
    let (_old_top, old) = tree(&[
        ("etc/hostname", "web1\n"),
        ("etc/chrony/chrony.conf", servers),
        ("etc/default/locale", "LANG=C.UTF-8\n"),
        ("etc/vconsole.conf", "KEYMAP=de\n"),
        ("etc/default/keyboard", "XKBLAYOUT=de\n"),
    ]);
    old.symlink("etc/chrony.conf", "chrony/chrony.conf")
        .unwrap();
    old.symlink("etc/locale.conf", "default/locale").unwrap();
    let mut report = Report::default();
    let host = collect(&old, &mut report).unwrap();
    assert_eq!(host.time_servers, ["a.example", "b.example"]);
    let (top, new) = tree(&[
        (
            "etc/chrony/chrony.conf",
            "makestep 1 3\n# sourcedir /etc/chrony/sources.d\n",
        ),
        ("etc/chrony/sources.d/README", ""),
        ("etc/locale.conf", "LANG=C\n"),
        ("etc/default/keyboard", "XKBLAYOUT=us\n"),
    ]);
    new.symlink("etc/chrony.conf", "/etc/chrony/chrony.conf")
        .unwrap();
    new.symlink("etc/default/locale", "../locale.conf").unwrap();
    new.symlink("etc/vconsole.conf", "default/keyboard")
        .unwrap();
    for _ in 0..2 {
        apply(&new, &host, &Policy::default(), &mut report).unwrap();
        let read = |p: &str| std::fs::read_to_string(top.path().join(p)).unwrap();
        for link in ["etc/chrony.conf", "etc/default/locale", "etc/vconsole.conf"] {
            assert!(new.link(link).unwrap().is_some(), "{link}");
        }
        let text = read("etc/chrony/chrony.conf");
        for line in servers.lines() {
            assert_eq!(text.matches(line).count(), 1, "{text}");
        }
        assert_eq!(read("etc/locale.conf"), "LANG=C.UTF-8\n");
        assert_eq!(read("etc/default/keyboard"), "KEYMAP=de\n");
    }
    assert!(
        report
            .warnings
            .iter()
            .any(|w| w.starts_with("etc/default/keyboard is "))
    );
    // Two files, of which one is read: both get them.
    let (top, new) = tree(&[("etc/chrony.conf", "\n"), ("etc/chrony/chrony.conf", "\n")]);
    apply(&new, &host, &Policy::default(), &mut report).unwrap();
    for file in ["etc/chrony.conf", "etc/chrony/chrony.conf"] {
        let text = std::fs::read_to_string(top.path().join(file)).unwrap();
        assert_eq!(text.matches("server a.example iburst").count(), 1, "{text}");
    }
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
fn damaged_settings() {
    let hosts = "127.0.0.1 localhost\n127.0.1.1 web1.example.net web1\n::1 localhost ip6-localhost\n192.0.2.7 web1 db1\n";
    let chrony = "server a.example iburst\npool b\nsourcedir /etc/chrony/sources.d\n";
    let timesyncd = "[Time]\nNTP=a.example b.example\nFallbackNTP=\n";
    let paths = [
        "etc/hosts",
        "etc/hostname",
        "etc/chrony.conf",
        "etc/systemd/timesyncd.conf",
        "etc/machine-id",
        "etc/timezone",
        "etc/adjtime",
        "etc/sysconfig/network",
    ];
    let target = Target {
        name: "settings of the machine",
        samples: [
            hosts,
            "web1\n",
            chrony,
            timesyncd,
            "Europe/Berlin\n",
            "HOSTNAME=web1\n",
            "0.0 0 0\n0\nLOCAL\n",
        ]
        .map(|t| t.as_bytes().to_vec())
        .to_vec(),
        words: b"\n~ ~#~web1~..~/~::1~\xff~\0",
        hot: vec![],
        rounds: 200,
    };
    let (_top, root) = tree(&[("etc/hostname", "web1\n")]);
    target.read(|bytes, random| {
        let path = paths[random.below(paths.len())];
        root.write(path, bytes, Attributes::root(0o644)).unwrap();
        let host = collect(&root, &mut Report::default()).unwrap();
        root.remove(path).unwrap();
        let text = String::from_utf8_lossy(bytes);
        let own = own_lines(&text, "web1");
        let names = host.hosts.iter().chain(&own).flat_map(|e| &e.names);
        assert!(host.name.iter().chain(names).all(|n| is_host_name(n)));
        assert!(host.timezone.iter().all(|z| is_zone(z)));
        !own.is_empty()
    });
}
