// SPDX-License-Identifier: MIT OR Apache-2.0
//! One machine becomes another: the old disk boots through BIOS and GRUB, a
//! person logs in and starts the script, and from then on only watches.

use crate::accelerator;
use crate::cache;
use crate::product::{self, copy_disk};
use crate::session::Session;
use crate::vm::{Bus, Running, Vm};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use testkit::tool;

/// root's password on the old machine.
pub const ROOT_PASSWORD: &str = "old-root-secret";
/// The user anna's password on the old machine.
pub const ANNA_PASSWORD: &str = "old-anna-secret";
/// How long a whole boot may take in software emulation on a busy host.
pub const BOOT: Duration = Duration::from_secs(600);
/// How long the tiny system may take.
pub const MIGRATION: Duration = Duration::from_secs(2400);

/// The machine's disks, in a directory of their own.
pub struct Machine {
    dir: tempfile::TempDir,
    /// The disk that is replaced.
    pub disk: PathBuf,
    /// The disk that carries the package and must stay as it is.
    pub medium: PathBuf,
    memory: u32,
    /// Where all writes to the disk are kept.
    log: Option<PathBuf>,
    /// The host's port that is the machine's for ssh.
    ssh: u16,
}

impl Machine {
    /// A fresh copy of the old machine, with the package on a second disk.
    pub fn new() -> Machine {
        Machine::with_package(&product::package())
    }

    /// The same, with another package (or any file called migration.tar.gz).
    pub fn with_package(package: &Path) -> Machine {
        let old = cache::make("disks.sh", &["old"]);
        Machine::build(package, |disk| copy_disk(&old, disk))
    }

    /// The same hardware with this disk, which becomes the machine's own.
    pub fn with_disk(disk: &Path) -> Machine {
        Machine::build(&product::package(), |own| {
            std::fs::rename(disk, own).expect("the disk, in the cache");
        })
    }

    fn build(package: &Path, make: impl FnOnce(&Path)) -> Machine {
        let dir = tempfile::tempdir_in(cache::directory()).expect("a temporary directory");
        let disk = dir.path().join("disk");
        make(&disk);
        let media = dir.path().join("media");
        std::fs::create_dir(&media).expect("mkdir");
        std::fs::hard_link(package, media.join("migration.tar.gz"))
            .or_else(|_| std::fs::copy(package, media.join("migration.tar.gz")).map(|_| ()))
            .expect("the package");
        let medium = dir.path().join("medium");
        let script = cache::source().join("tests/images/medium.sh");
        let words = [script.as_path(), &media, Path::new("stay"), &medium];
        tool("sh", &words.map(|w| w.to_str().expect("UTF-8")));
        Machine {
            dir,
            disk,
            medium,
            memory: 1024,
            log: None,
            ssh: crate::ssh::free_port(),
        }
    }

    /// Another amount of RAM.
    pub fn memory(mut self, mib: u32) -> Machine {
        self.memory = mib;
        self
    }

    /// From now on QEMU keeps all that is written to the disk in this file,
    /// which must exist, one boot after the other.
    pub fn record(&mut self, log: &Path) {
        self.log = Some(log.into());
    }

    /// Its own directory, for further files.
    pub fn directory(&self) -> &Path {
        self.dir.path()
    }

    /// The port of the host at which the sshd of the machine's static address
    /// answers.
    pub fn ssh_port(&self) -> u16 {
        self.ssh
    }

    /// The hardware: BIOS, both disks, network cards at fixed places, and two
    /// serial ports. The network reaches no further than this host.
    pub fn vm(&self) -> Vm {
        let forward = format!("hostfwd=tcp:127.0.0.1:{}-10.0.2.77:22", self.ssh);
        let networks = [
            format!("user,id=net,restrict=on,{forward}"),
            "user,id=lan,restrict=on,net=192.168.76.0/24,ipv6=off".into(),
            "user,id=one,restrict=on,net=192.168.77.0/24,ipv6=off".into(),
            "user,id=two,restrict=on,net=192.168.78.0/24,ipv6=off".into(),
        ];
        let mut vm = Vm::new().memory(self.memory).serials(2);
        for (n, (id, network)) in ["net", "lan", "one", "two"]
            .iter()
            .zip(networks)
            .enumerate()
        {
            let card = format!(
                "virtio-net-pci,netdev={id},mac=52:54:00:5e:ed:0{},addr=0x{}",
                n + 1,
                n + 3
            );
            vm = vm.arg("-netdev").arg(network).arg("-device").arg(card);
        }
        self.disks(vm)
    }

    fn disks(&self, vm: Vm) -> Vm {
        let vm = match &self.log {
            None => vm.disk(&self.disk, Bus::Virtio),
            Some(log) => vm.recorded(&self.disk, log),
        };
        vm.disk(&self.medium, Bus::Virtio)
    }

    /// Boots from the disk through BIOS and GRUB. With `-no-reboot` QEMU ends
    /// where the machine would restart; starting again is that restart.
    pub fn boot(&self, until_restart: bool) -> Running {
        let vm = self.vm();
        if until_restart {
            vm.arg("-no-reboot").start()
        } else {
            vm.start()
        }
    }
}

