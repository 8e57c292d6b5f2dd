// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is said to be lost of roots that were made for it.

use super::*;
use ondisk::md5;
use rootdir::{Attributes, RootDir};
use std::cell::Cell;
use testkit::Target;

/// A system below a directory that goes away with the test.
struct System {
    top: tempfile::TempDir,
    root: RootDir,
}

impl System {
    fn new(files: &[(&str, &str)]) -> System {
        let top = tempfile::tempdir().unwrap();
        let root = RootDir::open(top.path()).unwrap();
        let system = System { top, root };
        for (path, text) in files {
            system.put(path, text);
        }
        system
    }

    fn put(&self, path: &str, text: &str) {
        if let Some((dir, _)) = path.rsplit_once('/') {
            std::fs::create_dir_all(self.top.path().join(dir)).unwrap();
        }
        let mode = Attributes::root(0o644);
        self.root.write(path, text.as_bytes(), mode).unwrap();
    }

    fn link(&self, path: &str, target: &str) {
        let (dir, _) = path.rsplit_once('/').unwrap();
        std::fs::create_dir_all(self.top.path().join(dir)).unwrap();
        std::os::unix::fs::symlink(target, self.top.path().join(path)).unwrap();
    }

    fn losses(&self) -> Vec<Loss> {
        self.losses_of(Vec::new(), None)
    }

    fn losses_of(&self, mounts: Vec<Mounted>, rpm: Option<&dyn Rpm>) -> Vec<Loss> {
        let machine = Machine {
            mounts,
            rpm,
            clock: &|| 0,
        };
        find(self.top.path(), &machine)
    }
}

/// The rows of a kind: what, and the note.
fn rows(losses: &[Loss], kind: Kind) -> Vec<String> {
    let of = losses.iter().filter(|l| l.kind == kind);
    of.map(|l| format!("{} {}", l.what, l.note).trim().to_owned())
        .collect()
}

fn dpkg(conffiles: &[(&str, &str)], owned: &str) -> System {
    let mut status = "Package: base\nStatus: install ok installed\nConffiles:\n".to_owned();
    for (path, text) in conffiles {
        status += &format!(" {path} {}\n", md5::of(text.as_bytes()));
    }
    status += "Description: x\n /etc/no 0123\n";
    System::new(&[
        ("var/lib/dpkg/status", &status),
        ("var/lib/dpkg/info/base.list", owned),
    ])
}

#[test]
fn what_a_package_brought_and_nobody_changed_is_no_loss() {
    let system = dpkg(
        &[
            (
                "/etc/crontab",
                "17 * * * * root run-parts /etc/cron.hourly\n",
            ),
            ("/etc/cron.d/e2scrub", "30 3 * * 0 root x\n"),
            ("/etc/sysctl.conf", "# nothing\n"),
            ("/etc/nginx/nginx.conf", "worker_processes auto;\n"),
            ("/etc/my file.conf", "a\n"),
            ("/etc/ufw/before.rules", "*filter\n-A x\nCOMMIT\n"),
        ],
        "/.\n/etc\n/etc/cron.daily/dpkg\n/usr/lib/systemd/system/cron.service\n",
    );
    system.put(
        "etc/crontab",
        "17 * * * * root run-parts /etc/cron.hourly\n",
    );
    system.put("etc/cron.d/e2scrub", "30 3 * * 0 root x\n");
    system.put("etc/cron.daily/dpkg", "#!/bin/sh\n");
    system.put("etc/sysctl.conf", "# nothing\n");
    system.put("etc/nginx/nginx.conf", "worker_processes auto;\n");
    system.put("etc/my file.conf", "a\n");
    system.put("etc/ufw/before.rules", "*filter\n-A x\nCOMMIT\n");
    for (carried, text) in [
        ("passwd", "root:x:0:0::/:\n"),
        ("hosts", "127.0.0.1 localhost\n"),
        ("group-", "x"),
        ("ssh/ssh_host_rsa_key", "k"),
    ] {
        system.put(&format!("etc/{carried}"), text);
    }
    // A list that is longer than files of configuration are.
    let long = "/usr/share/doc/x/y\n".repeat(300_000) + "/etc/long.conf\n";
    let list = system.top.path().join("var/lib/dpkg/info/long.list");
    std::fs::write(list, long).unwrap();
    system.put("etc/long.conf", "x\n");
    assert_eq!(system.losses(), []);
    // Changed, added, and made by hand.
    system.put(
        "etc/crontab",
        "MAILTO=me\n17 * * * * root run-parts\n5 5 * * * root /srv/x\n",
    );
    system.put(
        "etc/cron.d/backup",
        "SHELL=/bin/sh\n# b\n@daily root /srv/b\n",
    );
    system.put("etc/cron.daily/report", "#!/bin/sh\n");
    system.put(
        "etc/sysctl.d/90-db.conf",
        "; x\nvm.swappiness = 1\nvm.x=2\n",
    );
    system.put("etc/modprobe.d/local.conf", "options bonding max_bonds=0\n");
    system.put("etc/nginx/nginx.conf", "worker_processes 4;\n");
    system.put("etc/my file.conf", "b\n");
    system.put("etc/openvpn/client.conf", "remote x\n");
    system.put(
        "etc/iptables/rules.v4",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n",
    );
    system.put("etc/ufw/user.rules", "*filter\nCOMMIT\n");
    system.put(
        "etc/firewalld/zones/public.xml",
        "<zone>\n<port/>\n</zone>\n",
    );
    let losses = system.losses();
    assert_eq!(
        rows(&losses, Kind::Cron),
        [
            "/etc/cron.d/backup 1 jobs",
            "/etc/cron.daily/report",
            "/etc/crontab 2 jobs"
        ]
    );
    assert_eq!(
        rows(&losses, Kind::Kernel),
        [
            "/etc/modprobe.d/local.conf 1 settings",
            "/etc/sysctl.d/90-db.conf 2 settings"
        ]
    );
    assert_eq!(
        rows(&losses, Kind::Changed),
        ["/etc/my file.conf", "/etc/nginx/nginx.conf"]
    );
    assert_eq!(rows(&losses, Kind::Added), ["/etc/openvpn/client.conf"]);
    assert_eq!(
        rows(&losses, Kind::Firewall),
        [
            "/etc/firewalld/zones/public.xml 3 lines of rules",
            "/etc/iptables/rules.v4 1 lines of rules"
        ]
    );
}

