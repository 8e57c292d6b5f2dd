// SPDX-License-Identifier: MIT OR Apache-2.0
//! What tests against real tools share.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A small generator of numbers that are the same in each run.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// Runs a tool whatever its exit status; fails if it is not installed.
pub fn run(tool: &str, args: &[&str]) -> Output {
    match Command::new(tool).args(args).output() {
        Ok(output) => output,
        Err(e) => panic!("{tool} is needed for this test and cannot be run: {e}"),
    }
}

/// Runs a tool that must succeed; its standard output.
pub fn succeed(tool: &str, args: &[&str]) -> String {
    let output = run(tool, args);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} {args:?}: {text}{errors}");
    text
}

/// A sparse file of this size.
pub fn image(dir: &Path, name: &str, bytes: u64) -> PathBuf {
    let path = dir.join(name);
    File::create(&path).unwrap().set_len(bytes).unwrap();
    path
}

pub fn read_at(path: &Path, offset: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    File::open(path)
        .unwrap()
        .read_exact_at(&mut bytes, offset)
        .unwrap();
    bytes
}

pub fn write_at(path: &Path, offset: u64, bytes: &[u8]) {
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .write_all_at(bytes, offset)
        .unwrap();
}

/// A reader as the formats' functions take it.
pub fn reader(path: &Path) -> impl FnMut(u64, &mut [u8]) -> std::io::Result<()> {
    let file = File::open(path).unwrap();
    move |offset, bytes| file.read_exact_at(bytes, offset)
}

/// An image as a loop device, which goes with it.
pub struct Loop(pub PathBuf);

impl Loop {
    pub fn new(image: &Path, block_size: u32) -> Loop {
        let size = block_size.to_string();
        let image = image.to_str().unwrap();
        let node = succeed("losetup", &["--show", "-f", "-b", &size, image]);
        Loop(PathBuf::from(node.trim()))
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        run("losetup", &["-d", self.path()]);
    }
}
