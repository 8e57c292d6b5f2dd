// SPDX-License-Identifier: MIT OR Apache-2.0
//! /init itself fails, and starts again in its place.

use super::machine::*;

#[test]
fn a_fault_of_init_itself_does_not_end_the_agent() {
    let agent = format!("echo ready $1; {OBEY}");
    let mut machine = start(&agent, "console=ttyS0");
    let mut at = wait(&machine, 0, "ready tiny", 0, BOOT);
    for signal in ["SEGV", "BUS", "ILL"] {
        machine.serials[0].send(&format!("kill -{signal} 1\r"));
        at = wait(&machine, 0, "; it started again in its place", at, SOON);
        machine.serials[0].send(&said("still here"));
        at = wait(&machine, 0, "<<still here>>", at, SOON);
    }
    assert_eq!(machine.serials[0].output().matches("ready").count(), 1);
    // Once more and once too often: it gives up cleanly, without a panic.
    machine.serials[0].send("kill -FPE 1\r");
    wait(&machine, 0, "; it started again in its place", at, SOON);
    machine.serials[0].send("kill -SEGV 1\r");
    gone(&mut machine, SOON);
}

/// What is mounted stays as it is, with the mark of the point of no return,
/// and after this mark no number of faults is a reason for a reboot.
#[test]
fn faults_of_init_do_not_end_a_migration_that_writes() {
    let agent = format!(
        "test $1 = console && kill -KILL $$\n\
         touch /run/replant/point-of-no-return; echo writing; {OBEY}"
    );
    let mut machine = start(&agent, "console=ttyS0 replant=migrate");
    let mut at = wait(&machine, 0, "writing", 0, BOOT);
    // The fifth is one more than what is too often elsewhere.
    for _ in 0..5 {
        machine.serials[0].send("kill -SEGV 1\r");
        at = wait(&machine, 0, "; it started again in its place", at, SOON);
        machine.serials[0].send("tty; cat /proc/mounts | grep -c ' /run '\r");
        at = wait(&machine, 0, "/dev/pts/0\r\n1\r\n", at, SOON);
    }
    machine.serials[0].send("kill -INT 1\r");
    at = wait(&machine, 0, "Ctrl-Alt-Del is ignored", at, SOON);
    at = wait(&machine, 0, "Type yes to stop", at, SOON);
    machine.serials[0].send("no\r");
    machine.serials[0].send("exit 3\r");
    at = wait(&machine, 0, "the disk is half rewritten", at, SOON);
    at = wait(&machine, 0, "init> ", at, SOON);
    machine.serials[0].send("reboot now\r");
    wait(&machine, 0, "replant: rebooting", at, SOON);
    gone(&mut machine, SOON);
}

/// /init failed between the agent's end and the decision what comes next. The
/// kernel hands words that it does not know to /init as arguments.
#[test]
fn an_end_that_nobody_saw_goes_back_to_the_old_system() {
    let words = "console=ttyS0 replant=migrate takes-over 1,0,4000,0,10,11 failed";
    let machine = start("echo unwanted", words);
    wait(
        &machine,
        0,
        "failed; it started again in its place",
        0,
        BOOT,
    );
    let at = wait(&machine, 0, "(/bin/replant tiny) ended", 0, SOON);
    wait(
        &machine,
        0,
        "rebooting into the old system in 15 seconds",
        at,
        SOON,
    );
    assert!(!machine.serials[0].output().contains("unwanted"));
}

#[test]
fn a_fault_while_no_program_runs_goes_back_to_the_old_system() {
    let words = "console=ttyS0 replant=migrate takes-over 1,0 failed";
    let machine = start("echo unwanted", words);
    let at = wait(
        &machine,
        0,
        "failed; it started again in its place",
        0,
        BOOT,
    );
    wait(
        &machine,
        0,
        "rebooting into the old system in 15 seconds",
        at,
        SOON,
    );
    assert!(!machine.serials[0].output().contains("unwanted"));
}