#[test]
fn crontabs_and_jobs_of_at() {
    let system = System::new(&[]);
    system.put(
        "var/spool/cron/root",
        "# x\nPATH=/bin\n*/5 * * * * /srv/poll\n",
    );
    system.put(
        "var/spool/cron/crontabs/alice",
        "@reboot x\n1 2 3 4 5 a=b c\n",
    );
    system.put("var/spool/cron/crontabs/bob", "# nothing\n");
    system.put("var/spool/cron/atjobs/a0000201a2b3c4", "#!/bin/sh\n");
    system.put("var/spool/cron/atjobs/.SEQ", "1\n");
    assert_eq!(
        rows(&system.losses(), Kind::Cron),
        [
            "/var/spool/cron/root 1 jobs of root",
            "/var/spool/cron/crontabs/alice 2 jobs of alice",
            "/var/spool/cron/atjobs 1 jobs of at",
        ]
    );
}

#[test]
fn units_and_services() {
    let owned = "/lib/systemd/system/nginx.service\n/usr/lib/systemd/system/getty@.service\n/usr/lib/systemd/system/sshd.service\n";
    let system = dpkg(&[], owned);
    let dir = "etc/systemd/system";
    system.put(&format!("{dir}/shop.service"), "[Service]\n");
    system.put(&format!("{dir}/shop.timer"), "[Timer]\n");
    system.put(&format!("{dir}/nginx.service.d/limits.conf"), "[Service]\n");
    system.link(&format!("{dir}/firewalld.service"), "/dev/null");
    system.link(
        &format!("{dir}/dbus-org.x.service"),
        "/usr/lib/systemd/system/sshd.service",
    );
    let wants = format!("{dir}/multi-user.target.wants");
    system.link(&format!("{wants}/shop.service"), "../shop.service");
    system.link(
        &format!("{wants}/agent.service"),
        "/usr/lib/systemd/system/agent.service",
    );
    system.link(
        &format!("{wants}/nginx.service"),
        "/usr/lib/systemd/system/nginx.service",
    );
    system.link(
        &format!("{wants}/sshd.service"),
        "/usr/lib/systemd/system/sshd.service",
    );
    system.link(
        &format!("{dir}/getty.target.wants/getty@tty1.service"),
        "/usr/lib/systemd/system/getty@.service",
    );
    let losses = system.losses();
    assert_eq!(
        rows(&losses, Kind::Unit),
        [
            "/etc/systemd/system/firewalld.service never starts (masked)",
            "/etc/systemd/system/nginx.service.d/limits.conf changes a unit",
            "/etc/systemd/system/shop.service",
            "/etc/systemd/system/shop.timer a timer",
        ]
    );
    // No preset decides: those of packages are in one line.
    let services = rows(&losses, Kind::Service);
    assert_eq!(services.len(), 3, "{services:?}");
    assert_eq!(
        services[0],
        "agent.service /usr/lib/systemd/system/agent.service"
    );
    assert!(
        services[1].starts_with("shop.service /etc/"),
        "{services:?}"
    );
    assert!(
        services[2].starts_with("getty@tty1.service, nginx.service, sshd.service "),
        "{services:?}"
    );
    // With the presets of EL, what they enable is no loss.
    system.put(
        "usr/lib/systemd/system-preset/90-default.preset",
        "enable sshd.*\nenable getty@.service\n",
    );
    system.put(
        "usr/lib/systemd/system-preset/99-default-disable.preset",
        "disable *\n",
    );
    let services = rows(&system.losses(), Kind::Service);
    assert_eq!(services.len(), 3, "{services:?}");
    assert_eq!(
        services[1],
        "nginx.service the distribution does not enable it"
    );
}

