// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checks that this is the tiny system, because its commands must do nothing on a
//! working machine.

use std::path::{Path, PathBuf};

/// The signs of the tiny system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signs {
    /// The program that is PID 1.
    pub(super) init: PathBuf,
    pub(super) program: PathBuf,
    /// Whether the root directory is in memory: the initramfs itself.
    pub(super) root_in_memory: bool,
}

impl Signs {
    /// Reads the signs of the running system. What cannot be read counts as
    /// missing.
    pub(super) fn read() -> Signs {
        let link = |path: &str| std::fs::read_link(path).unwrap_or_default();
        // TMPFS_MAGIC and RAMFS_MAGIC of linux/magic.h.
        let memory = |kind| matches!(kind, 0x0102_1994 | 0x8584_58f6);
        Signs {
            init: link("/proc/1/exe"),
            program: link("/proc/self/exe"),
            root_in_memory: rustix::fs::statfs("/").is_ok_and(|s| memory(s.f_type)),
        }
    }

    /// `None` in the tiny system, otherwise the sign that is missing. The marker
    /// of a complete image is not among them: a truncated image is the tiny
    /// system, too.
    pub(super) fn missing(&self) -> Option<String> {
        if self.init != Path::new("/init") {
            return Some(match self.init.as_os_str().is_empty() {
                true => "what PID 1 is cannot be read".into(),
                false => format!("PID 1 is {}", self.init.display()),
            });
        }
        if !self.root_in_memory {
            return Some("the root directory is on a disk".into());
        }
        (self.program != Path::new("/bin/replant"))
            .then(|| format!("this program is {}", self.program.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdline::Mode;

    #[test]
    fn only_the_tiny_system_has_all_signs() {
        let tiny = Signs {
            init: "/init".into(),
            program: "/bin/replant".into(),
            root_in_memory: true,
        };
        assert_eq!(tiny.missing(), None);
        let but = |change: fn(&mut Signs)| {
            let mut signs = tiny.clone();
            change(&mut signs);
            signs.missing().unwrap()
        };
        let systemd = but(|s| s.init = "/usr/lib/systemd/systemd".into());
        assert_eq!(systemd, "PID 1 is /usr/lib/systemd/systemd");
        assert!(but(|s| s.init = PathBuf::new()).contains("cannot be read"));
        assert!(but(|s| s.root_in_memory = false).contains("on a disk"));
        assert!(but(|s| s.program = "/root/replant".into()).contains("/root/replant"));
    }

    #[test]
    fn the_machine_that_runs_the_tests_is_refused() {
        assert!(Signs::read().missing().is_some());
        let error = crate::tiny::run(Some(Mode::Migrate), None).unwrap_err();
        assert!(
            error.to_string().starts_with("this is not the tiny system"),
            "{error}"
        );
    }
}
