// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `make` builds, and the package that is made with it.

use crate::cache::{self, Kernel};
use crate::compare::fingerprint;
use std::path::{Path, PathBuf};
use std::process::Command;
use testkit::run;

/// A file that `make all` leaves in `out/`.
///
/// # Panics
/// When it is not there.
pub fn built(name: &str) -> PathBuf {
    let path = cache::source().join("out").join(name);
    assert!(
        path.exists(),
        "{} is missing; run: make all",
        path.display()
    );
    path
}

/// 12 hexadecimal digits that change with the content of these files, and of
/// the files right in these directories.
fn key(paths: &[&Path]) -> String {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let entries = std::fs::read_dir(path).expect("a directory");
            let mut found: Vec<_> = entries.map(|e| e.expect("an entry").path()).collect();
            found.sort();
            files.extend(found);
        } else {
            files.push(path.to_path_buf());
        }
    }
    let mut sums = String::new();
    for file in &files {
        // Without the path: the same in another place is the same.
        let line = run(Command::new("sha256sum").arg("--zero").arg(file));
        sums += line.split(' ').next().expect("a sum");
    }
    format!("{:032x}", fingerprint(sums.as_bytes()))[..12].to_string()
}

/// The directory with va.sgdisk, va.tar.xz and layout.toml, captured from the
/// new appliance's disk by `replant-pack capture`.
pub fn captured() -> PathBuf {
    let disk = cache::make("disks.sh", &["new"]);
    let pack = built("replant-pack");
    // The disk's name has the hash of what made it.
    let name = disk.file_stem().expect("a name").to_string_lossy();
    let key = format!("{name}-{}", key(&[&pack]));
    cache::once("captured", &key, "", |dir| {
        // Quick rather than small: a new machine makes it anew.
        let words = "capture --name demo --appliance-version 2.0 --exclude=./data/* \
             --exclude=./back/* --exclude=./tmp/*";
        let mut pack = Command::new(&pack);
        pack.args(words.split_whitespace())
            .args(["--xz=-T0 -2", "-o"]);
        run(pack.arg(dir).arg(disk));
    })
}

/// The tiny system's initramfs for Debian's generic kernel.
pub fn initramfs() -> PathBuf {
    let kernel = Kernel::generic();
    let (init, replant, pack) = (built("init"), built("replant"), built("replant-pack"));
    let (vmlinuz, modules) = (kernel.vmlinuz(), kernel.modules());
    let key = key(&[&init, &replant, &pack, &vmlinuz]);
    cache::once("initramfs", &key, ".img", |image| {
        let words = [
            ["--kernel".as_ref(), vmlinuz.as_os_str()],
            ["--modules".as_ref(), modules.as_os_str()],
            ["--init".as_ref(), init.as_os_str()],
            ["--replant".as_ref(), replant.as_os_str()],
            ["-o".as_ref(), image.as_os_str()],
        ];
        run(Command::new(&pack)
            .arg("initramfs")
            .args(words.as_flattened()));
    })
}

/// `migration.tar.gz` of the demo.
pub fn package() -> PathBuf {
    bundle("migration", &captured())
}

/// `migration.tar.gz`, made by `replant-pack bundle` of what is in `captured`; the
/// results of a family are kept together.
pub fn bundle(family: &str, captured: &Path) -> PathBuf {
    let initramfs = initramfs();
    let (vmlinuz, replant, pack) = (
        Kernel::generic().vmlinuz(),
        built("replant"),
        built("replant-pack"),
    );
    let key = key(&[captured, &initramfs, &vmlinuz, &replant, &pack]);
    cache::once(family, &key, ".tar.gz", |package| {
        let words = [
            ["bundle".as_ref(), captured.as_os_str()],
            ["--kernel".as_ref(), vmlinuz.as_os_str()],
            ["--initramfs".as_ref(), initramfs.as_os_str()],
            ["--replant".as_ref(), replant.as_os_str()],
            ["-o".as_ref(), package.as_os_str()],
        ];
        run(Command::new(&pack).args(words.as_flattened()));
    })
}

/// A copy of a disk image that keeps its holes.
pub fn copy_disk(from: &Path, to: &Path) {
    let mut cp = Command::new("cp");
    run(cp
        .args(["--sparse=always", "--reflink=auto"])
        .arg(from)
        .arg(to));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_follows_the_content_wherever_it_lies() {
        let dir = tempfile::tempdir().unwrap();
        let tree = |name: &str, text: &str| {
            let tree = dir.path().join(name);
            std::fs::create_dir(&tree).unwrap();
            std::fs::write(tree.join("a file"), text).unwrap();
            std::fs::write(tree.join("other"), "same").unwrap();
            key(&[&tree, &tree.join("other")])
        };
        let one = tree("one 'odd' name", "1");
        assert_eq!(one.len(), 12);
        assert_eq!(tree("other", "1"), one);
        assert_ne!(tree("third", "2"), one);
    }
}
