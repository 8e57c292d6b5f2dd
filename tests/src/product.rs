// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `make` builds, and the package that is made with it.

use crate::cache::{self, Kernel};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// Runs a program to its end.
///
/// # Panics
/// When it fails; the message has its output.
pub fn run(program: impl AsRef<OsStr>, arguments: &[&OsStr]) -> String {
    let program = program.as_ref();
    let path = format!(
        "{}:/usr/sbin:/sbin",
        std::env::var("PATH").unwrap_or_default()
    );
    let out = Command::new(program)
        .args(arguments)
        .env("PATH", path)
        .env("LC_ALL", "C")
        .output()
        .unwrap_or_else(|e| panic!("{}: {e}", program.display()));
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let told = String::from_utf8_lossy(&out.stderr);
    assert!(
        out.status.success(),
        "{program:?} {arguments:?}: {}\n{text}{told}",
        out.status
    );
    text
}

/// [`run`], with words.
pub fn sh(program: &str, arguments: &[&str]) -> String {
    run(
        program,
        &arguments.iter().map(OsStr::new).collect::<Vec<_>>(),
    )
}

fn hash(paths: &[&Path]) -> String {
    let mut words = vec![
        "-c",
        "find \"$@\" -type f | sort | xargs sha256sum | sha256sum",
        "sh",
    ];
    words.extend(paths.iter().map(|p| p.to_str().expect("UTF-8")));
    sh("sh", &words)[..12].to_string()
}

/// The directory with va.sgdisk, va.tar.xz and layout.toml, captured from the
/// new appliance's disk by `replant-pack capture`; cached until disk or
/// capture change.
pub fn captured() -> PathBuf {
    let disk = cache::make("disks.sh", &["new"]);
    let source = cache::source();
    let sources = [
        source.join("packer/src/capture"),
        source.join("packer/src/layout.rs"),
        source.join("packer/src/fstab.rs"),
    ];
    let key = hash(&[&sources[0], &sources[1], &sources[2]]);
    let name = disk
        .file_stem()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let dir = cache::directory().join(format!("captured-{name}-{key}"));
    if !dir.exists() {
        let part = dir.with_extension("part");
        let _ = std::fs::remove_dir_all(&part);
        let words = [
            "capture",
            "--name",
            "demo",
            "--appliance-version",
            "2.0",
            "-o",
        ];
        let mut words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
        // Quick rather than small: a new machine makes it anew.
        let rest = [
            "--xz=-T0 -2",
            "--exclude=./data/*",
            "--exclude=./back/*",
            "--exclude=./tmp/*",
        ];
        words.push(part.as_os_str());
        words.extend(rest.iter().map(OsStr::new));
        words.push(disk.as_os_str());
        run(built("replant-pack"), &words);
        std::fs::rename(&part, &dir).expect("rename");
    }
    dir
}

/// The tiny system's initramfs for Debian's generic kernel.
pub fn initramfs() -> PathBuf {
    let kernel = Kernel::generic();
    let parts = [built("init"), built("replant"), built("replant-pack")];
    let key = hash(&[&parts[0], &parts[1], &parts[2]]);
    let path = cache::directory().join(format!("initramfs-{}-{key}.img", kernel.version));
    if !path.exists() {
        let part = path.with_extension("part");
        let words: Vec<std::ffi::OsString> = vec![
            "initramfs".into(),
            "--kernel".into(),
            kernel.vmlinuz().into(),
            "--modules".into(),
            kernel.modules().into(),
            "--init".into(),
            parts[0].clone().into(),
            "--replant".into(),
            parts[1].clone().into(),
            "-o".into(),
            part.clone().into(),
        ];
        run(
            &parts[2],
            &words.iter().map(|w| w.as_os_str()).collect::<Vec<_>>(),
        );
        std::fs::rename(&part, &path).expect("rename");
    }
    path
}

/// `migration.tar.gz`, made by `replant-pack bundle`.
pub fn package() -> PathBuf {
    let (captured, initramfs, kernel) = (captured(), initramfs(), Kernel::generic());
    let replant = built("replant");
    let key = hash(&[&captured, &initramfs, &replant, &built("replant-pack")]);
    let path = cache::directory().join(format!("migration-{key}.tar.gz"));
    if !path.exists() {
        let part = path.with_extension("part");
        let words: Vec<std::ffi::OsString> = vec![
            "bundle".into(),
            captured.into(),
            "--kernel".into(),
            kernel.vmlinuz().into(),
            "--initramfs".into(),
            initramfs.into(),
            "--replant".into(),
            replant.into(),
            "-o".into(),
            part.clone().into(),
        ];
        run(
            built("replant-pack"),
            &words.iter().map(|w| w.as_os_str()).collect::<Vec<_>>(),
        );
        std::fs::rename(&part, &path).expect("rename");
    }
    path
}

/// A copy of a disk image that keeps its holes.
pub fn copy_disk(from: &Path, to: &Path) {
    let words = ["--sparse=always".as_ref(), "--reflink=auto".as_ref()];
    run(
        "cp",
        &[&words[..], &[from.as_os_str(), to.as_os_str()]].concat(),
    );
}