#[test]
fn hosts_and_certificates() {
    let system = System::new(&[]);
    system.put("etc/hostname", "web1.example.net\n");
    system.put("etc/hosts", "127.0.0.1 localhost localhost4.localdomain4\n127.0.1.1 web1.example.net web1\n::1 ip6-localhost\nff02::1 ip6-allnodes\n192.0.2.9 db1 db1.example.net # old\n192.0.2.10 web1 alias\n");
    system.put("usr/local/share/ca-certificates/corp/ca.crt", "x");
    system.put("etc/pki/ca-trust/source/anchors/proxy.pem", "x");
    let losses = system.losses();
    assert_eq!(
        rows(&losses, Kind::Hosts),
        ["192.0.2.9 db1 db1.example.net"]
    );
    assert_eq!(
        rows(&losses, Kind::Certificate),
        [
            "/etc/pki/ca-trust/source/anchors/proxy.pem",
            "/usr/local/share/ca-certificates/corp/ca.crt"
        ]
    );
}

#[test]
fn trees_have_their_sizes_and_only_what_is_on_the_disk_is_lost() {
    let system = System::new(&[]);
    let big = "x".repeat(200 << 10);
    system.put("home/alice/photo", &big);
    system.put("srv/a", &big);
    system.put("var/lib/mysql/ibdata1", &big);
    system.put("var/lib/pgsql/.keep", "x");
    system.put("var/lib/vendor/huge", &"x".repeat(2 << 20));
    system.put("var/lib/systemd/huge", &"x".repeat(2 << 20));
    system.put("data/file", &big);
    system.put("mnt/nas/file", &big);
    let hard = system.top.path().join("home/alice/again");
    std::fs::hard_link(system.top.path().join("home/alice/photo"), hard).unwrap();
    let mount = |target: &str, lost: bool| Mounted {
        target: target.into(),
        lost,
        whole: true,
    };
    let mounts = || {
        vec![
            mount("/", true),
            mount("/srv", false),
            mount("/data", true),
            mount("/mnt/nas", false),
        ]
    };
    let losses = system.losses_of(mounts(), None);
    let trees: Vec<&Loss> = losses.iter().filter(|l| l.kind == Kind::Tree).collect();
    let names: Vec<&str> = trees.iter().map(|l| l.what.as_str()).collect();
    assert_eq!(
        names,
        ["/home", "/var/lib/mysql", "/var/lib/vendor", "/data"]
    );
    assert_eq!(trees[1].note, "MySQL or MariaDB");
    for tree in &trees {
        let bytes = tree.bytes.unwrap();
        let want = if tree.what.ends_with("vendor") {
            2 << 20
        } else {
            200 << 10
        };
        assert!((want..want + (64 << 10)).contains(&bytes), "{tree:?}");
        assert!(!tree.more, "{tree:?}");
    }
    // Out of time: what there is, is said to be more.
    let seconds = Cell::new(0);
    let machine = Machine {
        mounts: mounts(),
        rpm: None,
        clock: &|| seconds.replace(seconds.get() + 30),
    };
    let losses = find(system.top.path(), &machine);
    let trees: Vec<&Loss> = losses.iter().filter(|l| l.kind == Kind::Tree).collect();
    assert!(
        trees.len() >= 4 && trees.iter().all(|l| l.more),
        "{trees:?}"
    );
}

/// rpm, as it answers on a machine with one changed file.
struct Answers;

