// SPDX-License-Identifier: MIT OR Apache-2.0
//! /init under a real kernel, with shell scripts in the place of the agent.

use harness::cache::{self, Kernel};
use harness::initrd::Initrd;
use harness::vm::{Bus, Running, Vm};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const BOOT: Duration = Duration::from_secs(90);
const SOON: Duration = Duration::from_secs(30);

/// Applets that the scripts use.
const APPLETS: [&str; 14] = [
    "sh", "cat", "dmesg", "grep", "insmod", "kill", "mkdir", "mount", "ps", "sleep", "stty",
    "tail", "touch", "tty",
];

/// Builds /init as the Makefile does it, once.
fn init() -> PathBuf {
    static INIT: OnceLock<PathBuf> = OnceLock::new();
    INIT.get_or_init(|| {
        let source = cache::source();
        let made = Command::new("make")
            .args(["-s", "out/init"])
            .current_dir(&source)
            .status();
        assert!(made.expect("make").success(), "make out/init failed");
        source.join("out/init")
    })
    .clone()
}

/// An initramfs with /init, busybox, and this script as /bin/replant.
fn image(agent: &str) -> Initrd {
    Initrd::new().copy(&init(), "/init").busybox(&APPLETS).file(
        "/bin/replant",
        0o755,
        format!("#!/bin/sh\n{agent}\n").as_bytes(),
    )
}

/// A machine that boots `image`; QEMU ends when it reboots.
fn vm(image: &Initrd, words: &str) -> Vm {
    // QEMU has read the file when it opened its serial ports.
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let (_, path) = file.keep().expect("keep");
    image.write(&path);
    Vm::new()
        .kernel(&Kernel::generic().vmlinuz(), &path)
        .append("panic=1 quiet")
        .append(words)
        .memory(256)
        .arg("-no-reboot")
        .quiet()
}

fn start(agent: &str, words: &str) -> Running {
    vm(&image(agent), words).start()
}

fn wait(machine: &Running, port: usize, needle: &str, from: usize, limit: Duration) -> usize {
    machine.serials[port]
        .wait(needle, from, limit)
        .unwrap_or_else(|| {
            panic!(
                "{needle:?} did not come on ttyS{port} within {limit:?}:\n{}\n--- ttyS0 ---\n{}",
                machine.serials[port].output(),
                machine.tail()
            )
        })
}

/// Waits for the machine to go away without a panic of the kernel.
fn gone(machine: &mut Running, limit: Duration) -> String {
    machine.wait_exit(limit);
    // Nothing like this comes, but the end of the output does.
    let rest = machine.serials[0].wait("\u{fffd}\u{fffd}", 0, SOON);
    assert_eq!(rest, None);
    let text = machine.serials[0].output();
    assert!(!text.contains("Kernel panic"), "{text}");
    text
}

/// The first line of a shell script that does what is typed.
const OBEY: &str = "while read -r line; do eval \"$line\"; done";

/// What the scripts print must not be found in the echo of what was typed:
/// this is printed as `<<TEXT>>`.
fn said(text: &str) -> String {
    format!("echo \"<\"\"<{text}>>\"\r")
}

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
    machine.serials[0].send("grep -c 'number 49' /dev/vcs1 | { read n; echo screen=$n; }\r");
    wait(&machine, 1, "screen=1", started, SOON);

    // The line discipline works.
    machine.serials[1].send("echo \"<\"\"<ab\x7f>>\"\r");
    wait(&machine, 0, "<<a>>", started, SOON);
    // No key ends, stops or holds the migration.
    machine.serials[1].send("\x03\x1a\x1c\x13\r");
    machine.serials[1].send(&said("unmoved"));
    wait(&machine, 0, "<<unmoved>>", started, SOON);

    // Nobody's child is left a zombie.
    let typed = "sh -c 'sleep 1 & sleep 1 & sleep 1 &'; sleep 3; ps -o stat,args | grep -c '^Z' | \
                 { read n; echo zombies=$n; }\r";
    machine.serials[0].send(typed);
    wait(&machine, 0, "zombies=0", started, SOON);

    // Settings that make an accident end well; the kernel's chatter is off.
    machine.serials[0].send("cat /proc/sys/kernel/panic /proc/sys/kernel/printk\r");
    wait(&machine, 0, "\n1\r\n4\t", started, SOON);
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
    assert!(ours - kernel < 0.5, "{kernel} {ours}");
}

