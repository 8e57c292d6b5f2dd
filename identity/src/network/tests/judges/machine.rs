// SPDX-License-Identifier: MIT OR Apache-2.0
//! A machine of namespaces: a root with the programs of a new system, the files
//! that were written for it, and network cards that are veth pairs.

use crate::network::model::{Interface, Kind, Network};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use testkit::run;

/// The end of what a command says.
const END: &str = "--- end";

/// What the kernel of the host is asked for: it may have neither bonds nor VLANs.
pub fn has_bonds() -> bool {
    let words = ["--net", "sh", "-c"];
    let script = "ip link add b type bond && ip link add link b name v type vlan id 7";
    let mut unshare = Command::new("unshare");
    testkit::output(unshare.args(words).arg(script))
        .status
        .success()
}

/// Unpacks the root with the programs.
pub fn unpack(into: &Path) {
    let script = testkit::source("tests/images/judges.sh");
    let tar = run(Command::new("sh").arg(script));
    std::fs::create_dir(into).unwrap();
    run(Command::new("tar").arg("-C").arg(into).args([
        "-xf",
        tar.trim(),
        "--numeric-owner",
        "--exclude=./dev",
        "--exclude=./var/lib/apt",
        "--exclude=./var/cache",
    ]));
    let write = |path: &str, text: &str| {
        let path = into.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        run(Command::new("chmod").arg("755").arg(path));
    };
    std::fs::create_dir_all(into.join("dev")).unwrap();
    // No profiles of its own for cards that have none, and nobody to ask.
    write(
        "etc/NetworkManager/NetworkManager.conf",
        "[main]\nplugins=keyfile\nno-auto-default=*\ndhcp=internal\ndns=none\nhostname-mode=none\nauth-polkit=false\n",
    );
    // networkd's DHCP clients are known by it.
    write("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    // There is no DHCP server. That it was asked is enough.
    write("usr/sbin/dhclient", "#!/bin/sh\nexit 0\n");
    run(Command::new("cp")
        .arg(into.join("usr/bin/ip"))
        .arg(into.join("usr/bin/ip.real")));
    write("usr/bin/ip.without", IP);
}

/// `ip` on a kernel without bonds and VLANs: it has judged their options before
/// the kernel is asked, and something else stands in for the device.
const IP: &str = r#"#!/bin/sh
said=$(/usr/bin/ip.real "$@" 2>&1) && { [ -z "$said" ] || echo "$said"; exit 0; }
case "$* / $said" in
"link add "*" type bond "*"/ Error: Unknown device type."*) kind=bridge ;;
"link add "*" type vlan "*"/ Error: Unknown device type."*) kind=veth ;;
"link set "*" type bond "*"/ Error: Unknown device type."*) exit 0 ;;
"link set "*" type bond "*"/ RTNETLINK "*) exit 0 ;;
*) echo "ip $*: $said" >&2; exit 1 ;;
esac
while [ "$1" != name ]; do shift; done
exec /usr/bin/ip.real link add name "$2" type $kind
"#;

/// A shell in the namespaces. All in it ends with the value.
pub struct Machine {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

const START: &str = r#"
root=$1 tree=$2
mount --make-rprivate /
mount -t proc proc $root/proc
# Without udev: /sys that is read-only says so.
mount -t sysfs -o ro sysfs $root/sys
mount --rbind /dev $root/dev
for dir in run tmp var/lib/NetworkManager; do mount -t tmpfs tmpfs $root/$dir; done
mkdir -p $root/run/systemd $root/run/dbus $root/run/lock
for dir in etc/systemd/network etc/NetworkManager/system-connections etc/network; do
    mkdir -p $tree/$dir
    mount --bind $tree/$dir $root/$dir
done
for when in pre-up up down post-down; do mkdir -p $root/etc/network/if-$when.d; done
ip link set lo up
# The addresses are there at once.
echo 0 >/proc/sys/net/ipv6/conf/default/dad_transmits
while read -r line; do
    eval "$line"
    echo "--- end"
done
"#;

impl Machine {
    /// Starts one with the files of `tree`, and the network's cards.
    pub fn start(root: &Path, tree: &Path, network: &Network, stand_ins: bool) -> Machine {
        let mut unshare = Command::new("unshare");
        unshare.args(["--net", "--mount", "--pid", "--fork", "--kill-child"]);
        unshare.args(["sh", "-c", START, "sh"]).arg(root).arg(tree);
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
        unshare
            .env("PATH", path)
            .env("LC_ALL", "C")
            .env("root", root);
        unshare.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = unshare.spawn().unwrap();
        let (to, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let from = BufReader::new(from);
        let mut machine = Machine { child, to, from };
        for (n, i) in network.interfaces.iter().enumerate() {
            if i.kind == Kind::Ethernet || stand_ins && !matches!(i.kind, Kind::Bridge { .. }) {
                let mac = i.mac.map(|m| format!("address {m}")).unwrap_or_default();
                machine.sh(&format!(
                    "ip link add {} {mac} type veth peer name peer{n}; ip link set peer{n} up",
                    i.name
                ));
            }
        }
        machine
    }

    /// What a command says, which is one line.
    pub fn sh(&mut self, command: &str) -> String {
        writeln!(self.to, "{command}").unwrap();
        let mut said = String::new();
        loop {
            let before = said.len();
            assert!(
                self.from.read_line(&mut said).unwrap() > 0,
                "{command}: {said}"
            );
            if said[before..].trim_end() == END {
                said.truncate(before);
                return said;
            }
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file of the tree, changed.
pub fn edit(path: PathBuf, change: impl Fn(&str) -> String) {
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, change(&text)).unwrap();
}

/// Whether the kernel here may lack it.
pub fn is_stacked(i: &Interface) -> bool {
    matches!(i.kind, Kind::Bond { .. } | Kind::Vlan { .. })
}