impl Rpm for Answers {
    fn config_files(&self) -> std::result::Result<String, String> {
        let sum = |text: &str| ondisk::sha256::Sha256Sum::of(text.as_bytes());
        Ok(format!(
            "/etc/chrony.conf 5 1600000000 {} 0100644 root root 1 0 0 X\n/etc/ssh/sshd_config 5 1600000000 {} 0100600 root root 1 0 0 X\n/etc/grub2.cfg 22 1600000000 {} 0120777 root root 1 0 0 ../boot/grub2/grub.cfg\n/etc/ghost 0 0 {} 0100644 root root 1 0 0 X\n/etc/old 1 1 {} 0100644 root root 1 0 0 X\n",
            sum("same\n"),
            sum("same\n"),
            "0".repeat(64),
            "0".repeat(64),
            md5::of(b"md5\n"),
        ))
    }

    fn unowned(&self, paths: &[String]) -> std::result::Result<Vec<String>, String> {
        Ok(paths
            .iter()
            .filter(|p| p.contains("own"))
            .cloned()
            .collect())
    }
}

struct Silent;

impl Rpm for Silent {
    fn config_files(&self) -> std::result::Result<String, String> {
        Err("rpm does not answer".into())
    }

    fn unowned(&self, _: &[String]) -> std::result::Result<Vec<String>, String> {
        Err("rpm does not answer".into())
    }
}

#[test]
fn rpm_says_what_packages_brought() {
    let system = System::new(&[]);
    system.put("etc/chrony.conf", "same\n");
    system.put("etc/ssh/sshd_config", "other\n");
    system.put("etc/ghost", "made by a program\n");
    system.put("etc/old", "md5\n");
    system.put("etc/cron.daily/logrotate", "#!/bin/sh\n");
    system.put("etc/cron.daily/own", "#!/bin/sh\n");
    system.put("etc/own.conf", "x\n");
    let losses = system.losses_of(Vec::new(), Some(&Answers));
    let said: Vec<(Kind, &str)> = losses.iter().map(|l| (l.kind, l.what.as_str())).collect();
    assert_eq!(
        said,
        [
            (Kind::Cron, "/etc/cron.daily/own"),
            (Kind::Changed, "/etc/ssh/sshd_config"),
            (Kind::Added, "/etc/own.conf"),
        ]
    );
    // Without an answer everything counts that is named by its place, and the
    // list says that the rest is not known.
    for losses in [system.losses_of(Vec::new(), Some(&Silent)), system.losses()] {
        assert_eq!(rows(&losses, Kind::Cron).len(), 2, "{losses:?}");
        assert_eq!(rows(&losses, Kind::Changed).len(), 0, "{losses:?}");
        assert_eq!(rows(&losses, Kind::Unread).len(), 1, "{losses:?}");
    }
}

#[test]
fn a_list_can_be_saved_and_read_again() {
    let losses: Vec<Loss> = Kind::ALL
        .iter()
        .map(|kind| Loss {
            bytes: Some(u64::from(u32::MAX)),
            more: true,
            ..Loss::new(*kind, "/a \"b\"", kind.title())
        })
        .collect();
    let identity = crate::Identity {
        version: 1,
        losses: losses.clone(),
        ..crate::Identity::default()
    };
    let text = ondisk::document::write(&identity).unwrap();
    let again: crate::Identity = ondisk::document::read(&text).unwrap();
    assert_eq!(again.losses, losses);
    for kind in Kind::ALL {
        assert!(
            text.contains(&format!("kind = \"{}\"", kind.word())),
            "{text}"
        );
    }
}

/// Whatever stands in the files, the list ends and holds no control character.
#[test]
fn damaged_texts() {
    let samples = [
        "Conffiles:\n /etc/a b 0123456789abcdef0123456789abcdef obsolete\nX: y\n",
        "/etc/a b 5 16 0123456789abcdef0123456789abcdef 0100644 root root 1 0 0 X\n",
        "MAILTO=x\n1 2 3 4 5 root a=b\n@daily x\n",
        "*filter\n-A INPUT x\nCOMMIT\n",
        "192.0.2.1 a b # c\n",
        "enable a.*\ndisable *\n",
    ];
    let target = Target {
        name: "texts of the old system",
        samples: samples.map(|s| s.as_bytes().to_vec()).to_vec(),
        words: b" ~\n~=~#~\xff~\0~Conffiles:~@~-A ~COMMIT~disable ",
        hot: vec![],
        rounds: 3000,
    };
    let tally = target.read(|bytes, _| {
        let text = String::from_utf8_lossy(bytes);
        let sums = packages::conffiles(&text).len() + packages::dump(&text).len();
        let counts = texts::jobs(&text) + texts::rules(&text) + texts::lines(&text, &['#']);
        assert!(counts <= 3 * text.lines().count());
        sums + texts::foreign_hosts(&text, &["a"]).len() + texts::presets(&text).len() > 0
    });
    tally.at_least(100, 10);
}
