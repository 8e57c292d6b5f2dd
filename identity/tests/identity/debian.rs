// SPDX-License-Identifier: MIT OR Apache-2.0
//! Save and apply between two real Debian 12 root file systems
//! (tests/images/roots.sh), checked by Debian's own tools in a chroot: ifquery,
//! pwck, grpck, getent, sshd.

use super::support::{Places, read, snapshot, write};
use identity::network::kernel::{self, KernelNetwork};
use identity::{Policy, Report, apply, load, network, save};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use testkit::{chroot, roots, run};

/// Unpacks what the identity has to do with, and the programs that check it.
fn unpack(which: &str, into: &Path) {
    std::fs::create_dir(into).unwrap();
    run(Command::new("tar")
        .arg("-C")
        .arg(into)
        .arg("-xf")
        .arg(roots(which))
        .args([
            "--numeric-owner",
            "--exclude=./boot",
            "--exclude=./usr/lib/modules",
            "--exclude=./usr/share",
            "--exclude=./dev",
            "--exclude=./var/lib/dpkg",
            "--exclude=./usr/lib/grub",
            // Without SELinux; tests/labels.rs has one with it.
            "--exclude=./etc/selinux",
        ]));
}

/// A kernel with one card, as the running old system has it.
fn kernel() -> KernelNetwork {
    let mac: network::Mac = "52:54:00:12:34:56".parse().unwrap();
    let address = |text: &str, permanent| kernel::Address {
        link: 2,
        address: network::Cidr::parse(text).unwrap(),
        permanent,
        global: true,
        valid: None,
    };
    KernelNetwork {
        links: vec![
            kernel::Link {
                index: 1,
                name: "lo".into(),
                ..Default::default()
            },
            kernel::Link {
                index: 2,
                name: "eth0".into(),
                ethernet: true,
                up: true,
                mac: Some(mac),
                mtu: 1500,
                ..Default::default()
            },
        ],
        addresses: vec![address("10.0.2.77/24", true)],
        ..Default::default()
    }
}

#[test]
fn one_debian_becomes_another() {
    testkit::needs!("root", "image");
    let places = Places::new();
    let (old, new, saved) = (&places.old, &places.new, &places.saved);
    unpack("old", old);
    unpack("new", new);
    write(old, "etc/hostname", "web1\n");
    write(
        old,
        "etc/hosts",
        "127.0.0.1 localhost\n127.0.1.1 web1.example.net web1\n",
    );
    write(old, "etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    write(
        old,
        "etc/network/interfaces",
        "auto lo\niface lo inet loopback\nauto eth0\niface eth0 inet static\n address 10.0.2.77/24\n gateway 10.0.2.2\n up ip route add 10.9.0.0/16 via 10.0.2.9\n",
    );
    write(
        old,
        "etc/resolv.conf",
        "search example.net\nnameserver 10.0.2.3\n",
    );
    write(
        old,
        "root/.ssh/authorized_keys",
        "ssh-ed25519 AAAAold root@old\n",
    );
    chroot(
        old,
        &[
            "useradd",
            "-m",
            "-s",
            "/bin/bash",
            "-G",
            "sudo,adm",
            "-c",
            "Alice",
            "alice",
        ],
    );
    chroot(old, &["usermod", "-p", "$6$salt$rootshash", "root"]);
    chroot(old, &["usermod", "-p", "$6$salt$aliceshash", "alice"]);
    // The image has an account with the number of the old machine's user.
    chroot(new, &["useradd", "-m", "-s", "/bin/bash", "vendor"]);
    write(new, "home/vendor/file", "vendor's");
    std::os::unix::fs::chown(new.join("home/vendor/file"), Some(1000), Some(1000)).unwrap();
    std::fs::set_permissions(
        new.join("home/vendor/file"),
        std::fs::Permissions::from_mode(0o4755),
    )
    .unwrap();
    write(
        new,
        "etc/network/interfaces.d/image",
        "auto ens3\niface ens3 inet dhcp\n",
    );
    write(new, "etc/lvm/devices/system.devices", "VERSION=1.1.1\n");
    write(new, "etc/lvm/backup/vg", "x");
    write(
        new,
        "root/.ssh/authorized_keys",
        "ssh-ed25519 AAAAvendor support\n",
    );
    let image_key = read(new, "etc/ssh/ssh_host_ed25519_key");

    let report = save(old, Some(&kernel()), saved).unwrap();
    assert_eq!(report.warnings, [] as [&str; 0]);
    for (path, (mode, ..)) in snapshot(saved) {
        let want = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode & 0o7777, want, "{path:?}");
    }
    assert_eq!(std::fs::metadata(saved).unwrap().mode() & 0o7777, 0o700);
    let identity = load(saved).unwrap();
    assert_eq!(identity.network.interfaces.len(), 1);
    let before = snapshot(saved);
    save(old, Some(&kernel()), saved).unwrap();
    assert_eq!(before, snapshot(saved), "saved twice");

    let report = apply(saved, new, &Policy::default()).unwrap();
    check(old, new, &image_key, &report);
    bring_up(new);
    std::fs::remove_file(new.join("dev/null")).unwrap();
    let once = snapshot(new);
    let again = apply(saved, new, &Policy::default()).unwrap();
    assert!(again.warnings.len() <= report.warnings.len(), "{again:?}");
    let twice = snapshot(new);
    for (path, entry) in &once {
        assert_eq!(
            Some(entry),
            twice.get(path),
            "{path:?} changed the second time"
        );
    }
    assert_eq!(once.len(), twice.len());
}

