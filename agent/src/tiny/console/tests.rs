// SPDX-License-Identifier: MIT OR Apache-2.0
//! The console as its user sees it: lines in, text and a status out.

use super::*;
use std::io::Cursor;

struct Machine {
    root: tempfile::TempDir,
}

impl Machine {
    fn new() -> Machine {
        let machine = Machine {
            root: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir_all(machine.root.path().join("run/replant")).unwrap();
        machine
    }

    fn file(&self, path: &str, text: &str) {
        std::fs::write(self.root.path().join(path), text).unwrap();
    }

    fn script(&self, path: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        self.file(path, &format!("#!/bin/sh\n{text}\n"));
        let path = self.root.path().join(path);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn type_in(&self, setup: Setup, lines: &str) -> (Option<Exit>, String) {
        let setup = Setup {
            root: self.root.path().to_path_buf(),
            ..setup
        };
        let mut output = Vec::new();
        let status = run(&setup, &mut Cursor::new(lines), &mut output).unwrap();
        (status, String::from_utf8(output).unwrap())
    }
}

#[test]
fn greets_with_what_happened() {
    let machine = Machine::new();
    let (status, text) = machine.type_in(Setup::default(), "");
    assert_eq!(status, None, "end of input");
    assert!(text.contains("Nothing on the disk was changed"), "{text}");
    machine.file(
        "run/replant/failure.txt",
        "step 4, wipe: /dev/vda: no space\n",
    );
    machine.file("run/replant/point-of-no-return", "");
    let (_, text) = machine.type_in(Setup::default(), "");
    assert!(
        text.contains("  step 4, wipe: /dev/vda: no space\n"),
        "{text}"
    );
    assert!(text.contains("Do not switch off"), "{text}");
    assert!(!text.contains("Nothing on the disk"), "{text}");
}

#[test]
fn a_migration_that_goes_on_by_itself_needs_no_power() {
    let machine = Machine::new();
    machine.file("run/replant/point-of-no-return", "");
    std::fs::create_dir(machine.root.path().join("proc")).unwrap();
    machine.file(
        "proc/cmdline",
        "replant=migrate replant.lifeboat=000102030405060708090a0b0c0d0e0f,9,7,16,8\n",
    );
    let (status, text) = machine.type_in(Setup::default(), "reboot\n");
    assert_eq!(status, Some(Exit::Reboot));
    assert!(!text.contains("Do not switch off"), "{text}");
    let said = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("you may switch off at any time"), "{text}");
    // Unless the loader would not bring it back.
    machine.file("run/replant/must-stay", "");
    let (status, text) = machine.type_in(Setup::default(), "reboot\nno\n");
    assert_ne!(status, Some(Exit::Reboot), "{text}");
    let said = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("is damaged. Do not switch off."), "{text}");
}

#[test]
fn leaves_at_once_while_the_old_system_is_there() {
    let machine = Machine::new();
    assert_eq!(
        machine.type_in(Setup::default(), "reboot\n").0,
        Some(Exit::Reboot)
    );
    assert_eq!(
        machine.type_in(Setup::default(), "poweroff\n").0,
        Some(Exit::PowerOff)
    );
}

#[test]
fn leaves_a_half_written_disk_only_when_it_is_meant() {
    let machine = Machine::new();
    machine.file("run/replant/point-of-no-return", "");
    assert_eq!(
        machine
            .type_in(Setup::default(), "reboot\nno\npoweroff\n\n")
            .0,
        None
    );
    assert_eq!(
        machine.type_in(Setup::default(), "reboot\nyes\n").0,
        Some(Exit::Reboot)
    );
    assert_eq!(
        machine.type_in(Setup::default(), "poweroff\n yes \n").0,
        Some(Exit::PowerOff)
    );
}

#[test]
fn an_error_is_a_line_and_no_end() {
    let machine = Machine::new();
    let (status, text) = machine.type_in(
        Setup::default(),
        "cat /nowhere\ncat\nfrobnicate\ncat 'x\nreboot\n",
    );
    assert_eq!(status, Some(Exit::Reboot));
    assert!(
        text.contains("cannot open /nowhere: No such file"),
        "{text}"
    );
    assert!(text.contains("usage: cat FILE..."), "{text}");
    assert!(
        text.contains("frobnicate: there is no such command"),
        "{text}"
    );
    assert!(text.contains("the quote ' is not closed"), "{text}");
}

