// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that both look for. They end in NUL, as the kernel's calls want them;
//! [`text`] is for the standard library's.

use core::ffi::CStr;

/// What the tiny system keeps in RAM. `/init` makes the directory.
pub const RUN: &CStr = c"/run/replant";
/// Exists once the disk may have been written. The agent makes it.
pub const POINT_OF_NO_RETURN: &CStr = c"/run/replant/point-of-no-return";
/// Why the migration stopped, for the recovery console. Whoever ended it
/// writes it.
pub const FAILURE: &CStr = c"/run/replant/failure.txt";
/// Exists when a person asked the migration to stop. `/init` makes and
/// removes it.
pub const STOP: &CStr = c"/run/replant/stop";
/// A number that changes while the migration gets on. The agent writes it.
pub const PROGRESS: &CStr = c"/run/replant/progress";
/// Exists while the recovery console carries a command out, and does not wait
/// for one. The console makes and removes it.
pub const CONSOLE_BUSY: &CStr = c"/run/replant/console-busy";
/// Exists while the machine, started again, would not go on with a migration
/// that goes on by itself otherwise. The agent makes and removes it.
pub const MUST_STAY: &CStr = c"/run/replant/must-stay";
/// Hash of the recovery console's password, in the initramfs.
pub const CONSOLE_PASSWORD: &CStr = c"/etc/replant/console-password";

/// A path of this module for the standard library.
pub const fn text(path: &'static CStr) -> &'static str {
    match path.to_str() {
        Ok(text) => text,
        // Not for the paths above, which are ASCII.
        Err(_) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_text() {
        assert_eq!(text(RUN), "/run/replant");
        for path in [
            POINT_OF_NO_RETURN,
            FAILURE,
            STOP,
            PROGRESS,
            CONSOLE_BUSY,
            MUST_STAY,
        ] {
            assert!(text(path).starts_with("/run/replant/"));
        }
        assert_eq!(text(CONSOLE_PASSWORD), "/etc/replant/console-password");
    }
}
