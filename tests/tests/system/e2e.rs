// SPDX-License-Identifier: MIT OR Apache-2.0
//! The main thing: an old machine becomes a new one, end to end.
//!
//! QEMU ends where the machine restarts, and is started again: that is the
//! restart. In between, the disk is looked at from outside with the real
//! tools, before the new system has written a byte on it.

use harness::compare::{self, May};
use harness::image::{self, Loop, Mount, lvm, partitions};
use harness::migration::{ANNA_PASSWORD, BOOT, MIGRATION, Machine, ROOT_PASSWORD};
use harness::migration::{identity, start_script, steps, unpack_package, were_shown};
use harness::product::{self, copy_disk};
use harness::recorded::{logs_in, recorded};
use harness::session::Session;
use harness::ssh::Host;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use testkit::{sparse, tool};

const MIB: u64 = 1 << 20;

/// One whole machine at a time: systemd's own limits of time are not made for
/// two that are emulated on two processors.
static ONE: Mutex<()> = Mutex::new(());

/// The migration as everybody gets it is recorded once, and shared with the
/// tests of power cuts.
#[test]
fn an_old_machine_becomes_a_new_one() {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let recorded = recorded();
    let dir = tempfile::tempdir_in(harness::cache::directory()).expect("a directory");
    let disk = dir.path().join("disk");
    copy_disk(&recorded.migrated(), &disk);
    let machine = Machine::with_disk(&disk);
    steps_were_shown(&recorded.console(), &recorded.json(), &steps(true));
    assert!(recorded.console().contains("You may switch off"));
    the_disk_is_as_planned(&machine);

    for boot in 1..=2 {
        say(&format!("the new system, boot {boot}"));
        let mut running = machine.boot_to_login();
        let mut session = Session::login(&running, "oldbox", "root", ROOT_PASSWORD, 0, BOOT);
        assert_eq!(identity(&mut session), recorded.identity());
        every_file_has_its_label(&mut session);
        the_new_system_runs(&mut session, "step 11 of 15");
        logs_in(&Host::new(machine.ssh_port(), &recorded.host_key()));
        nobody_was_kept_from_our_files(&mut session);
        session.send("exit");
        let from = session.position();
        let mut anna = Session::login(&running, "oldbox", "anna", ANNA_PASSWORD, from, BOOT);
        assert_eq!(anna.run("id -un; id -u; pwd"), "anna\n1000\n/home/anna");
        anna.send("exit");
        let from = anna.position();
        let root = Session::login(&running, "oldbox", "root", ROOT_PASSWORD, from, BOOT);
        root.send("systemctl poweroff");
        running.wait_exit(BOOT);
    }
    say("the disk again");
    the_metadata_is_clean(&machine);
}

/// Level `none`: the payload goes through RAM, and GRUB is installed by its
/// own program. `small` does the same in a quarter of the time.
#[test]
#[ignore = "make whole"]
fn without_protection() {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let machine = Machine::new();
    say("the old system, without protection");
    let mut running = machine.boot_to_login();
    let mut session = unpack_package(&running);
    let old = identity(&mut session);
    start_script(&session, "--protection none --append replant.json=ttyS1");
    running.wait_exit(BOOT);

    say("the tiny system, without protection");
    let mut running = machine.boot(true);
    running.wait_exit(MIGRATION);
    let (cpu, protected) = (running.cpu().as_secs_f64(), recorded().cpu());
    say(&format!(
        "processor time: {cpu:.1} s without protection, {protected:.1} s with it"
    ));
    let (console, json) = (running.serials[0].output(), running.serials[1].output());
    assert!(
        console.contains("the new system is in place"),
        "{}",
        running.tail()
    );
    steps_were_shown(&console, &json, &steps(false));
    assert!(console.contains("Do not switch off"));
    the_disk_is_as_planned(&machine);

    say("the new system, without protection");
    let mut running = machine.boot_to_login();
    let mut session = Session::login(&running, "oldbox", "root", ROOT_PASSWORD, 0, BOOT);
    assert_eq!(identity(&mut session), old);
    the_new_system_runs(&mut session, "step 10 of 13");
    session.send("systemctl poweroff");
    running.wait_exit(BOOT);
    the_metadata_is_clean(&machine);
}

/// Not by eprintln, which the test runner keeps back until the end.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "\n=== {text}");
}

/// Every step is on the console and in the JSON lines, in order.
fn steps_were_shown(console: &str, json: &str, names: &[&str]) {
    were_shown(console, names);
    let mut json_at = 0;
    for (n, name) in names.iter().enumerate() {
        let event = format!("\"event\":\"end\",\"step\":{},\"name\":\"{name}\"", n + 1);
        json_at += json[json_at..]
            .find(&event)
            .unwrap_or_else(|| panic!("no {event}:\n{json}"));
    }
    for line in json.lines().filter(|l| !l.trim().is_empty()) {
        assert!(
            line.starts_with("{\"event\":") && line.trim_end().ends_with('}'),
            "{line:?}"
        );
    }
    assert!(json.contains("\"event\":\"progress\""), "{json}");
}

