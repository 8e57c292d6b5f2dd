// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs, scratch file systems, archives made by hand.
use std::io::Write;
use std::os::fd::IntoRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

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
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        sh(
            &format!(
                "truncate -s {mib}M \"$1/image\"; mkfs.ext4 -qF -b 4096 -N 4096 \"$1/image\"
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

/// Random numbers that are the same every time: xorshift64*.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    /// Bytes that compress, but not to nothing, with some that look like
    /// x86 calls.
    pub fn bytes(&mut self, size: usize) -> Vec<u8> {
        let words: Vec<Vec<u8>> = (0..200)
            .map(|_| {
                (0..2 + self.below(9))
                    .map(|_| self.below(256) as u8)
                    .collect()
            })
            .collect();
        let mut bytes = Vec::with_capacity(size + 16);
        while bytes.len() < size {
            match self.below(8) {
                0 => {
                    bytes.push(0xe8);
                    bytes.extend([self.below(256) as u8, self.below(256) as u8, 0, 0]);
                }
                1 => bytes.push(self.below(256) as u8),
                _ => bytes.extend_from_slice(&words[self.below(words.len())]),
            }
        }
        bytes.truncate(size);
        bytes
    }
}
