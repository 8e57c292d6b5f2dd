// SPDX-License-Identifier: MIT OR Apache-2.0
//! While a command runs that a person started, `/init` must not count the time
//! without a key.

use super::{ConsoleError, Setup};
use crate::paths::CONSOLE_BUSY;
use std::io::Write;

/// Runs `work`, and keeps the file by which `/init` knows of it while it runs.
///
/// # Errors
/// The error of `work`.
pub(super) fn during<T>(
    setup: &Setup,
    output: &mut dyn Write,
    work: impl FnOnce(&mut dyn Write) -> Result<T, ConsoleError>,
) -> Result<T, ConsoleError> {
    // Where no migration can continue by itself, `/init` does not count.
    if !setup.resumes() {
        return work(output);
    }
    let path = setup.path(CONSOLE_BUSY);
    if let Err(error) = std::fs::write(&path, "") {
        writeln!(output, "warning: {}: {error}", path.display())?;
    }
    let result = work(output);
    if let Err(error) = sys::remove_file(&path) {
        writeln!(output, "warning: {error}")?;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_there_as_long_as_the_command_runs() {
        let root = tempfile::tempdir().unwrap();
        let setup = Setup {
            root: root.path().into(),
            ..Setup::default()
        };
        for dir in ["proc", "run/replant"] {
            std::fs::create_dir_all(root.path().join(dir)).unwrap();
        }
        let path = setup.path(CONSOLE_BUSY);
        let seen = || {
            let mut output = Vec::new();
            let seen = during(&setup, &mut output, |_| Ok(path.exists())).unwrap();
            assert!(output.is_empty() && !path.exists());
            during(&setup, &mut output, |_| {
                Err::<(), _>(ConsoleError::Quote('"'))
            })
            .unwrap_err();
            assert!(!path.exists(), "after one that failed, too");
            seen
        };
        let cmdline = root.path().join("proc/cmdline");
        std::fs::write(&cmdline, "replant=migrate").unwrap();
        assert!(!seen());
        let id = "00112233445566778899aabbccddeeff";
        let boat = format!("replant=migrate replant.lifeboat={id},8,4096,16,8192");
        std::fs::write(&cmdline, boat).unwrap();
        assert!(setup.resumes());
        assert!(seen());
    }
}