fn the_new_system_runs(session: &mut Session<'_>, boot_step: &str) {
    let kernel = session.run("uname -r");
    assert!(kernel.ends_with("-cloud-amd64"), "{kernel}");
    let mounts = session.run("findmnt -rno TARGET,SOURCE,FSTYPE -t ext4 | sort");
    assert_eq!(
        mounts,
        "/ /dev/mapper/VA-root ext4\n/boot /dev/vda2 ext4\n/data /dev/mapper/VA-data ext4"
    );
    // All of it, not only what can be logged in to.
    let state = "systemctl is-system-running --wait || systemctl --failed --plain --no-legend";
    let (state, _) = session.try_run(state, BOOT);
    assert_eq!(state, "running");
    let log = session.run("cat /var/log/replant/migration.log");
    assert!(
        log.contains("point of no return") && log.contains(boot_step),
        "{log}"
    );
    assert_eq!(session.run("stat -c %a /var/log/replant"), "700");
    let (_, status) = session.try_run("test -e /etc/upd", Duration::from_secs(60));
    assert_eq!(status, 1, "nothing of the package stays");
    session.run("vgck VA && vgs VA");
    assert_eq!(
        session.run("getcap /opt/rich/capable"),
        "/opt/rich/capable cap_net_raw=ep"
    );
}

/// The policy is enforced, and restorecon would change nothing.
fn every_file_has_its_label(session: &mut Session<'_>) {
    assert_eq!(session.run("getenforce"), "Enforcing");
    let wrong = session.run("restorecon -Rn -v /etc /root /home /var /boot");
    // lvm2 makes it in the running system; Debian's policy has no rule for that.
    let theirs = |line: &&str| line.starts_with("Would relabel /etc/lvm/archive from ");
    let wrong: Vec<&str> = wrong.lines().filter(|l| !theirs(l)).collect();
    assert_eq!(wrong, [""; 0]);
    // The payload had all its labels: nobody was asked to give them anew,
    // which would have taken back what somebody chose by hand.
    let (_, status) = session.try_run("test -e /.autorelabel", Duration::from_secs(60));
    assert_eq!(status, 1, "the payload had its labels");
    let chosen = session.run("stat -c %C /opt/rich/fifo");
    assert_eq!(chosen, "system_u:object_r:tmp_t:s0");
}

/// Debian's policy denies this and that to Debian's own programs, but nothing
/// that the migration wrote.
fn nobody_was_kept_from_our_files(session: &mut Session<'_>) {
    let denied = session.run("journalctl -b -k --no-pager | grep 'avc:  denied' || true");
    let ours = [
        "shadow",
        "passwd",
        "group",
        "gshadow",
        "hostname",
        "hosts",
        "localtime",
        "machine-id",
        "interfaces",
        "resolv.conf",
        "ssh",
        "anna",
        "grub",
        "grub.cfg",
        "backup",
    ];
    let about = |line: &&str| {
        let types = ["unlabeled_t", "replant", "ssh_host_", "initrd.img"];
        let mut quoted = line.split('"').skip(1).step_by(2);
        types.iter().any(|word| line.contains(word))
            || quoted.any(|path| ours.contains(&path.rsplit('/').next().unwrap_or(path)))
    };
    let found: Vec<&str> = denied.lines().filter(about).collect();
    assert_eq!(found, [""; 0], "of all that was denied:\n{denied}");
}