#[test]
fn bytes_that_are_no_text_are_only_a_wrong_command() {
    let machine = Machine::new();
    let mut output = Vec::new();
    let setup = Setup::default();
    let lines = b"\xff\xfe\x00\x1b[A\nreboot\n".as_slice();
    let setup = Setup {
        root: machine.root.path().into(),
        ..setup
    };
    let status = run(&setup, &mut Cursor::new(lines), &mut output).unwrap();
    assert_eq!(status, Some(Exit::Reboot));
}

#[test]
fn migrate_is_inits_to_start() {
    let machine = Machine::new();
    for word in ["migrate\n", "retry\n", "replant migrate\n"] {
        let (status, text) = machine.type_in(Setup::default(), &format!("{word}reboot\n"));
        assert_eq!(status, Some(Exit::Migrate), "{word}: {text}");
    }
    // Where the payload is comes by a file, and is good for one time.
    machine.file("run/replant/log", "");
    let left = machine.root.path().join("run/replant/payload-from");
    let named = "migrate --payload sdb1:va.tar.xz\n";
    assert_eq!(
        machine.type_in(Setup::default(), named).0,
        Some(Exit::Migrate)
    );
    let text = std::fs::read_to_string(&left).unwrap();
    assert_eq!(text, "/dev/sdb1:/va.tar.xz");
    machine.type_in(Setup::default(), "migrate\n");
    assert!(!left.exists());
}

#[test]
fn a_rehearsal_passes_on_what_the_agent_wants() {
    let machine = Machine::new();
    let script = "echo \"$@\" >>${0%/*}/called; exit $(cat ${0%/*}/status)";
    let replant = machine.script("replant", script);
    let setup = || Setup {
        replant: replant.clone(),
        ..Setup::default()
    };
    for (wanted, status) in [
        (20, Some(Exit::Reboot)),
        (21, Some(Exit::PowerOff)),
        (22, None),
        (0, None),
    ] {
        machine.file("status", &wanted.to_string());
        assert_eq!(machine.type_in(setup(), "rehearse\n").0, status);
    }
    machine.file("status", "3");
    let (status, text) = machine.type_in(setup(), "verify\nreplant survey\n");
    assert_eq!(status, None);
    assert!(
        text.contains("replant verify failed: exit status: 3"),
        "{text}"
    );
    assert!(text.contains("replant survey failed"), "{text}");
    let called = std::fs::read_to_string(machine.root.path().join("called")).unwrap();
    assert_eq!(called.lines().last(), Some("survey"));
    assert_eq!(called.matches("rehearse\n").count(), 4);
}

#[test]
fn files() {
    let machine = Machine::new();
    let root = machine.root.path().display().to_string();
    machine.file("a b", "one\ntwo\x1b[31m");
    std::os::unix::fs::symlink("a b", machine.root.path().join("link")).unwrap();
    let (_, text) = machine.type_in(
        Setup::default(),
        &format!(
            "cat '{root}/a b'\ncp '{root}/a b' {root}/copy\nls {root}\ncp {root}/copy {root}/copy\n\
             cp {root} {root}/x\n"
        ),
    );
    assert!(text.contains("one\ntwo?[31m\nreplant> "), "{text}");
    assert!(text.contains("copy: 12 bytes\n"), "{text}");
    assert!(text.contains("           12 a b\n"), "{text}");
    assert!(text.contains("link -> a b\n"), "{text}");
    assert!(text.contains("it is the same file"), "{text}");
    assert!(text.contains("it is not a plain file"), "{text}");
    assert_eq!(
        std::fs::read(machine.root.path().join("copy"))
            .unwrap()
            .len(),
        12
    );
}

#[test]
fn log_and_this_machine() {
    let machine = Machine::new();
    let (_, text) = machine.type_in(Setup::default(), "log\n");
    assert!(text.contains("There is no log"), "{text}");
    machine.file("run/replant/log", "step 1 of 11\n");
    assert!(
        machine
            .type_in(Setup::default(), "log\n")
            .1
            .contains("step 1 of 11\n")
    );
    // The real /proc and /sys.
    let mut output = Vec::new();
    run(
        &Setup::default(),
        &mut Cursor::new("free\nps\nmount\n"),
        &mut output,
    )
    .unwrap();
    let text = String::from_utf8(output).unwrap();
    assert!(text.contains("memory of the machine"), "{text}");
    assert!(text.contains(" COMMAND\n"), "{text}");
    assert!(text.lines().any(|line| line.contains(" / ")), "{text}");
}

