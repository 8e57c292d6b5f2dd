// SPDX-License-Identifier: MIT OR Apache-2.0
//! What tests against real tools share.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{fs::File, os::unix::fs::FileExt, path::Path};

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
