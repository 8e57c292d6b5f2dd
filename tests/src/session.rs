// SPDX-License-Identifier: MIT OR Apache-2.0
//! A person at a serial console: logs in, types, reads.

use crate::vm::Running;
use std::time::Duration;

/// A shell on the first serial port of a machine.
pub struct Session<'a> {
    machine: &'a Running,
    at: usize,
}

impl<'a> Session<'a> {
    /// Waits for the login prompt of `host` after byte `from` of the output
    /// and logs in.
    ///
    /// # Panics
    /// When the prompt does not come, or the password is refused.
    pub fn login(
        machine: &'a Running,
        host: &str,
        user: &str,
        password: &str,
        from: usize,
        limit: Duration,
    ) -> Session<'a> {
        let mut at = machine.expect_after(&format!("{host} login: "), from, limit);
        let short = Duration::from_secs(300);
        machine.serials[0].send(&format!("{user}\n"));
        at = machine.expect_after("Password: ", at, short);
        machine.serials[0].send(&format!("{password}\n"));
        // What is typed before the shell reads is lost.
        let prompt = if user == "root" { "# " } else { "$ " };
        at = machine.expect_after(prompt, at, short);
        machine.serials[0].send(
            "stty -echo; PS1=; export LC_ALL=C; bind 'set enable-bracketed-paste off'; echo re''ady\n",
        );
        at = machine.expect_after("ready", at, short);
        let mut session = Session { machine, at };
        // A slow machine's kernel complains of its timer on the console.
        session.run(if user == "root" { "dmesg -n 1" } else { "true" });
        session
    }

    /// Runs a command line and returns its output.
    ///
    /// # Panics
    /// When it fails or takes longer than ten minutes.
    pub fn run(&mut self, command: &str) -> String {
        let (output, status) = self.try_run(command, Duration::from_secs(600));
        assert_eq!(status, 0, "{command}: {output}");
        output
    }

    /// Runs a command line; its output and exit status.
    ///
    /// # Panics
    /// When it takes longer than `limit`.
    pub fn try_run(&mut self, command: &str, limit: Duration) -> (String, i32) {
        self.machine.serials[0].send(&format!("echo '<''<'; {command}; echo \"@status $?@\"\n"));
        let begin = self.machine.expect_after("<<", self.at, limit);
        let mark = self.machine.expect_after("@status ", begin, limit);
        let end = self.machine.expect_after("@", mark, limit);
        let all = self.machine.serials[0].bytes();
        let text =
            |range: std::ops::Range<usize>| of_commands(&String::from_utf8_lossy(&all[range]));
        let output = text(begin..mark - "@status ".len());
        let status = text(mark..end - 1).trim().parse().expect("a number");
        self.at = end;
        (output.trim().to_string(), status)
    }

    /// Types a line and does not wait.
    pub fn send(&self, line: &str) {
        self.machine.serials[0].send(&format!("{line}\n"));
    }

    /// Where the output that was read so far ends.
    pub fn position(&self) -> usize {
        self.at
    }
}

/// What commands printed on a terminal: without its carriage returns, without
/// what only covers a line (systemd puts blanks over its "A start job is
/// running"), and without the kernel's messages.
fn of_commands(text: &str) -> String {
    let line = |line: &str| -> String {
        let parts = line.split('\r');
        parts.filter(|part| !part.trim().is_empty()).collect()
    };
    let lines = text.split('\n').map(line);
    let lines = lines.filter(|line| !is_of_kernel(line));
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether a line begins with the kernel's time, as `[  298.337174] `.
fn is_of_kernel(line: &str) -> bool {
    let stamp = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "));
    let time = stamp.and_then(|(time, _)| time.trim_start().split_once('.'));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    time.is_some_and(|(s, us)| !s.is_empty() && us.len() == 6 && digits(s) && digits(us))
}

#[test]
fn what_systemd_and_the_kernel_say_is_no_output() {
    let output = "\r\nBIOS\r\n\r          \r  type: dos\r\n\r\n[ 1/2] a\r[ 2/2] b\r\n\
                  [  298.337174] hrtimer: interrupt took 12 ns\r\n[1.5] c\r\n[x.123456] d\r\n";
    let want = "\nBIOS\n  type: dos\n\n[ 1/2] a[ 2/2] b\n[1.5] c\n[x.123456] d\n";
    assert_eq!(of_commands(output), want);
}