#[test]
fn chroot_uses_the_other_systems_programs() {
    testkit::needs!("root", "/bin/busybox");
    const NAME: &str = "tiny::console::tests::chroot_uses_the_other_systems_programs";
    let Some(root) = crate::namespace::enter(NAME) else {
        return;
    };
    let machine = Machine::new();
    let root = root.as_path();
    for name in ["bin", "dev", "proc", "sys"] {
        std::fs::create_dir_all(root.join(name)).unwrap();
    }
    testkit::copy_program("/bin/busybox", &root.join("bin/busybox"));
    std::os::unix::fs::symlink("/bin/busybox", root.join("bin/sh")).unwrap();
    let place = root.display();
    let inside = "test -e /dev/null && test -d /proc/self && echo fine >/made";
    let (_, text) = machine.type_in(
        Setup::default(),
        &format!(
            "chroot {place} sh -c '{inside}'\nchroot {place} sh -c 'exit 9'\nchroot /nowhere\n"
        ),
    );
    assert_eq!(
        std::fs::read_to_string(root.join("made")).unwrap(),
        "fine\n",
        "{text}"
    );
    assert!(text.contains("sh failed: exit status: 9"), "{text}");
    assert!(text.contains("/nowhere"), "{text}");
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(
        !mounts.contains(&place.to_string()),
        "everything is unmounted again"
    );
}

/// crypt(3) of libxcrypt 4.4 made it, of the password "open sesame".
const HASH: &str = "$5$saltsalt$yrhPKxCqiWcCE9h0g86j6Ugz7SDFdFm.BjU.d8RaQnC";

fn without_pause() -> Setup {
    Setup {
        pause: std::time::Duration::ZERO,
        ..Setup::default()
    }
}

fn locked(hash: &str) -> Machine {
    let machine = Machine::new();
    std::fs::create_dir_all(machine.root.path().join("etc/replant")).unwrap();
    machine.file("etc/replant/console-password", hash);
    machine.file("secret", "of the old disk\n");
    machine
}

#[test]
fn asks_for_the_password_before_anything_but_looking_and_leaving() {
    let machine = locked(&format!("{HASH}\n"));
    let secret = machine.root.path().join("secret");
    let cat = format!("cat {}\n", secret.display());
    let shows = |lines: &str| machine.type_in(without_pause(), lines).1;

    let text = shows(&format!("{cat}open sesamE\n{cat}\nstatus\n"));
    assert!(!text.contains("of the old disk"), "{text}");
    assert_eq!(text.matches("wrong password").count(), 2, "{text}");
    let text = shows(&format!("{cat}open sesame\n{cat}"));
    assert_eq!(text.matches("of the old disk").count(), 2, "{text}");
    assert_eq!(text.matches("password: ").count(), 1, "{text}");
    let text = shows(&format!("{cat}open sesame\nlock\n{cat}x\n"));
    assert_eq!(text.matches("of the old disk").count(), 1, "{text}");
    // What the file says is not shown, nor what was typed.
    assert!(!text.contains("saltsalt") && !text.contains("open sesame"));

    for free in ["status", "log", "help", "# x", ""] {
        assert!(
            !shows(&format!("{free}\n")).contains("password: "),
            "{free}"
        );
    }
    assert_eq!(
        machine.type_in(without_pause(), "reboot\n").0,
        Some(Exit::Reboot)
    );
    for kept in [
        "poweroff",
        "migrate",
        "rehearse",
        "survey",
        "report",
        "ls",
        "mount",
        "mount a b rw",
        "disks",
        "ps",
        "chroot /",
        "sh",
        "dmesg",
        "free",
        "cp a b",
        "modprobe x",
    ] {
        let (status, text) = machine.type_in(without_pause(), &format!("{kept}\nno\n"));
        assert_eq!(status, None, "{kept}");
        assert!(text.contains("wrong password"), "{kept}: {text}");
    }
}

#[test]
fn a_hash_that_is_damaged_locks_and_none_leaves_open() {
    for hash in ["", "\n", "$1$abc$xyz", "$5$saltsalt$", "$6$rounds=9$a$b"] {
        let text = locked(hash).type_in(without_pause(), "free\n\nfree\nx\n").1;
        assert_eq!(text.matches("wrong password").count(), 2, "{hash}: {text}");
    }
    let text = Machine::new().type_in(without_pause(), "ls /\nlock\n").1;
    assert!(!text.contains("password: "), "{text}");
    assert!(text.contains("this console has no password"), "{text}");
}
