// SPDX-License-Identifier: MIT OR Apache-2.0
//! Resets what the kernel does on hangs and oopses.
//!
//! Up to the point of no return, /init makes the kernel reboot, because the old
//! system is there. After it, a reboot would lead nowhere, so the kernel goes on
//! as long as it can, and its messages stay on the screen.

use std::path::Path;

/// Files of /proc/sys/kernel; 0 in each means neither panic nor reboot.
const SETTINGS: [&str; 5] = [
    "panic",
    "panic_on_oops",
    "hung_task_panic",
    "softlockup_panic",
    "hardlockup_panic",
];

/// Writes 0 to these files below `kernel` (/proc/sys/kernel). Returns the errors;
/// not every kernel has every file.
pub(super) fn put_back(kernel: &Path) -> Vec<String> {
    SETTINGS
        .iter()
        .map(|name| kernel.join(name))
        .filter(|path| path.exists())
        .filter_map(|path| {
            let error = std::fs::write(&path, "0\n").err()?;
            Some(format!("{}: {error}", path.display()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_reboots_into_nothing_no_more() {
        let kernel = tempfile::tempdir().unwrap();
        for (name, text) in [("panic", "10\n"), ("softlockup_panic", "1\n")] {
            std::fs::write(kernel.path().join(name), text).unwrap();
        }
        std::fs::create_dir(kernel.path().join("hung_task_panic")).unwrap();
        let failed = put_back(kernel.path());
        assert_eq!(failed.len(), 1, "{failed:?}");
        assert!(failed[0].contains("/hung_task_panic: "), "{failed:?}");
        for name in ["panic", "softlockup_panic"] {
            let text = std::fs::read_to_string(kernel.path().join(name)).unwrap();
            assert_eq!(text, "0\n");
        }
        assert!(!kernel.path().join("panic_on_oops").exists());
    }
}
