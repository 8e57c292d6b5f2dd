// SPDX-License-Identifier: MIT OR Apache-2.0
//! The agent dies, or is missing.

use super::machine::*;
use harness::initrd::Initrd;

#[test]
fn a_killed_agent_goes_back_to_the_old_system_by_itself() {
    // With a level of its own the kernel shows its log, and when it was written.
    let words = "console=ttyS1 console=ttyS0 replant=migrate loglevel=6";
    let mut machine = vm(&image("sleep 1; kill -SEGV $$"), words)
        .serials(2)
        .start();
    for port in [0, 1] {
        wait(
            &machine,
            port,
            "(/bin/replant tiny) was killed by signal 11, SIGSEGV",
            0,
            BOOT,
        );
        wait(&machine, port, "nothing on the disk was changed", 0, SOON);
        wait(
            &machine,
            port,
            "rebooting into the old system in 15 seconds",
            0,
            SOON,
        );
    }
    gone(&mut machine, SOON);
    let log = machine.serials[1].output();
    let waited = stamp(&log, "reboot: Restarting system")
        - stamp(&log, "replant: rebooting into the old system");
    assert!(waited > 14.9, "only {waited} s to press a key:\n{log}");
}

/// When the kernel logged this, in seconds of its own clock.
fn stamp(log: &str, text: &str) -> f64 {
    let before = log.find(&format!("] {text}")).map(|at| &log[..at]);
    let stamp = before.and_then(|before| before.rsplit('[').next());
    let stamp = stamp.unwrap_or_else(|| panic!("no {text:?} in the log:\n{log}"));
    stamp.trim().parse().expect("seconds")
}

#[test]
fn a_key_during_the_countdown_opens_the_console() {
    let agent = format!("test $1 = console || exit 101; trap : INT; echo console here; {OBEY}");
    let words = "console=ttyS1 console=ttyS0 replant=migrate";
    let mut machine = vm(&image(&agent), words).serials(2).start();
    wait(&machine, 0, "ended with status 101", 0, BOOT);
    wait(&machine, 1, "seconds; press any key", 0, SOON);
    machine.serials[1].send(" ");
    let at = wait(&machine, 0, "a key was pressed: no reboot", 0, SOON);
    let at = wait(&machine, 0, "console here", at, SOON);
    machine.serials[0].send(&said("alive"));
    let at = wait(&machine, 0, "<<alive>>", at, SOON);

    // Here the interrupt key works.
    machine.serials[1]
        .send("sh -c 'trap \"echo interr\"\"upted; exit\" INT; echo r\"\"eady; sleep 60 & wait'\r");
    let at = wait(&machine, 0, "ready", at, SOON);
    machine.serials[1].send("\x03");
    let at = wait(&machine, 0, "interrupted", at, SOON);
    machine.serials[0].send(&said("still here"));
    let at = wait(&machine, 0, "<<still here>>", at, SOON);

    // End of input is no end: another console. One that ends within two
    // seconds would do so again, and is not started.
    machine.serials[0].send("sleep 3; exit 0\r");
    wait(&machine, 0, "console here", at, SOON);
    machine.serials[0].send("exit 20\r");
    gone(&mut machine, SOON);
}

#[test]
fn after_the_point_of_no_return_only_a_person_reboots() {
    let agent = "test $1 = console && kill -KILL $$\n\
                 touch /run/replant/point-of-no-return\n\
                 kill -INT 1; sleep 2; exit 3";
    let mut machine = start(agent, "console=ttyS0 replant=migrate");
    wait(&machine, 0, "Ctrl-Alt-Del is ignored", 0, BOOT);
    let at = wait(
        &machine,
        0,
        "(/bin/replant tiny) ended with status 3",
        0,
        SOON,
    );
    let at = wait(
        &machine,
        0,
        "the disk is half rewritten: do not switch off",
        at,
        SOON,
    );
    let at = wait(
        &machine,
        0,
        "(/bin/replant console) was killed by signal 9, SIGKILL",
        at,
        SOON,
    );
    let at = wait(&machine, 0, "init> ", at, SOON);
    machine.serials[0].send("reboot\r");
    let at = wait(&machine, 0, "may not boot from it", at, SOON);
    machine.serials[0].send("poweroff\r");
    let at = wait(&machine, 0, "may not boot from it", at, SOON);
    // The migration can be started again from here.
    machine.serials[0].send("agent\r");
    let at = wait(
        &machine,
        0,
        "(/bin/replant tiny) ended with status 3",
        at,
        SOON,
    );
    let at = wait(&machine, 0, "init> ", at, SOON);
    assert!(
        !machine.serials[0].output().contains("old system"),
        "no countdown"
    );
    machine.serials[0].send("reboot now\r");
    wait(&machine, 0, "replant: rebooting", at, SOON);
    gone(&mut machine, SOON);
}

