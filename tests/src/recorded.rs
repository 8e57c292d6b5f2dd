// SPDX-License-Identifier: MIT OR Apache-2.0
//! One whole migration as a person starts it, what it said, and all that it
//! wrote.

use crate::cache;
use crate::migration::{ANNA_PASSWORD, BOOT, MIGRATION, Machine};
use crate::migration::{identity, start_script, unpack_package};
use crate::product::{self, copy_disk};
use crate::small::{IN_PLACE, Small, tail};
use crate::ssh::{Host, Proof};
use std::path::{Path, PathBuf};
use testkit::tool;

/// The files of a recorded migration, in a directory of the cache.
pub struct Recorded {
    dir: PathBuf,
}

impl Recorded {
    /// The machine's disk when it was staged and switched off.
    pub fn staged(&self) -> PathBuf {
        self.dir.join("staged")
    }

    /// What was written from then until the new system was in place.
    pub fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// The disk at the end.
    pub fn migrated(&self) -> PathBuf {
        self.dir.join("migrated")
    }

    /// What the old machine was known by ([`identity`]).
    pub fn identity(&self) -> String {
        self.text("identity")
    }

    /// What was on the console from the restart through LBA 0 to the end.
    pub fn console(&self) -> String {
        self.text("console")
    }

    /// The public key by which the old machine's sshd is known.
    pub fn host_key(&self) -> String {
        self.text("host_key")
    }

    /// The JSON lines of the same.
    pub fn json(&self) -> String {
        self.text("json")
    }

    /// Seconds of the host's processors that the migration took, from the old
    /// GRUB to the end.
    pub fn cpu(&self) -> f64 {
        self.text("cpu").parse().expect("seconds")
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.join(name)).expect(name)
    }

    fn keep(&self, name: &str, text: &str) {
        std::fs::write(self.dir.join(name), text).expect(name);
    }
}

/// The migration of the demo's machine, as `stage` does it by itself. It is
/// recorded once for each build.
pub fn recorded() -> Recorded {
    let package = product::package();
    let name = package.file_name().expect("a name").to_string_lossy();
    let dir = cache::once("recorded", name.trim_end_matches(".tar.gz"), "", |dir| {
        std::fs::create_dir(dir).expect("mkdir");
        record(&Recorded { dir: dir.into() });
    });
    Recorded { dir }
}

fn record(to: &Recorded) {
    let mut machine = Machine::new();
    let medium = tool("sha256sum", &[machine.medium.to_str().expect("UTF-8")]);
    let mut running = machine.boot_to_login();
    let mut session = unpack_package(&running);
    let old = identity(&mut session);
    assert!(old.starts_with("oldbox\n"), "{old}");
    for own in [
        "52:54:00:5e:ed:01 10.0.2.77/32",
        "52:54:00:5e:ed:01 fec0::77/64",
        "52:54:00:5e:ed:02 192.168.76.15/24",
        "52:54:00:5e:ed:02 198.51.100.7/24",
        "192.0.2.7/24",
        "default via 10.0.2.2 1",
        "default via fec0::2",
    ] {
        assert!(old.contains(own), "no {own:?}: {old}");
    }
    to.keep("identity", &old);
    to.keep(
        "host_key",
        &session.run("cat /etc/ssh/ssh_host_ed25519_key.pub"),
    );
    logs_in(&Host::new(machine.ssh_port(), &to.host_key()));
    let kind = "test -d /sys/firmware/efi || echo BIOS; fdisk -l /dev/vda | grep -o 'type: .*'";
    assert_eq!(session.run(kind), "BIOS\ntype: dos");
    let said = session.run("cd /root/package; ./replant check --json");
    assert!(said.contains("\"ok\":true"), "{said}");
    assert!(said.contains("\"protection\":\"resume\""), "{said}");
    let untouched = session.run("ls /etc/upd 2>&1 || true");
    assert!(
        untouched.contains("No such file"),
        "check must change nothing: {untouched}"
    );
    start_script(&session, "--append replant.json=ttyS1");
    running.wait_exit(BOOT);
    let said = running.serials[0].output();
    assert!(
        said.contains("the next boot goes into the tiny system, once"),
        "{said}"
    );
    copy_disk(&machine.disk, &to.staged());

    std::fs::write(to.log(), "").expect("the log");
    machine.record(&to.log());
    let mut cpu = 0.0;
    // From the old GRUB into the tiny system, which arms; then through LBA 0.
    for said in ["by replant's loader", "the new system is in place"] {
        let mut running = machine.boot(true);
        running.wait_exit(MIGRATION);
        cpu += running.cpu().as_secs_f64();
        let console = running.serials[0].output();
        assert!(console.contains(said), "no {said:?}: {}", running.tail());
        to.keep("console", &console);
        to.keep("json", &running.serials[1].output());
    }
    to.keep("cpu", &cpu.to_string());
    copy_disk(&machine.disk, &to.migrated());
    let again = tool("sha256sum", &[machine.medium.to_str().expect("UTF-8")]);
    assert_eq!(medium, again, "a disk that isn't ours was written");
}

/// An administrator of the old machine comes in by the network as ever: by
/// key, by password, and becomes root.
///
/// # Panics
/// When he does not.
pub fn logs_in(host: &Host) {
    let mut key = cache::make("disks.sh", &["old"]).into_os_string();
    key.push(".key");
    let id = host.run("anna", Proof::Key(Path::new(&key)), "id -un; id -u");
    assert_eq!(id.as_deref(), Ok("anna\n1000"));
    let root = format!("echo {ANNA_PASSWORD} | sudo -S -p '' id -un");
    let id = host.run("anna", Proof::Password(ANNA_PASSWORD), &root);
    assert_eq!(id.as_deref(), Ok("root"));
}

/// The migration of the small machine, recorded once for each build.
pub fn recorded_small() -> Recorded {
    let package = Small::package();
    let name = package.file_name().expect("a name").to_string_lossy();
    let dir = cache::once("recorded", name.trim_end_matches(".tar.gz"), "", |dir| {
        std::fs::create_dir(dir).expect("mkdir");
        record_small(&Recorded { dir: dir.into() });
    });
    Recorded { dir }
}

fn record_small(to: &Recorded) {
    let mut machine = Small::new();
    machine.stage("resume");
    copy_disk(&machine.disk, &to.staged());
    machine.record(&to.log());
    for said in ["by replant's loader", IN_PLACE] {
        let boot = machine.boot();
        let console = boot.console;
        assert!(console.contains(said), "no {said:?}: {}", tail(&console));
        to.keep("console", &console);
    }
    copy_disk(&machine.disk, &to.migrated());
}
