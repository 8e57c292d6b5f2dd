// SPDX-License-Identifier: MIT OR Apache-2.0
//! Real programs that hang, fork and print.

use super::*;
use std::path::Path;

/// Long enough for a program on a busy machine to show a sign.
const SHORT: Duration = Duration::from_secs(2);

fn supervision(silence: Duration) -> Supervision {
    Supervision {
        silence,
        grace: Duration::from_secs(2),
        disk: None,
    }
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// What became of a script, and what it printed.
fn watched(script: &str, silence: Duration) -> (Result<(), Error>, Vec<String>) {
    let mut lines = Vec::new();
    let result = watch(&mut shell(script), &supervision(silence), &mut |line| {
        lines.push(line.to_string());
    });
    (result, lines)
}

/// Whether the process whose number is in the file is there, dead or not.
fn lives(file: &Path) -> bool {
    let pid = std::fs::read_to_string(file).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    let stat = stat
        .ok()
        .and_then(|s| crate::machine::process::Stat::parse(&s));
    stat.is_some_and(|stat| !stat.is_dead())
}

#[test]
fn says_what_failed_and_its_last_words() {
    let mut command = Command::new("sh");
    command.args(["-c", "echo one; echo the reason >&2; exit 3"]);
    let error = output(&mut command).unwrap_err().to_string();
    assert!(
        error.contains("exit 3'") && error.ends_with("the reason"),
        "{error}"
    );
    let error = output(&mut Command::new("/no/such/program"))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("/no/such/program: cannot be started"),
        "{error}"
    );
}

#[test]
fn watches_both_streams_in_order() {
    let script = "echo a; echo b >&2; echo; printf 'c'";
    let (result, lines) = watched(script, Supervision::SILENCE);
    result.unwrap();
    assert_eq!(lines, ["a", "b", "c"]);
    let (result, _) = watched("kill -9 $$", Supervision::SILENCE);
    let error = result.unwrap_err();
    assert!(error.to_string().contains("signal: 9"), "{error}");
    assert!(error.is_transient());
}

/// A daemon that holds the pipe is not waited for, and does not stay: it would
/// keep the new root busy.
#[test]
fn what_is_left_running_is_ended_and_named() {
    let dir = tempfile::tempdir().unwrap();
    for (number, daemon) in [
        "sleep 1000 & echo $! >FILE",
        "setsid sh -c 'echo $$ >FILE; exec sleep 1000' >/dev/null 2>&1 &",
    ]
    .iter()
    .enumerate()
    {
        let file = dir.path().join(number.to_string());
        // It has the name of its parent until it has become another program.
        let script = format!(
            "{daemon}\nuntil grep -qs sleep \"/proc/$(cat FILE 2>/dev/null)/comm\"; do :; done\necho started"
        )
        .replace("FILE", file.to_str().unwrap());
        let (result, lines) = watched(&script, Supervision::SILENCE);
        result.unwrap();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert_eq!(lines[0], "started");
        assert!(lines[1].starts_with("sleep (process "), "{lines:?}");
        assert!(lines[1].ends_with(") was left running, and is ended"));
        assert!(!lives(&file));
    }
}

#[test]
fn a_program_that_sleeps_for_ever_is_ended() {
    let (result, _) = watched("echo installing; sleep 1000", SHORT);
    let error = result.unwrap_err();
    assert!(!error.is_transient());
    let text = error.to_string();
    assert!(
        text.starts_with("sh -c 'echo installing; sleep 1000': it hung and was ended: for 2 s"),
        "{text}"
    );
    assert!(
        text.ends_with("the last that it printed: installing"),
        "{text}"
    );
}

#[test]
fn one_that_will_not_end_is_killed_with_all_its_children() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    let script = format!(
        "trap '' TERM; echo $$ >{}; sh -c 'trap \"\" TERM; echo $$ >{}; sleep 1000; :' & \
         setsid sh -c 'echo $$ >{}; sleep 1000; :' >/dev/null 2>&1 <&- & wait; sleep 1000",
        file("itself").display(),
        file("child").display(),
        file("daemon").display()
    );
    let (result, _) = watched(&script, SHORT);
    assert!(matches!(result, Err(Error::Hung { stuck, .. }) if stuck.is_empty()));
    for name in ["itself", "child", "daemon"] {
        assert!(!lives(&file(name)), "{name}");
    }
}

/// It closes its output and goes on: the end of the pipe is not its end.
#[test]
fn one_that_closes_its_output_is_still_watched() {
    let (result, _) = watched("exec >&- 2>&-; sleep 1; exit 7", Supervision::SILENCE);
    let error = result.unwrap_err().to_string();
    assert!(error.contains("exit status: 7"), "{error}");
    let (result, _) = watched("exec >&- 2>&-; sleep 1000", SHORT);
    assert!(matches!(result, Err(Error::Hung { .. })));
}

/// Nothing but processor time, nothing but input and output, nothing but
/// lines: each for twice as long as silence may last.
#[test]
fn what_gets_on_is_left_alone() {
    testkit::needs!("time");
    let until = |work: &str| {
        format!("end=$(($(date +%s) + 10)); while [ $(date +%s) -lt $end ]; do {work}; done")
    };
    std::thread::scope(|scope| {
        for work in [
            ":",
            "sleep 0.5; echo dot",
            "sleep 0.5; cat /etc/passwd >/dev/null",
        ] {
            scope.spawn(move || watched(&until(work), SHORT * 5 / 2).0.unwrap());
        }
    });
}

#[test]
fn only_what_may_pass_is_tried_again() {
    for (script, again) in [
        ("exit 1", false),
        ("echo 'No space left on device'; exit 1", false),
        (
            "echo 'grub-install: error: disk hd0: Input/output error.'; exit 1",
            true,
        ),
        ("kill -SEGV $$", false),
        ("kill -KILL $$", true),
        ("exit 127", false),
    ] {
        let error = watched(script, Supervision::SILENCE).0.unwrap_err();
        assert_eq!(error.is_transient(), again, "{error}");
    }
    let mut missing = Command::new("/no/such/program");
    let watched = watch(&mut missing, &supervision(SHORT), &mut |_| {});
    assert!(!watched.unwrap_err().is_transient());
}