/// The new system's own ifup, in a network namespace with a card of the old
/// machine's MAC address and name.
fn bring_up(new: &Path) {
    let name = format!("replant-deb-{}", std::process::id());
    let ip = |args: &str| run(Command::new("ip").args(args.split(' ')));
    ip(&format!("netns add {name}"));
    ip(&format!(
        "-n {name} link add eth0 address 52:54:00:12:34:56 type veth peer name other"
    ));
    ip(&format!("-n {name} link set other up"));
    let mut ifup = Command::new("ip");
    ifup.args(["netns", "exec", &name, "chroot"])
        .arg(new)
        .args(["ifup", "-a"]);
    let up = ifup.env("PATH", "/usr/sbin:/usr/bin").output().unwrap();
    let addresses = ip(&format!("-n {name} -o -4 addr show dev eth0"));
    let routes = ip(&format!("-n {name} route"));
    ip(&format!("netns del {name}"));
    // What ifup leaves behind is not ours.
    let _ = std::fs::remove_dir_all(new.join("run/network"));
    assert!(up.status.success(), "{up:?}");
    assert!(addresses.contains("inet 10.0.2.77/24"), "{addresses}");
    assert!(routes.contains("default via 10.0.2.2 dev eth0"), "{routes}");
    assert!(
        routes.contains("10.9.0.0/16 via 10.0.2.9 dev eth0"),
        "{routes}"
    );
}

/// Routes that systemd-networkd installs only if they are told as it wants them.
#[test]
fn networkd_takes_every_route() {
    testkit::needs!("root", "image");
    let places = Places::new();
    let (old, new, saved) = (&places.old, &places.new, &places.saved);
    unpack("new", new);
    let wants = "etc/systemd/system/multi-user.target.wants/systemd-networkd.service";
    write(new, wants, "");
    // A DHCP client is known by it.
    write(old, "etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    write(
        old,
        "etc/network/interfaces",
        "auto eth0
iface eth0 inet dhcp
iface eth0 inet static
 address 198.51.100.77/32
 gateway 10.0.0.1
 up ip route add 10.1.0.0/16 via 192.0.2.1; ip route add 10.2.0.0/16 via inet6 fe80::9
 up ip addr add 192.0.2.2/24 dev eth0 && ip route add 10.3.0.0/16 via 192.0.2.1 src 192.0.2.2
 up ip route add default via 192.0.2.1 table 7; ip rule add from 192.0.2.2 table 7 pref 9
 up ip route add blackhole 10.4.0.0/16
iface eth0 inet6 static
 address 2001:db8:0:10::100/128
 gateway 2001:db8:0:10::1
",
    );
    save(old, Some(&kernel()), saved).unwrap();
    apply(saved, new, &Policy::default()).unwrap();
    // Without a system bus, and without udev: /sys that is read-only says so.
    let script = "
        set -e; new=$1
        mkdir -p $new/dev; mount --make-rprivate /
        mount -t proc proc $new/proc
        mount -t sysfs -o ro sysfs $new/sys
        mount --rbind /dev $new/dev
        mount -t tmpfs tmpfs $new/run
        mkdir -p $new/run/systemd
        ip link add eth0 address 52:54:00:12:34:56 type veth peer name other
        ip link set other up
        chroot $new /lib/systemd/systemd-networkd & p=$!
        for wait in $(seq 300); do
            # Routes come all at once, when the addresses are there.
            ip -6 route | grep -q default && ip route | grep -q default && break
            sleep 0.1
        done
        ip route; ip -6 route; ip rule; ip route show table 7
        kill $p; wait $p || true";
    let mut unshare = Command::new("unshare");
    unshare.args(["--net", "--mount", "sh", "-c", script, "sh"]);
    let routes = run(unshare.arg(new));
    for line in [
        "default via 10.0.0.1 dev eth0 proto static onlink",
        "10.1.0.0/16 via 192.0.2.1 dev eth0 proto static",
        "10.2.0.0/16 via inet6 fe80::9 dev eth0 proto static",
        "10.3.0.0/16 via 192.0.2.1 dev eth0 proto static src 192.0.2.2",
        "blackhole 10.4.0.0/16 proto static",
        "9:\tfrom 192.0.2.2 lookup 7 proto static",
        "default via 192.0.2.1 dev eth0 proto static",
        "default via 2001:db8:0:10::1 dev eth0 proto static metric 1024 onlink",
    ] {
        assert!(routes.contains(line), "{line} in:\n{routes}");
    }
}