/// Everything is stopped before the mark is looked for: also what the agent
/// started, which could set it.
#[test]
fn ctrl_alt_del_before_the_point_of_no_return_reboots() {
    // A program that is busy is asked again.
    let agent = "trap '' TERM\n\
                 setsid sh -c 'while sleep 1; do echo tick >/dev/ttyS0; done' &\n\
                 sleep 3; for i in 1 2 3 4 5; do kill -INT 1; sleep 5; done; echo late";
    let mut machine = start(agent, "console=ttyS0");
    let at = wait(
        &machine,
        0,
        "Ctrl-Alt-Del: the disk is as it was; rebooting",
        0,
        BOOT,
    );
    let text = gone(&mut machine, SOON);
    assert!(!text.contains("late"), "{text}");
    assert!(text[..at].contains("tick"), "{text}");
    assert!(!text[at..].contains("tick"), "{text}");
}

#[test]
fn without_any_agent_the_built_in_console_works() {
    let image = Initrd::new()
        .copy(&init(), "/init")
        .file("/etc/a", 0o644, b"one\ntwo\x1b!\n");
    let mut machine = vm(&image, "console=ttyS1 console=ttyS0").serials(2).start();
    let missing = "could not be started: no such file or directory (errno 2)";
    let at = wait(
        &machine,
        0,
        &format!("(/bin/replant tiny) {missing}"),
        0,
        BOOT,
    );
    let at = wait(
        &machine,
        0,
        &format!("(/bin/replant console) {missing}"),
        at,
        SOON,
    );
    let at = wait(&machine, 0, "init> ", at, SOON);
    // From the port that is not the last console.
    let mut from = at;
    for (typed, answer) in [
        ("help", "start the full recovery console"),
        ("cat /etc/a", "one\r\ntwo?!\r\n"),
        ("catt\x7f /proc/version", "Linux version"),
        ("ls /etc", "          10 a\r\n"),
        ("ls /", " dev/\r\n"),
        (
            "cat /nowhere",
            "failed: no such file or directory (errno 2)",
        ),
        ("ls /etc/a", "failed: not a directory"),
        ("dmesg", "replant: /init"),
        ("rm -rf /", "rm: not understood. Type help."),
        ("console", missing),
    ] {
        machine.serials[1].send(&format!("{typed}\r"));
        from = wait(&machine, 0, answer, from, SOON);
        from = wait(&machine, 0, "init> ", from, SOON);
    }
    machine.serials[1].send("poweroff\r");
    gone(&mut machine, SOON);
    // The kernel's 8250 driver has one console only: the first that is named.
    let text = machine.serials[1].output();
    assert!(text.contains("reboot: Power down"), "{text}");
}

#[test]
fn a_missing_agent_of_a_migration_goes_back_by_itself() {
    let image = Initrd::new().copy(&init(), "/init");
    let mut machine = vm(&image, "console=ttyS0 replant=migrate").start();
    wait(
        &machine,
        0,
        "rebooting into the old system in 15 seconds",
        0,
        BOOT,
    );
    gone(&mut machine, SOON);
}

#[test]
fn an_agent_without_memory_is_explained() {
    let mut machine = start(
        "test $1 = tiny && exec tail /dev/zero; exit 21",
        "console=ttyS0",
    );
    wait(
        &machine,
        0,
        "SIGKILL (the kernel ran out of memory)",
        0,
        BOOT,
    );
    gone(&mut machine, SOON);
}