/// A kernel's processor stood still for so many seconds, by what it last said.
fn stuck(console: &str) -> Option<u64> {
    let (_, said) = console.rsplit_once("soft lockup - CPU#")?;
    let (_, said) = said.split_once(" stuck for ")?;
    said.split_once('s')?.0.parse().ok()
}

impl Machine {
    /// Boots an installed system until somebody can log in. QEMU's emulation of
    /// a processor comes to a stop now and then, at any instruction: such a
    /// start is made again, twice at most.
    pub fn boot_to_login(&self) -> Running {
        'again: for _ in 0..2 {
            let running = self.boot(true);
            let begin = Instant::now();
            while begin.elapsed() < BOOT && accelerator::is_emulation() {
                let console = running.serials[0].output();
                if console.contains("login: ") {
                    break;
                }
                if let Some(seconds) = stuck(&console).filter(|seconds| *seconds > 60) {
                    eprintln!("\nthe emulated processor stood still for {seconds} s; once more");
                    continue 'again;
                }
                std::thread::sleep(Duration::from_millis(500));
            }
            return running;
        }
        self.boot(true)
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

/// Logs in on the old machine and unpacks the package, as a person would.
pub fn unpack_package(machine: &Running) -> Session<'_> {
    let mut session = Session::login(machine, "oldbox", "root", ROOT_PASSWORD, 0, BOOT);
    // udev has the group activated some time after the login prompt.
    session.run("udevadm settle; test -e /dev/stay/media || vgchange -q -ay stay");
    // noload: not even the journal of the medium is written.
    session.run("mount -o ro,noload /dev/stay/media /mnt");
    session.run("mkdir -p /root/package && tar -xzf /mnt/migration.tar.gz -C /root/package");
    session.run("umount /mnt");
    session
}

/// What a machine is known by, in words: names, addresses, routes, host keys.
/// A network card is its hardware address here: its name may change.
pub fn identity(session: &mut Session<'_>) -> String {
    [
        "hostname",
        "cat /etc/machine-id",
        // DHCP has answered, and both ports are in the bond.
        "for n in $(seq 240); do ip -4 addr | grep -q 192.168.76. && \
         [ $(grep -c ^Permanent /proc/net/bonding/bond0) = 2 ] && break; sleep 1; done",
        "for i in $(ip -br link | sed 's/[@ ].*//'); do ip -o addr show dev $i | \
         awk -v card=$(cat /sys/class/net/$i/address) '/scope (global|site)/ {print card, $4}'; \
         done | sort",
        "ip -4 route show default | awk '{print $1, $2, $3, /onlink/}'",
        "ip -6 route show default | awk '{print $1, $2, $3}'",
        "grep -E '^(Bonding Mode|MII Polling|Permanent)' /proc/net/bonding/bond0 | sort",
        "tail -n +3 /proc/net/vlan/config",
        "grep -E '^(search|nameserver)' /etc/resolv.conf | sort",
        "cd /etc/ssh; sha256sum ssh_host_*_key ssh_host_*_key.pub; cd",
    ]
    .map(|command| session.run(command))
    .join("\n")
}

/// The steps of a migration in their order.
pub fn steps(protected: bool) -> Vec<&'static str> {
    let (before, after) = (
        ["discover", "load", "preflight"],
        [
            "wipe",
            "partition",
            "volumes",
            "format",
            "unpack",
            "identity",
            "boot",
            "erase",
            "finish",
            "switch",
        ],
    );
    let mut steps = before.to_vec();
    steps.extend(protected.then_some("arm"));
    steps.extend(after);
    steps.extend(protected.then_some("release"));
    steps
}

/// Whether every one of these steps is on the console as done, in order.
///
/// # Panics
/// When one is not.
pub fn were_shown(console: &str, names: &[&str]) {
    let (mut at, count) = (0, names.len());
    for (n, name) in names.iter().enumerate() {
        let line = format!("[{:2}/{count}] {name:<9} done", n + 1);
        at += console[at..]
            .find(&line)
            .unwrap_or_else(|| panic!("no {line:?} in:\n{console}"));
    }
    assert!(console.contains("point of no return"));
}

/// Starts the one command; the machine restarts at its end.
pub fn start_script(session: &Session<'_>, options: &str) {
    session.send(&format!(
        "/root/package/upgrade_to_tiny_system.sh {options}"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kernel_says_of_a_processor_that_stands_still() {
        let said = "\n[   28.9] watchdog: BUG: soft lockup - CPU#0 stuck for 27s! [x:51]\r\n\
                    [   84.9] watchdog: BUG: soft lockup - CPU#0 stuck for 79s! [x:51]\r\n";
        assert_eq!(stuck(said), Some(79));
        assert_eq!(stuck("oldbox login: "), None);
        assert_eq!(stuck("soft lockup - CPU#0"), None);
    }
}
