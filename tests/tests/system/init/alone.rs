// SPDX-License-Identifier: MIT OR Apache-2.0
//! A migration that goes on by itself: Esc pressed twice opens the console, and
//! a console in front of which nobody is starts the machine again.

use super::machine::*;
use harness::vm::Running;
use std::time::Duration;

/// What lies on the disk is not looked at here.
const WORDS: &str = "replant=migrate replant.lifeboat=00,1,2,8,16";
/// The point of no return.
const MARK: &str = "touch /run/replant/point-of-no-return";

/// As a person presses a key twice: longer apart than a line needs.
fn escape_twice(machine: &Running, port: usize) {
    std::thread::sleep(Duration::from_secs(1));
    machine.serials[port].send("\x1b");
    std::thread::sleep(Duration::from_millis(300));
    machine.serials[port].send("\x1b");
}

#[test]
fn esc_twice_opens_the_console_and_noise_does_not() {
    let agent = format!(
        "test $1 = console && {{ echo console here; {OBEY}; }}\n\
         echo ready; read -r line; {MARK}\n\
         until test -e /run/replant/stop; do sleep 1; echo tick; done\n\
         echo it stops itself; exit 22"
    );
    let words = format!("console=ttyS1 console=ttyS0 {WORDS}");
    let mut machine = vm(&image(&agent), &words).serials(2).start();
    let at = wait(&machine, 0, "ready", 0, BOOT);
    // The old system is there still: Esc is nothing.
    escape_twice(&machine, 0);
    machine.serials[0].send("\r");
    let at = wait(&machine, 0, "Esc pressed twice opens the console", at, SOON);
    std::thread::sleep(Duration::from_secs(1));
    for noise in ["\x1b[A\x1b[A", "\x1b\x1b[B", "\x1b", "\0\x1b\0\x1b\u{7f}"] {
        machine.serials[0].send(noise);
        std::thread::sleep(Duration::from_secs(1));
    }
    // One on each console is not two on one.
    machine.serials[1].send("\x1b");
    let at = wait(&machine, 0, "tick", at, SOON);
    let at = wait(&machine, 0, "tick", at, SOON);
    assert!(!machine.serials[0].output().contains("stopping"));
    std::thread::sleep(Duration::from_secs(6));
    escape_twice(&machine, 1);
    let at = wait(&machine, 0, "stopping; the console opens", at, SOON);
    let at = wait(&machine, 0, "it stops itself", at, SOON);
    wait(&machine, 0, "console here", at, SOON);
    machine.serials[0].send("exit 20\r");
    gone(&mut machine, SOON);
}

#[test]
fn a_console_without_anybody_starts_the_machine_again() {
    let agent = format!(
        "test $1 = console && {{ echo console here; {OBEY}; }}\n\
         {MARK}; exit 22"
    );
    let mut machine = start(&agent, &format!("console=ttyS0 {WORDS} replant.idle=4"));
    let mut at = wait(&machine, 0, "after 4 seconds without a key", 0, BOOT);
    // What a person started is waited for; and where the loader would not bring
    // the migration back, nobody starts the machine again.
    for file in ["console-busy", "must-stay"] {
        let send = |text: &str| machine.serials[0].send(text);
        send(&format!("touch /run/replant/{file}\r"));
        std::thread::sleep(Duration::from_secs(6));
        send(&said("still here"));
        at = wait(&machine, 0, "<<still here>>", at, SOON);
        send(&format!("rm /run/replant/{file}\r"));
    }
    let over = "no key was pressed: this machine starts again";
    wait(&machine, 0, over, at, SOON);
    gone(&mut machine, SOON);
}

#[test]
fn without_a_console_program_the_machine_starts_again() {
    let agent = format!("test $1 = console && exit 1\n{MARK}; exit 22");
    let mut machine = start(&agent, &format!("console=ttyS0 {WORDS} replant.idle=5"));
    let at = wait(&machine, 0, "the console inside /init", 0, BOOT);
    wait(
        &machine,
        0,
        "no key was pressed: this machine starts again",
        at,
        SOON,
    );
    gone(&mut machine, SOON);
}

/// Where nothing goes on by itself, a person decides.
#[test]
fn without_a_lifeboat_the_console_waits_for_ever() {
    let agent = format!(
        "test $1 = console && {{ echo console here; {OBEY}; }}\n\
         {MARK}; exit 22"
    );
    let words = "console=ttyS0 replant=migrate replant.idle=3";
    let mut machine = start(&agent, words);
    let at = wait(&machine, 0, "console here", 0, BOOT);
    std::thread::sleep(Duration::from_secs(5));
    machine.serials[0].send(&said("still here"));
    wait(&machine, 0, "<<still here>>", at, SOON);
    assert!(!machine.serials[0].output().contains("without a key"));
    machine.serials[0].send("exit 20\r");
    gone(&mut machine, SOON);
}