fn check(old: &Path, new: &Path, image_key: &str, report: &Report) {
    assert_eq!(read(new, "etc/hostname"), "web1\n");
    assert!(read(new, "etc/hosts").contains("127.0.1.1\tweb1.example.net web1\n"));
    assert_eq!(
        read(new, "etc/machine-id"),
        "0123456789abcdef0123456789abcdef\n"
    );
    assert!(!report.relabels, "Debian has no SELinux policy");

    // Network, as ifupdown itself understands it.
    assert_eq!(chroot(new, &["ifquery", "--list"]).trim(), "lo\neth0");
    let query = chroot(new, &["ifquery", "eth0"]);
    for line in [
        "address: 10.0.2.77\n",
        "netmask: 255.255.255.0",
        "gateway: 10.0.2.2",
        "up: ip route replace 10.9.0.0/16 via 10.0.2.9 dev $IFACE",
    ] {
        assert!(query.contains(line), "{query}");
    }
    assert!(read(new, "etc/resolv.conf").ends_with("nameserver 10.0.2.3\nsearch example.net\n"));
    let link = read(new, "etc/systemd/network/10-replant-52-54-00-12-34-56.link");
    assert!(link.contains("MACAddress=52:54:00:12:34:56\nType=ether\n\n[Link]\nName=eth0\n"));
    assert!(!new.join("etc/network/interfaces.d/image").exists());
    assert!(
        new.join("var/lib/replant/payload/etc/network/interfaces.d/image")
            .exists()
    );

    // Accounts, as the C library and shadow understand them.
    chroot(new, &["pwck", "-r", "-q"]);
    chroot(new, &["grpck", "-r"]);
    let getent = |args: &[&str]| chroot(new, &[&["getent"], args].concat());
    assert_eq!(
        getent(&["passwd", "alice"]).trim(),
        "alice:x:1000:1000:Alice:/home/alice:/bin/bash"
    );
    assert!(getent(&["shadow", "alice"]).starts_with("alice:$6$salt$aliceshash:"));
    assert!(getent(&["shadow", "root"]).starts_with("root:$6$salt$rootshash:"));
    assert!(getent(&["passwd", "vendor"]).starts_with("vendor:x:59999:59999:"));
    let groups = chroot(new, &["id", "-nG", "alice"]);
    assert_eq!(
        groups.split_whitespace().collect::<Vec<_>>(),
        ["alice", "adm", "sudo"]
    );
    let shadow = std::fs::metadata(new.join("etc/shadow")).unwrap();
    assert_eq!(
        (shadow.mode() & 0o7777, shadow.uid(), shadow.gid()),
        (0o640, 0, 42)
    );
    let home = std::fs::metadata(new.join("home/alice")).unwrap();
    assert_eq!((home.uid(), home.gid()), (1000, 1000));
    assert_eq!(
        std::fs::metadata(new.join("home/alice/.bashrc"))
            .unwrap()
            .uid(),
        1000
    );
    let moved = std::fs::metadata(new.join("home/vendor/file")).unwrap();
    assert_eq!(
        (moved.uid(), moved.gid(), moved.mode() & 0o7777),
        (59999, 59999, 0o4755)
    );
    let keys = read(new, "root/.ssh/authorized_keys");
    assert_eq!(
        keys,
        "ssh-ed25519 AAAAvendor support\nssh-ed25519 AAAAold root@old\n"
    );

    // Host keys that OpenSSH takes. (It opens /dev/null first.)
    write(new, "dev/null", "");
    for kind in ["rsa", "ecdsa", "ed25519"] {
        let name = format!("etc/ssh/ssh_host_{kind}_key");
        assert_eq!(read(new, &name), read(old, &name));
        assert_eq!(
            std::fs::metadata(new.join(&name)).unwrap().mode() & 0o7777,
            0o600
        );
        chroot(new, &["ssh-keygen", "-y", "-f", &format!("/{name}")]);
    }
    assert_ne!(read(new, "etc/ssh/ssh_host_ed25519_key"), image_key);

    assert!(!new.join("etc/lvm/devices/system.devices").exists());
    assert!(!new.join("etc/lvm/backup/vg").exists());
}
