// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds the appliance's own kernel for the tiny system.

use crate::capture::inside;
use crate::initramfs::is_recent;
use anyhow::{Result, bail};
use ondisk::inventory::numbers;
use std::path::{Path, PathBuf};

/// A kernel with its modules.
#[derive(Debug, PartialEq, Eq)]
pub struct Kernel {
    pub vmlinuz: PathBuf,
    /// `lib/modules/VERSION`.
    pub modules: PathBuf,
}

/// The newest kernel of a root that is recent enough.
pub fn newest(root: &Path) -> Result<Kernel> {
    let mut found = Vec::new();
    let names = std::fs::read_dir(root.join("boot"));
    for entry in names.into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(version) = name.strip_prefix("vmlinuz-") else {
            continue;
        };
        let vmlinuz = inside(root, &format!("boot/{name}"));
        let modules = inside(root, &format!("lib/modules/{version}"));
        if let (Some(vmlinuz), Some(modules)) = (vmlinuz, modules) {
            found.push((version.to_string(), Kernel { vmlinuz, modules }));
        }
    }
    found.sort_by_key(|(version, _)| numbers(version));
    let versions: Vec<_> = found.iter().map(|(version, _)| version.clone()).collect();
    match found.into_iter().rfind(|(version, _)| is_recent(version)) {
        Some((_, kernel)) => Ok(kernel),
        None if versions.is_empty() => bail!(
            "the appliance has no kernel: no boot/vmlinuz-VERSION with modules in lib/modules/VERSION; install one in it, or, for the tiny system only, give --kernel VMLINUZ --modules DIR"
        ),
        None => bail!(
            "the appliance's kernels ({}) are older than 5.6, which the tiny system needs; give another one: --kernel VMLINUZ --modules DIR, or --from-initrd FILE",
            versions.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_that_is_recent_and_has_modules() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let error = newest(&root).unwrap_err().to_string();
        assert!(error.starts_with("the appliance has no kernel"), "{error}");
        std::fs::create_dir_all(root.join("boot")).unwrap();
        let add = |version: &str, modules: bool| {
            std::fs::write(root.join(format!("boot/vmlinuz-{version}")), "").unwrap();
            if modules {
                std::fs::create_dir_all(root.join("lib/modules").join(version)).unwrap();
            }
        };
        add("4.18.0-553.el8", true);
        let error = newest(&root).unwrap_err().to_string();
        assert!(
            error.contains("(4.18.0-553.el8) are older than 5.6"),
            "{error}"
        );
        add("5.14.0-70.el9", true);
        add("5.14.0-9.el9", true);
        add("6.1.0-none", false);
        // Links that stay inside are followed, others are not there.
        std::os::unix::fs::symlink("vmlinuz-5.14.0-9.el9", root.join("boot/vmlinuz-6.0-link"))
            .unwrap();
        std::os::unix::fs::symlink("/proc/version", root.join("boot/vmlinuz-9.9")).unwrap();
        std::fs::create_dir(root.join("lib/modules/9.9")).unwrap();
        let found = newest(&root).unwrap();
        assert_eq!(found.vmlinuz, root.join("boot/vmlinuz-5.14.0-70.el9"));
        assert_eq!(found.modules, root.join("lib/modules/5.14.0-70.el9"));
    }
}