/// Layout, file systems, and every file of the payload, before the new
/// system's first boot.
fn the_disk_is_as_planned(machine: &Machine) {
    the_metadata_is_clean(machine);
    let parts = partitions(&machine.disk);
    assert_eq!(parts.len(), 3);
    assert_eq!(parts[0], (MIB, 2 * MIB));
    assert_eq!(parts[1], (3 * MIB, 512 * MIB));
    // The disk has 8 GiB, the appliance had 6: the last partition grew.
    assert_eq!(parts[2].0, 515 * MIB);
    assert_eq!(parts[2].0 + parts[2].1, 8192 * MIB - MIB);

    let dir = machine.directory();
    let boot = Loop::part(&machine.disk, parts[1].0, parts[1].1);
    // Dropped, and so unmounted, in the opposite order.
    let disk = dir.join("new");
    let (root, others): (Vec<_>, Vec<_>) = volumes(machine)
        .into_iter()
        .partition(|(name, _)| name == "root");
    let mount = |copy: &Path, place: PathBuf| {
        let copy = Loop::new(copy);
        (Mount::new(copy.name(), place, "ro"), copy)
    };
    let _root = mount(&root[0].1, disk.clone());
    let _others: Vec<_> = others
        .iter()
        .map(|(name, copy)| mount(copy, disk.join(name)))
        .collect();
    let _boot = Mount::new(boot.name(), disk.join("boot"), "ro");

    // GNU tar is the judge of what the payload is.
    let scratch = dir.join("scratch");
    sparse(&scratch, 3 << 30);
    tool(
        "mke2fs",
        &["-q", "-F", "-t", "ext4", scratch.to_str().unwrap()],
    );
    let scratch = Loop::new(&scratch);
    let payload = dir.join("payload");
    let _scratch = Mount::new(scratch.name(), &payload, "rw");
    let archive = product::captured().join("va.tar.xz");
    let words = [
        "-C",
        payload.to_str().unwrap(),
        "--numeric-owner",
        "--xattrs",
    ];
    let rest = ["--xattrs-include=*", "-xpJf", archive.to_str().unwrap()];
    tool("tar", &[&words[..], &rest[..]].concat());

    let (want, have) = (compare::read(&payload), compare::read(&disk));
    assert!(want.len() > 5000, "{} files", want.len());
    let found = compare::differences(&want, &have, may);
    assert!(
        found.is_empty(),
        "{} differences:\n{}",
        found.len(),
        found.join("\n")
    );
}

/// What a migration changes in the payload, and nothing else.
fn may(path: &Path) -> May {
    // Something was made in them.
    let directories = [
        "boot/grub",
        "etc",
        "etc/dracut.conf.d",
        "etc/lvm",
        "etc/network",
        "etc/ssh",
        "etc/systemd/network",
        // A unit for the rest of `release` was there until it was done.
        "etc/systemd/system",
        "etc/systemd/system/multi-user.target.wants",
        "home",
        "var/log",
        "var/tmp",
    ];
    let files = [
        // The identity.
        "etc/group",
        "etc/gshadow",
        "etc/hostname",
        "etc/hosts",
        "etc/localtime",
        "etc/machine-id",
        "etc/network/interfaces",
        "etc/passwd",
        "etc/resolv.conf",
        "etc/shadow",
        "etc/subgid",
        "etc/subuid",
        // The boot step.
        "etc/dracut.conf.d/90-replant-root.conf",
        "etc/lvm/backup",
        "etc/lvm/backup/VA",
        // Of the file systems that the payload has nothing of.
        "back/lost+found",
        "data/lost+found",
    ];
    let below = [
        "boot/grub/",
        "boot/initrd.img-",
        "etc/ssh/ssh_host_",
        "etc/systemd/network/05-replant-",
        "etc/systemd/network/10-replant-",
        "home/anna",
        "var/log/replant",
    ];
    let text = path.to_str().expect("UTF-8");
    if files.contains(&text) || below.iter().any(|b| text.starts_with(b)) {
        May::All
    } else if directories.contains(&text) {
        May::Time
    } else {
        May::Nothing
    }
}

/// Each volume of the new group, and a file with what is in it.
fn volumes(machine: &Machine) -> Vec<(String, PathBuf)> {
    let found = image::volumes(machine.directory(), &machine.disk, 2, "VA");
    let names: Vec<&str> = found.iter().map(|volume| volume.name.as_str()).collect();
    assert_eq!(names, ["back", "data", "root"]);
    let copy = |volume: &image::Volume| {
        let to = machine.directory().join(format!("volume-{}", volume.name));
        // dd leaves out what is zero, also over what was there.
        let _ = std::fs::remove_file(&to);
        volume.copy(&machine.disk, &to);
        (volume.name.clone(), to)
    };
    found.iter().map(copy).collect()
}

/// sgdisk, lvm2 and e2fsck have nothing to complain about.
fn the_metadata_is_clean(machine: &Machine) {
    let said = tool("sgdisk", &["-v", machine.disk.to_str().unwrap()]);
    assert!(said.contains("No problems found"), "{said}");
    let parts = partitions(&machine.disk);
    let pv = Loop::part(&machine.disk, parts[2].0, parts[2].1);
    for words in [
        &["vgck", "VA"][..],
        &["pvck", pv.name()],
        &["vgs", "--noheadings", "VA"],
    ] {
        let said = lvm(machine.directory(), &pv, words);
        assert!(!said.to_lowercase().contains("warning"), "{said}");
    }
    let boot = Loop::part(&machine.disk, parts[1].0, parts[1].1);
    tool("e2fsck", &["-fn", boot.name()]);
    for (_, copy) in volumes(machine) {
        tool("e2fsck", &["-fn", copy.to_str().expect("UTF-8")]);
    }
}
