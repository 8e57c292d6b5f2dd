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
        session.run("true");
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
            |range: std::ops::Range<usize>| without_blanks(&String::from_utf8_lossy(&all[range]));
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

/// A terminal's output without its carriage returns, and without what only
/// covers a line: systemd puts blanks over its "A start job is running".
fn without_blanks(text: &str) -> String {
    let line = |line: &str| -> String {
        let parts = line.split('\r');
        parts.filter(|part| !part.trim().is_empty()).collect()
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_line_that_systemd_clears_is_no_output() {
    let output = "\r\nBIOS\r\n\r          \r  type: dos\r\n\r\n[ 1/2] a\r[ 2/2] b\r\n";
    let want = "\nBIOS\n  type: dos\n\n[ 1/2] a[ 2/2] b\n";
    assert_eq!(without_blanks(output), want);
}
