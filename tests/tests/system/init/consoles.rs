// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every console gets every line, any may type, and none holds up the others.

use super::machine::*;
use harness::vm::Running;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::process::Command;

#[test]
fn every_console_gets_every_line_and_any_may_type() {
    let agent = format!("echo agent $1 on $(tty); {OBEY}");
    let words = "console=tty0 console=ttyS1,115200 console=ttyS0,115200";
    let mut machine = vm(&image(&agent), words).serials(2).start();
    let started = wait(&machine, 0, "agent tiny on /dev/pts/0", 0, BOOT);
    wait(&machine, 1, "agent tiny on /dev/pts/0", 0, SOON);

    // Fifty lines, typed for on the second port, are on both, in order.
    machine.serials[1].send("i=0; while test $i -lt 50; do echo number $i.; i=$((i+1)); done\r");
    for port in [0, 1] {
        let mut from = 0;
        for number in 0..50 {
            from = wait(
                &machine,
                port,
                &format!("\nnumber {number}.\r\n"),
                from,
                SOON,
            ) - 2;
        }
    }
    // And on the screen: /dev/vcs1 holds its characters.
    machine.serials[0].send("grep -c 'number 49[.]' /dev/vcs1 | { read n; echo screen=$n; }\r");
    wait(&machine, 1, "screen=1", started, SOON);

    // The line discipline works.
    machine.serials[1].send("echo \"<\"\"<ab\x7f>>\"\r");
    wait(&machine, 0, "<<a>>", started, SOON);
    // No key ends, stops or holds the migration; one asks.
    machine.serials[1].send("\x1a\x1c\x13\r\x03\x1a\x1c\x13\r");
    wait(&machine, 0, "replant: going on", started, SOON);
    machine.serials[1].send(&said("unmoved"));
    wait(&machine, 0, "<<unmoved>>", started, SOON);

    // Nobody's child is left a zombie.
    let typed = "sh -c 'sleep 1 & sleep 1 & sleep 1 &'; sleep 3; ps -o stat,args | grep -c '^Z' | \
                 { read n; echo zombies=$n; }\r";
    machine.serials[0].send(typed);
    wait(&machine, 0, "zombies=0", started, SOON);

    // Settings that make an accident end well; the kernel's chatter is off.
    machine.serials[0].send("cd /proc/sys/kernel; cat panic printk_devkmsg printk\r");
    wait(&machine, 0, "\n1\r\non\r\n4\t", started, SOON);
    machine.serials[0].send("stty size\r");
    wait(&machine, 0, "\n25 80\r\n", started, SOON);

    time_to_the_first_line(&machine, started);

    // Status 20 reboots.
    machine.serials[1].send("exit 20\r");
    let text = gone(&mut machine, SOON);
    assert!(text.contains("replant: rebooting"), "{text}");
    assert!(!text.contains("ended with status"), "{text}");
}

/// Reads the kernel's stamps of its own last line and of our first one.
fn time_to_the_first_line(machine: &Running, from: usize) {
    machine.serials[0].send("dmesg | grep -e 'Run /init' -e 'replant: /init'\r");
    let end = wait(machine, 0, " runs\r\n", from, SOON);
    let text = machine.serials[0].output();
    let stamp = |needle: &str| -> f64 {
        let line = text[..end]
            .lines()
            .rfind(|line| line.contains(needle) && line.starts_with('['));
        let line = line.unwrap_or_else(|| panic!("no {needle:?} in {text}"));
        line[1..]
            .split(']')
            .next()
            .and_then(|s| s.trim().parse().ok())
            .expect("a stamp")
    };
    let (kernel, ours) = (stamp("Run /init"), stamp("replant: /init"));
    println!("kernel's last line at {kernel:.3} s, /init's first at {ours:.3} s");
    // A second, or what this machine takes for its kernel.
    assert!(ours - kernel < f64::max(1.0, kernel), "{kernel} {ours}");
}

