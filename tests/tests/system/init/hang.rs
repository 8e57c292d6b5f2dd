// SPDX-License-Identifier: MIT OR Apache-2.0
//! Nothing moves any more: the old system starts while there is one, and a
//! person stops what hangs at any time.

use super::machine::*;
use super::stuck;
use std::time::Duration;

/// The point of no return.
const MARK: &str = "touch /run/replant/point-of-no-return";

#[test]
fn what_stands_still_before_the_point_of_no_return_is_given_up() {
    // It moves for longer than it may stand still, and hangs in a driver then.
    let (_disk, mut machine) = stuck::machine_with(
        "cd /proc/sys/kernel\n\
         cat hung_task_panic softlockup_panic panic_on_oops hung_task_timeout_secs\n\
         i=0; while test $i -lt 25; do echo $i >/run/replant/progress; sleep 1; i=$((i+1)); done\n\
         echo it hangs\n\
         dd if=/bin/busybox of=/dev/vda bs=4096 count=1 oflag=direct\n\
         exec dd if=/bin/busybox of=/dev/vda bs=4096 count=1 seek=100 oflag=direct",
        "console=ttyS0 replant=migrate rd.retry=5 replant.patience=10",
    );
    wait(&machine, 0, "1\r\n1\r\n1\r\n15\r\n", 0, BOOT);
    let at = wait(&machine, 0, "it hangs", 0, SOON);
    assert!(!machine.serials[0].output().contains("nothing has moved"));
    let said = "nothing has moved for 15 seconds, and the disk is as it was";
    let at = wait(&machine, 0, said, at, SOON);
    wait(&machine, 0, "replant: rebooting", at, SOON);
    gone(&mut machine, Duration::from_secs(150) + SOON);
}

#[test]
fn what_stands_still_after_the_point_of_no_return_is_left_to_a_person() {
    let agent = format!("{MARK}; echo ready; sleep 30; echo still here; {OBEY}");
    let words = "console=ttyS0 replant=migrate rd.retry=1 replant.patience=1";
    let mut machine = start(&agent, words);
    let at = wait(&machine, 0, "ready", 0, BOOT);
    wait(&machine, 0, "still here", at, SOON);
    assert!(!machine.serials[0].output().contains("nothing has moved"));
    machine.serials[0].send("exit 20\r");
    gone(&mut machine, SOON);
}

/// Asked on one console, seen on both, answered on the other.
#[test]
fn a_person_stops_what_runs_from_any_console() {
    let agent = format!(
        "test $1 = console && {{ echo console here; {OBEY}; }}\n\
         {MARK}; echo ready\n\
         until test -e /run/replant/stop; do sleep 1; echo tick; done\n\
         echo it stops itself; exit 22"
    );
    let words = "console=ttyS1 console=ttyS0 replant=migrate";
    let mut machine = vm(&image(&agent), words).serials(2).start();
    let at = wait(&machine, 0, "ready", 0, BOOT);
    machine.serials[1].send("\x03");
    let at = wait(&machine, 0, "Type yes to stop", at, SOON);
    machine.serials[0].send("y\r");
    // What was said meanwhile comes afterwards.
    let at = wait(&machine, 0, "replant: going on", at, SOON);
    let at = wait(&machine, 0, "tick", at, SOON);
    // Nobody answers.
    machine.serials[0].send("\x03");
    let at = wait(&machine, 0, "Type yes to stop", at, SOON);
    let at = wait(&machine, 0, "replant: going on", at, SOON);

    machine.serials[0].send("\x03");
    let from = wait(&machine, 1, "Type yes to stop", 0, SOON);
    let at = wait(&machine, 0, "Type yes to stop", at, SOON);
    machine.serials[1].send("yes\r");
    wait(&machine, 1, "stopping; the console opens", from, SOON);
    let at = wait(&machine, 0, "it stops itself", at, SOON);
    let at = wait(&machine, 0, "console here", at, SOON);
    // The next one is not stopped by what was asked of this one.
    machine.serials[0].send("echo /run/replant/*; exit 20\r");
    let text = gone(&mut machine, SOON);
    assert!(text[at..].contains("/point-of-no-return"), "{text}");
    assert!(!text[at..].contains("/replant/stop"), "{text}");
}

