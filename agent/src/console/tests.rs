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

    fn type_in(&self, setup: Setup<'_>, lines: &str) -> (u8, String) {
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
    assert_eq!(status, 0, "end of input");
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
fn leaves_at_once_while_the_old_system_is_there() {
    let machine = Machine::new();
    assert_eq!(machine.type_in(Setup::default(), "reboot\n").0, EXIT_REBOOT);
    assert_eq!(
        machine.type_in(Setup::default(), "poweroff\n").0,
        EXIT_POWER_OFF
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
        0
    );
    assert_eq!(
        machine.type_in(Setup::default(), "reboot\nyes\n").0,
        EXIT_REBOOT
    );
    assert_eq!(
        machine.type_in(Setup::default(), "poweroff\n yes \n").0,
        EXIT_POWER_OFF
    );
}

#[test]
fn an_error_is_a_line_and_no_end() {
    let machine = Machine::new();
    let (status, text) = machine.type_in(
        Setup::default(),
        "cat /nowhere\ncat\nfrobnicate\ncat 'x\nreboot\n",
    );
    assert_eq!(status, EXIT_REBOOT);
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
    assert_eq!(status, EXIT_REBOOT);
}

#[test]
fn migrate_passes_on_what_the_agent_wants() {
    let machine = Machine::new();
    let script = "echo \"$@\" >>${0%/*}/called; exit $(cat ${0%/*}/status)";
    let replant = machine.script("replant", script);
    let setup = || Setup {
        replant: replant.clone(),
        ..Setup::default()
    };
    for (wanted, status) in [(20, EXIT_REBOOT), (21, EXIT_POWER_OFF), (22, 0), (0, 0)] {
        machine.file("status", &wanted.to_string());
        assert_eq!(machine.type_in(setup(), "migrate\n").0, status);
    }
    machine.file("status", "3");
    let (status, text) = machine.type_in(setup(), "retry\nverify\nreplant report\n");
    assert_eq!(status, 0);
    assert!(
        text.contains("replant migrate --resume failed: exit status: 3"),
        "{text}"
    );
    assert!(text.contains("replant report failed"), "{text}");
    let called = std::fs::read_to_string(machine.root.path().join("called")).unwrap();
    assert_eq!(called.lines().last(), Some("report"));
    assert_eq!(called.matches("migrate --resume\n").count(), 5);
    assert_eq!(called.matches("\nverify\n").count(), 1);
}

#[test]
fn commands_of_other_modules() {
    let machine = Machine::new();
    let extra = [Extra {
        usage: "modprobe NAME",
        help: "load a module",
        run: |arguments, output| match arguments {
            [name] => writeln!(output, "loaded {name}").map_err(|e| e.to_string()),
            _ => Err("usage: modprobe NAME".into()),
        },
    }];
    let setup = Setup {
        extra: &extra,
        ..Setup::default()
    };
    let (_, text) = machine.type_in(setup, "help\nmodprobe ext4\nmodprobe\n");
    assert!(
        text.contains("  modprobe NAME            load a module\n"),
        "{text}"
    );
    assert!(text.contains("loaded ext4\n"), "{text}");
    assert!(text.contains("usage: modprobe NAME\n"), "{text}");
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
    // In a mount namespace of its own: whatever goes wrong, nobody ever cleans
    // up a directory on which this machine's /dev is mounted.
    const NAME: &str = "console::tests::chroot_uses_the_other_systems_programs";
    const ROOT: &str = "REPLANT_TEST_CHROOT";
    let Some(root) = std::env::var_os(ROOT) else {
        let root = tempfile::tempdir().unwrap();
        let status = std::process::Command::new("unshare")
            .args(["--mount", "--propagation", "private"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", NAME])
            .env(ROOT, root.path())
            .status()
            .expect("unshare (package util-linux), as root");
        assert!(status.success(), "see above");
        assert_eq!(
            std::fs::read_to_string(root.path().join("made")).unwrap(),
            "fine\n"
        );
        return;
    };
    let machine = Machine::new();
    let root = Path::new(&root);
    for name in ["bin", "dev", "proc", "sys"] {
        std::fs::create_dir_all(root.join(name)).unwrap();
    }
    std::fs::copy("/bin/busybox", root.join("bin/busybox")).unwrap();
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