#[test]
fn status_21_switches_off() {
    let mut machine = start(&format!("echo ready; {OBEY}"), "console=ttyS0");
    wait(&machine, 0, "ready", 0, BOOT);
    machine.serials[0].send("exit 21\r");
    let text = gone(&mut machine, SOON);
    assert!(text.contains("replant: switching off"), "{text}");
    assert!(text.contains("reboot: Power down"), "{text}");
}

#[test]
fn a_killed_agent_goes_back_to_the_old_system_by_itself() {
    let words = "console=ttyS1 console=ttyS0 replant=migrate";
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
    let counting = Instant::now();
    gone(&mut machine, SOON);
    let waited = counting.elapsed();
    assert!(
        waited > Duration::from_secs(13),
        "only {waited:?} to press a key"
    );
}

#[test]
fn a_key_during_the_countdown_opens_the_console() {
    let agent = format!("test $1 = console || exit 101; trap : INT; echo console here; {OBEY}");
    let words = "console=ttyS1 console=ttyS0 replant=migrate";
    let mut machine = vm(&image(&agent), words).serials(2).start();
    wait(&machine, 0, "ended with status 101", 0, BOOT);
    wait(&machine, 1, "seconds; press any key", 0, SOON);
    machine.serials[1].send(" ");
    let at = wait(&machine, 0, "console here", 0, SOON);
    std::thread::sleep(Duration::from_secs(17));
    machine.serials[0].send(&said("alive"));
    let at = wait(&machine, 0, "<<alive>>", at, SOON);

    // Here the interrupt key works.
    machine.serials[1]
        .send("sh -c 'trap \"echo interr\"\"upted; exit\" INT; echo r\"\"eady; sleep 60'\r");
    let at = wait(&machine, 0, "ready", at, SOON);
    machine.serials[1].send("\x03");
    let at = wait(&machine, 0, "interrupted", at, SOON);
    machine.serials[0].send(&said("still here"));
    let at = wait(&machine, 0, "<<still here>>", at, SOON);

    // End of input is no end: another console.
    std::thread::sleep(Duration::from_secs(2));
    machine.serials[0].send("exit 0\r");
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

#[test]
fn ctrl_alt_del_before_the_point_of_no_return_reboots() {
    let mut machine = start("echo up; kill -INT 1; sleep 60; echo late", "console=ttyS0");
    wait(
        &machine,
        0,
        "Ctrl-Alt-Del: the disk is as it was; rebooting",
        0,
        BOOT,
    );
    let text = gone(&mut machine, SOON);
    assert!(!text.contains("late"), "{text}");
}

/// The screen's keyboard, with keys pressed by QEMU's monitor.
#[test]
fn the_keyboard_types_and_ctrl_alt_del_asks_init() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("monitor");
    let mark = "/run/replant/point-of-no-return";
    let agent = format!("echo ready; read -r line; echo got $line; touch {mark}; {OBEY}");
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
    let mut press = |keys: &str| {
        for key in keys.split(' ') {
            monitor
                .write_all(format!("sendkey {key}\n").as_bytes())
                .expect("the monitor");
            std::thread::sleep(Duration::from_millis(300));
        }
    };
    press("h e l l o ret");
    let at = wait(&machine, 0, "got hello", at, SOON);
    press("ctrl-alt-delete");
    let at = wait(&machine, 0, "Ctrl-Alt-Del is ignored", at, SOON);
    machine.serials[0].send(&said("alive"));
    wait(&machine, 0, "<<alive>>", at, SOON);
    machine.serials[0].send("exit 20\r");
    gone(&mut machine, SOON);
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

#[test]
fn without_pseudo_terminals_pipes_do() {
    let agent = format!("tty; {OBEY}");
    let mut machine = start(&agent, "console=ttyS0 sysctl.kernel.pty.max=0");
    let at = wait(&machine, 0, "not a tty", 0, BOOT);
    machine.serials[0].send("echo \"<\"\"<pipx\x7fe>>\"; echo \"<\"\"<two>>\"\r");
    wait(&machine, 0, "<<pipe>>\r\n<<two>>\r\n", at, SOON);
    machine.serials[0].send("exit 20\r");
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
    // 300 KB: more than the pipe (64 KiB) and our ring (16 KiB) take.
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
    wait(&machine, 0, "all said", 0, Duration::from_secs(150));
    let text = gone(&mut machine, SOON);
    assert!(text.contains("\n5999 0123"), "the newest lines are there");
}

/// A disk that is in use at the end is unmounted all the same.
#[test]
fn everything_is_killed_written_and_unmounted() {
    let disk = tempfile::NamedTempFile::new().expect("a temporary file");
    disk.as_file().set_len(64 << 20).expect("set_len");
    let made = Command::new("mke2fs")
        .args(["-q", "-F", "-t", "ext4"])
        .arg(disk.path())
        .status();
    assert!(made.expect("mke2fs (package e2fsprogs)").success());

    let modules =
        Kernel::generic().closure(&["virtio_pci", "virtio_blk", "crc32c_generic", "ext4"]);
    let mut loads = String::new();
    let mut image = Initrd::new();
    for module in &modules {
        let name = module
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name");
        image = image.copy(module, &format!("/m/{name}"));
        loads.push_str(&format!("insmod /m/{name}\n"));
    }
    let agent = format!(
        "#!/bin/sh\n{loads}mkdir '/mnt/a b'\nmount -t ext4 /dev/vda '/mnt/a b' || exit 1\n\
         mount -t tmpfs none '/mnt/a b/lost+found'\n\
         echo kept >'/mnt/a b/file'\n\
         sh -c \"trap '' TERM; exec sleep 1000\" <'/mnt/a b/file' &\n\
         cd '/mnt/a b'; echo mounted; sleep 1; exit 20"
    );
    let image = image.copy(&init(), "/init").busybox(&APPLETS).file(
        "/bin/replant",
        0o755,
        agent.as_bytes(),
    );
    let mut machine = vm(&image, "console=ttyS0")
        .disk(disk.path(), Bus::Virtio)
        .start();
    wait(&machine, 0, "mounted", 0, BOOT);
    gone(&mut machine, SOON);

    let output = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .arg(disk.path())
            .output();
        String::from_utf8_lossy(&output.expect("e2fsprogs").stdout).into_owned()
    };
    let header = output("dumpe2fs", &["-h"]);
    // A mount that is not undone leaves needs_recovery behind.
    assert!(
        header.contains("has_journal") && !header.contains("needs_recovery"),
        "{header}"
    );
    assert_eq!(output("debugfs", &["-R", "cat /file"]), "kept\n");
}

/// /init is what it is said to be.
#[test]
fn the_file_is_small_and_needs_nothing() {
    let path = init();
    let size = std::fs::metadata(&path).expect("metadata").len();
    println!("/init is {size} bytes");
    assert!(size < 64 << 10, "{size}");
    let readelf = |path: &Path| {
        let output = Command::new("readelf").args(["-hldW"]).arg(path).output();
        String::from_utf8_lossy(&output.expect("readelf (package binutils)").stdout).into_owned()
    };
    let text = readelf(&path);
    assert!(text.contains("EXEC") && text.contains("X86-64"), "{text}");
    assert!(
        !text.contains("INTERP") && text.contains("no dynamic section"),
        "{text}"
    );
}
