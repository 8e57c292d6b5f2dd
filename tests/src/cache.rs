// SPDX-License-Identifier: MIT OR Apache-2.0
//! A cache for files that are expensive to make, and how they are made.

use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

/// How long a result that nobody uses is kept.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

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

/// The cached result `FAMILY-KEY.ENDING`, a file or a directory. When it is
/// missing, `make` makes it at the path that it is given; it comes to its name
/// when it is whole. Of several that ask at once, in this process or another,
/// one makes it and the others wait. Results of the same family that were not
/// asked for in a week are removed then.
///
/// # Panics
/// When the cache cannot be written.
pub fn once(family: &str, key: &str, ending: &str, make: impl FnOnce(&Path)) -> PathBuf {
    once_in(&directory(), family, key, ending, make)
}

fn once_in(
    cache: &Path,
    family: &str,
    key: &str,
    ending: &str,
    make: impl FnOnce(&Path),
) -> PathBuf {
    let name = format!("{family}-{key}{ending}");
    let path = cache.join(&name);
    let lock = File::create(cache.join(format!("{name}.lock"))).expect("a lock in the cache");
    flock(&lock, FlockOperation::LockExclusive).expect("the lock");
    if !path.exists() {
        let dir = tempfile::tempdir_in(cache).expect("a temporary directory");
        let whole = dir.path().join(&name);
        let begin = Instant::now();
        eprintln!("making {}; it is kept", path.display());
        make(&whole);
        eprintln!("made {name} in {} s", begin.elapsed().as_secs());
        std::fs::rename(&whole, &path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        sweep(cache, &format!("{family}-"), ending);
    }
    let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    file.set_modified(SystemTime::now()).expect("the time");
    path
}

/// Removes what starts and ends so and was not asked for in [`KEPT`].
fn sweep(cache: &Path, start: &str, ending: &str) {
    for entry in std::fs::read_dir(cache).expect("the cache") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        let ours = name.starts_with(start) && name.ends_with(ending) && !name.ends_with(".lock");
        // Another run may just have removed it.
        let Ok(meta) = entry.metadata() else { continue };
        let age = meta.modified().expect("a time").elapsed();
        if !ours || age.unwrap_or_default() < KEPT {
            continue;
        }
        // What stays is removed the next time.
        let _ = if meta.is_dir() {
            std::fs::remove_dir_all(entry.path())
        } else {
            std::fs::remove_file(entry.path())
        };
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn of_several_at_once_one_makes_it() {
        let cache = tempfile::tempdir().unwrap();
        let made = AtomicUsize::new(0);
        let ask = || {
            let path = once_in(cache.path(), "thing", "1", ".img", |whole| {
                made.fetch_add(1, Ordering::SeqCst);
                std::fs::write(whole, "half").unwrap();
                std::thread::sleep(Duration::from_millis(50));
                std::fs::write(whole, "whole").unwrap();
            });
            assert_eq!(std::fs::read_to_string(path).unwrap(), "whole");
        };
        std::thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(ask))));
        assert_eq!(made.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn what_is_half_made_is_never_used_and_what_is_old_goes() {
        let cache = tempfile::tempdir().unwrap();
        let half = std::panic::catch_unwind(|| {
            once_in(cache.path(), "thing", "1", "", |whole| {
                std::fs::create_dir(whole).unwrap();
                panic!("on purpose");
            })
        });
        assert!(half.is_err());
        assert!(!cache.path().join("thing-1").exists());
        let make = |key: &str| {
            once_in(cache.path(), "thing", key, "", |w| {
                File::create(w).map(drop).unwrap()
            })
        };
        let (one, two) = (make("1"), make("2"));
        for path in [&one, &two] {
            let old = SystemTime::now() - KEPT - Duration::from_secs(60);
            File::open(path).unwrap().set_modified(old).unwrap();
        }
        // It was used again, so it is kept.
        make("2");
        make("3");
        assert!(!one.exists() && two.exists());
    }
}
