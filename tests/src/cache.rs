// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the tests keep what is costly to make, and how it is made.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The directory of downloads and built disks, outside the source tree:
/// `$REPLANT_CACHE`, else `$XDG_CACHE_HOME/replant`, else `~/.cache/replant`.
pub fn directory() -> PathBuf {
    let path = if let Some(own) = std::env::var_os("REPLANT_CACHE") {
        PathBuf::from(own)
    } else if let Some(xdg) = std::env::var_os("XDG_CACHE_HOME") {
        Path::new(&xdg).join("replant")
    } else {
        let home = std::env::var_os("HOME").expect("HOME is not set; set REPLANT_CACHE");
        Path::new(&home).join(".cache/replant")
    };
    std::fs::create_dir_all(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    path
}

/// The root of the source tree.
pub fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ has a parent")
        .to_path_buf()
}

/// Runs `tests/images/SCRIPT ARGS` and returns the path that it prints last.
pub fn make(script: &str, args: &[&str]) -> PathBuf {
    let path = source().join("tests/images").join(script);
    let out = Command::new("sh")
        .arg(&path)
        .args(args)
        .stderr(std::process::Stdio::inherit())
        .output()
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert!(out.status.success(), "{script} {args:?}: {}", out.status);
    let text = String::from_utf8(out.stdout).expect("a path in UTF-8");
    PathBuf::from(
        text.lines()
            .last()
            .unwrap_or_else(|| panic!("{script} printed no path")),
    )
}

/// Debian's generic kernel: a directory with `vmlinuz` and `lib/modules/VERSION`.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// The directory.
    pub root: PathBuf,
    /// Its version, as `uname -r` prints it.
    pub version: String,
}

impl Kernel {
    /// Debian's generic kernel, downloaded by apt when it is not in the cache.
    pub fn generic() -> Kernel {
        let root = make("roots.sh", &["kernel"]);
        let mut names = std::fs::read_dir(root.join("lib/modules")).expect("lib/modules");
        let version = names
            .next()
            .expect("one kernel")
            .expect("readable")
            .file_name();
        Kernel {
            root,
            version: version.into_string().expect("UTF-8"),
        }
    }

    /// The kernel image.
    pub fn vmlinuz(&self) -> PathBuf {
        self.root.join("vmlinuz")
    }

    /// `lib/modules/VERSION`.
    pub fn modules(&self) -> PathBuf {
        self.root.join("lib/modules").join(&self.version)
    }

    /// The files of `modules` and all they depend on, in the order of loading.
    pub fn closure(&self, modules: &[&str]) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for name in modules {
            let out = Command::new("modprobe")
                .args(["--show-depends", "-S", &self.version, "-d"])
                .arg(&self.root)
                .arg(name)
                .output()
                .expect("modprobe (package kmod)");
            assert!(
                out.status.success(),
                "{name}: {}",
                String::from_utf8_lossy(&out.stderr)
            );
            for line in String::from_utf8_lossy(&out.stdout).lines() {
                if let Some(path) = line.strip_prefix("insmod ") {
                    let path = PathBuf::from(path.trim());
                    if !files.contains(&path) {
                        files.push(path);
                    }
                }
            }
        }
        files
    }
}
