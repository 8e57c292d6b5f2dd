// SPDX-License-Identifier: MIT OR Apache-2.0
//! `make demo`: one real machine becomes another, before your eyes.
//!
//! The old machine's serial console is shown as it is. What is typed is typed
//! by this program; nobody touches the machine after the script was started.

use harness::accelerator;
use harness::migration::{ANNA_PASSWORD, BOOT, MIGRATION, Machine, ROOT_PASSWORD};
use harness::migration::{start_script, unpack_package};
use harness::session::Session;
use std::time::Instant;

fn say(text: &str) {
    eprintln!("\n\x1b[1;36m=== {text}\x1b[0m\n");
}

/// Runs a command line on the machine, and shows it: its terminal does not.
fn run(session: &mut Session, command: &str) {
    eprintln!("\x1b[1m# {command}\x1b[0m");
    session.run(command);
}

fn main() {
    let begin = Instant::now();
    say("a kernel, two disks of Debian systems and the package, unless they are there already");
    let machine = Machine::new();
    if accelerator::is_emulation() {
        say(
            "KVM does not work here: the machine is emulated, and everything takes ten times as long",
        );
    }
    say("the old machine: Debian 12 on MBR and LVM, booted by SeaBIOS and GRUB");
    let running = machine.boot(false);
    let mut session = unpack_package(&running);
    run(
        &mut session,
        "cat /etc/debian_version; lsblk; hostname; ip -4 -br addr",
    );
    run(&mut session, "cd /root/package && ./replant check");
    say("one command, upgrade_to_tiny_system.sh; from here on we only watch");
    start_script(&session, "");
    let from = running.expect_after("the new system is in place", session.position(), MIGRATION);
    say("the new machine");
    let mut session = Session::login(&running, "oldbox", "root", ROOT_PASSWORD, from, BOOT);
    run(
        &mut session,
        "lsblk; hostname; ip -4 -br addr; uname -r; df -h / /boot /data",
    );
    run(
        &mut session,
        "sgdisk -v /dev/vda; vgs; cat /var/log/replant/migration.log | tail -n 5",
    );
    session.send("exit");
    let mut session = Session::login(
        &running,
        "oldbox",
        "anna",
        ANNA_PASSWORD,
        session.position(),
        BOOT,
    );
    run(&mut session, "id");
    // The BIOS of the machine turned it off on this terminal.
    eprint!("\x1b[?7h");
    say(&format!(
        "done in {} s: same name, address and passwords, new system",
        begin.elapsed().as_secs()
    ));
}