/// The screen's keyboard, with keys pressed by QEMU's monitor.
#[test]
fn the_keyboard_types_and_ctrl_alt_del_asks_init() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("monitor");
    let mark = "/run/replant/point-of-no-return";
    // The kernel looks for the keyboard beside everything else.
    let agent = format!(
        "until grep -A 5 'AT Translated' /proc/bus/input/devices | grep -q kbd; do sleep 1; done\n\
         echo ready; read -r line; echo got $line; touch {mark}; {OBEY}"
    );
    let mut machine = vm(&image(&agent), "console=ttyS0 console=tty0")
        .arg("-chardev")
        .arg(format!(
            "socket,id=monitor,server=on,wait=off,path={}",
            path.display()
        ))
        .arg("-mon")
        .arg("chardev=monitor,mode=readline")
        .start();
    let at = wait(&machine, 0, "ready", 0, BOOT);
    let mut monitor = UnixStream::connect(&path).expect("the monitor");
    let mut press = |key: &str| {
        monitor
            .write_all(format!("sendkey {key}\n").as_bytes())
            .expect("the monitor");
    };
    // Each key when the one before has come: QEMU holds them for a while.
    let word = "hello";
    for (n, key) in word.char_indices() {
        press(&key.to_string());
        wait(&machine, 0, &word[..=n], at, SOON);
    }
    press("ret");
    let at = wait(&machine, 0, "got hello", at, SOON);
    press("ctrl-alt-delete");
    let at = wait(&machine, 0, "Ctrl-Alt-Del is ignored", at, SOON);
    let at = wait(&machine, 0, "Type yes to stop", at, SOON);
    machine.serials[0].send("no\r");
    machine.serials[0].send(&said("alive"));
    wait(&machine, 0, "<<alive>>", at, SOON);
    machine.serials[0].send("exit 20\r");
    gone(&mut machine, SOON);
}

/// A kernel that has no console at all opens no standard descriptors for /init.
/// Here it does not understand the name of a console that is there.
#[test]
fn without_a_console_of_the_kernel_ours_works() {
    let agent = format!("echo ready; {OBEY}");
    let mut machine = start(&agent, "console=/dev/ttyS0");
    let at = wait(&machine, 0, "ready", 0, BOOT);
    machine.serials[0].send("cat /dev/console\r");
    let at = wait(&machine, 0, "can't open '/dev/console'", at, SOON);
    // Our last line is in the log, although no other came after it.
    machine.serials[0].send("dmesg | grep replant\r");
    let at = wait(&machine, 0, "replant: consoles: ttyS0\r\n", at, SOON);
    machine.serials[0].send("kill -INT 1\r");
    wait(&machine, 0, "replant: rebooting", at, SOON);
    gone(&mut machine, SOON);
}

/// A console that takes nothing: a serial port into a full pipe. It must not
/// hold up the agent, nor the other console.
#[test]
fn a_stuck_console_holds_nobody_up() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let pipe = directory.path().join("stuck");
    for end in ["stuck.in", "stuck.out"] {
        let made = Command::new("mkfifo")
            .arg(directory.path().join(end))
            .status();
        assert!(made.expect("mkfifo").success());
    }
    // Opened for both, so that it does not wait for the other end.
    let mut full = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(0o4000) // O_NONBLOCK
        .open(directory.path().join("stuck.out"))
        .expect("the pipe");
    let mut filled = 0;
    while let Ok(got) = full.write(b"#") {
        filled += got;
    }
    // 300 KB: far more than the pseudo-terminal and our ring (16 KiB) take.
    let agent = "i=0; while test $i -lt 6000; do \
                 echo \"$i 0123456789012345678901234567890123456789012\"; i=$((i+1)); done; \
                 echo all said; sleep 1; exit 20";
    let mut machine = vm(&image(agent), "console=ttyS0 console=ttyS1")
        .arg("-chardev")
        .arg(format!("pipe,id=stuck,path={}", pipe.display()))
        .arg("-serial")
        .arg("chardev:stuck")
        .start();
    // The harness' port comes second: ttyS1.
    wait(&machine, 0, "all said", 0, BOOT);
    let text = gone(&mut machine, SOON);
    assert!(text.contains("\n5999 0123"), "the newest lines are there");
    let mut held = vec![0; filled + 1];
    let got = full.read(&mut held).expect("the pipe");
    assert_eq!(got, filled, "the console took nothing");
    assert!(held[..got].iter().all(|byte| *byte == b'#'));
}
