// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel does when it is in trouble.
//!
//! Up to the point of no return /init has it reboot: the old system is there.
//! After it a reboot would end in nothing, so the kernel goes on as long as it
//! can, and what it says stays on the screen.

use std::path::Path;

/// Files of /proc/sys/kernel; 0 in each means: no panic of it, no reboot.
const SETTINGS: [&str; 5] = [
    "panic",
    "panic_on_oops",
    "hung_task_panic",
    "softlockup_panic",
    "hardlockup_panic",
];

/// Puts it back, below `kernel` (/proc/sys/kernel). What could not be put back
/// is returned in words; not every kernel has every setting.
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
