// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs, scratch file systems, archives made by hand.
use std::io::Write;
use std::os::fd::IntoRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;
use testkit::Random;

/// Runs a shell script with positional parameters; it must succeed.
pub fn sh(script: &str, arguments: &[&Path]) -> Vec<u8> {
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", script, "bash"])
        .args(arguments)
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{errors}");
    output.stdout
}

/// An empty ext4 of its own, mounted; unmounted when dropped.
pub struct Ext4 {
    root: PathBuf,
    mounted: bool,
    _dir: TempDir,
}

impl Ext4 {
    pub fn new(mib: u32) -> Ext4 {
        Ext4::with_block(mib, 4096)
    }

    /// With blocks of so many bytes.
    pub fn with_block(mib: u32, block: u32) -> Ext4 {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        sh(
            &format!(
                "truncate -s {mib}M \"$1/image\"; mkfs.ext4 -qF -b {block} -I 256 -N 4096 \"$1/image\"
                 mkdir \"$1/root\"; mount -o loop \"$1/image\" \"$1/root\""
            ),
            &[dir.path()],
        );
        Ext4 {
            root,
            mounted: true,
            _dir: dir,
        }
    }

    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Leaves no trace but an open directory, by which the file system can be
    /// used until this process ends.
    pub fn detach(mut self) -> PathBuf {
        let held = std::fs::File::open(&self.root).unwrap();
        sh("umount -l \"$1\"", &[&self.root]);
        self.mounted = false;
        format!("/proc/{}/fd/{}", std::process::id(), held.into_raw_fd()).into()
    }
}

impl Drop for Ext4 {
    fn drop(&mut self) {
        // A test that fails must not leave a loop device behind.
        // Something may still look at it; then it goes when that is done.
        if self.mounted {
            let umount = "umount \"$1\" || umount -l \"$1\"";
            let _ = Command::new("sh")
                .args(["-c", umount, "sh"])
                .arg(&self.root)
                .status();
        }
    }
}

/// Compresses with xz.
pub fn xz(options: &[&str], bytes: &[u8]) -> Vec<u8> {
    filter("xz", &[options, &["-c"]].concat(), bytes)
}

/// What a program makes of its standard input.
pub fn filter(program: &str, options: &[&str], bytes: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(bytes).unwrap());
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success());
    output.stdout
}

/// A file that contains these bytes, in a directory that goes with it.
pub fn file(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (dir, path)
}

/// Bytes that compress, but not to nothing, with some that look like x86 calls.
pub fn compressible(random: &mut Random, size: usize) -> Vec<u8> {
    let words: Vec<Vec<u8>> = (0..200)
        .map(|_| {
            let length = 2 + random.below(9);
            random.bytes(length)
        })
        .collect();
    let mut bytes = Vec::with_capacity(size + 16);
    while bytes.len() < size {
        match random.below(8) {
            0 => {
                bytes.push(0xe8);
                bytes.extend(random.bytes(2));
                bytes.extend([0, 0]);
            }
            1 => bytes.extend(random.bytes(1)),
            _ => bytes.extend_from_slice(&words[random.below(words.len())]),
        }
    }
    bytes.truncate(size);
    bytes
}

/// KiB of memory that this process had at the most, so far.
pub fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
