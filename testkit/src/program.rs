// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs of this machine, and those of another root.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs a program, and returns its output with any exit status. Programs in sbin
/// are found, too, and messages are in English.
pub fn output(command: &mut Command) -> Output {
    if !command.get_envs().any(|(name, _)| name == "PATH") {
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", path + ":/usr/sbin:/sbin");
    }
    let out = command.env("LC_ALL", "C").output();
    out.unwrap_or_else(|e| panic!("{command:?} is needed for this test: {e}"))
}

/// Runs a program that must succeed; its standard output.
pub fn run(command: &mut Command) -> String {
    let out = output(command);
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(
        out.status.success(),
        "{command:?}: {}\n{text}{errors}",
        out.status
    );
    text
}

/// [`run`] with words; the output without blanks around it.
pub fn tool(program: &str, words: &[&str]) -> String {
    run(Command::new(program).args(words)).trim().to_owned()
}

/// Copies a program to another place, to be run there. A separate process makes
/// the copy: a file that this process has open for writing is also open for a
/// moment in a child that another test forks, and the kernel does not run such a
/// file.
pub fn copy_program(from: &str, to: &Path) {
    run(Command::new("cp").arg(from).arg(to));
}

/// [`run`] in another root.
pub fn chroot(root: &Path, words: &[&str]) -> String {
    let mut command = Command::new("chroot");
    command.arg(root).args(words);
    run(command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"))
}

/// A path below the top of the source tree.
pub fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// What `tests/images/roots.sh` has under a name, made if need be: `kernel` is a
/// directory, the others are archives.
pub fn roots(what: &str) -> PathBuf {
    let script = source("tests/images/roots.sh");
    run(Command::new("sh").arg(script).arg(what)).trim().into()
}

/// Debian's generic kernel.
pub struct Kernel {
    /// `vmlinuz` and `lib/modules` are there.
    pub root: PathBuf,
    /// As `uname -r` has it.
    pub version: String,
}

/// The kernel that the whole-system tests boot.
pub fn kernel() -> Kernel {
    let root = roots("kernel");
    let mut versions = root.join("lib/modules").read_dir().unwrap();
    let version = versions.next().unwrap().unwrap().file_name();
    Kernel {
        version: version.into_string().unwrap(),
        root,
    }
}