/// It neither ends nor can it be killed: a disk took nothing any more.
#[test]
fn a_person_gets_the_console_although_a_driver_hangs() {
    let (_disk, mut machine) = stuck::machine_with(
        &format!(
            "test $1 = console && {{ echo console here; {OBEY}; }}\n\
             {MARK}\n\
             dd if=/bin/busybox of=/dev/vda bs=4096 count=1 oflag=direct\n\
             (until grep -q 'State:.D' /proc/$$/status; do sleep 1; done; echo it hangs) &\n\
             exec dd if=/bin/busybox of=/dev/vda bs=4096 count=1 seek=100 oflag=direct"
        ),
        "console=ttyS0 replant=migrate",
    );
    let at = wait(&machine, 0, "it hangs", 0, BOOT);
    machine.serials[0].send("\x03");
    let at = wait(&machine, 0, "Type yes to stop", at, SOON);
    machine.serials[0].send("yes\r");
    let at = wait(
        &machine,
        0,
        "hangs in the kernel and cannot be ended",
        at,
        SOON,
    );
    let at = wait(&machine, 0, "console here", at, SOON);
    machine.serials[0].send("cat /run/replant/failure.txt\r");
    let at = wait(&machine, 0, "stopped by hand", at, SOON);
    wait(&machine, 0, "type: migrate", at, SOON);
    machine.serials[0].send("echo b >/proc/sysrq-trigger\r");
    gone(&mut machine, SOON);
}

/// Ctrl-Alt-Del asks where it cannot reboot, also on the console.
#[test]
fn ctrl_alt_del_gets_out_of_everything() {
    let agent = format!(
        "test $1 = console && {{ echo console here; {OBEY}; }}\n\
         {MARK}; echo ready; trap '' TERM; sleep 1000; sleep 1000"
    );
    let mut machine = start(&agent, "console=ttyS0 replant=migrate");
    let at = wait(&machine, 0, "ready", 0, BOOT);
    machine.serials[0].send("\x03");
    let at = wait(&machine, 0, "Type yes to stop", at, SOON);
    // Not before the point of no return is this an answer.
    machine.serials[0].send("reboot\r");
    let at = wait(&machine, 0, "replant: going on", at, SOON);
    machine.serials[0].send("\x03");
    let at = wait(&machine, 0, "Type yes to stop", at, SOON);
    machine.serials[0].send("yes\r");
    let at = wait(&machine, 0, "console here", at, SOON);
    machine.serials[0].send("kill -INT 1; trap '' INT; echo h\"\"angs; sleep 1000\r");
    let asked = wait(&machine, 0, "Type yes to stop", at, SOON);
    machine.serials[0].send("yes\r");
    // It was quick enough to say so before the question, or comes after it.
    let at = wait(&machine, 0, "\nhangs", at, SOON).max(asked);
    let at = wait(&machine, 0, "console here", at, SOON);
    machine.serials[0].send(&said("again"));
    wait(&machine, 0, "<<again>>", at, SOON);
    machine.serials[0].send("exit 20\r");
    gone(&mut machine, SOON);
}

/// An agent that died left a program in a session of its own: it must not
/// write beside the next agent.
#[test]
fn what_a_dead_agent_left_is_ended() {
    let agent = format!(
        "test $1 = console && {{ echo console here; {OBEY}; }}\n\
         {MARK}\n\
         setsid sh -c 'trap \"\" TERM; while sleep 1; do echo tick >/dev/ttyS0; done' &\n\
         sleep 3; kill -KILL $$"
    );
    let mut machine = start(&agent, "console=ttyS0 replant=migrate");
    let at = wait(&machine, 0, "tick", 0, BOOT);
    let at = wait(&machine, 0, "console here", at, SOON);
    machine.serials[0].send("sleep 5; ps -o args | grep -c '[s]etsid\\|[t]ick'; exit 20\r");
    wait(&machine, 0, "\n0\r\n", at, SOON);
    let text = gone(&mut machine, SOON);
    assert!(!text[at..].contains("tick\r\n"), "{text}");
}

/// The console's wish for the migration: /init starts it, and looks after it.
#[test]
fn the_console_has_init_start_the_migration() {
    let agent = format!(
        "case $1 in console) echo console here; {OBEY};; migrate) ;; *) exit 22;; esac\n\
         echo \"resumed: $*\"; sleep 1000"
    );
    let mut machine = start(&agent, "console=ttyS0");
    let at = wait(&machine, 0, "console here", 0, BOOT);
    machine.serials[0].send("exit 23\r");
    let at = wait(&machine, 0, "resumed: migrate", at, SOON);
    machine.serials[0].send("\x03");
    let at = wait(&machine, 0, "reboot for the", at, SOON);
    machine.serials[0].send("reboot\r");
    wait(&machine, 0, "replant: rebooting", at, SOON);
    gone(&mut machine, SOON);
}
