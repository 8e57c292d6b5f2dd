// SPDX-License-Identifier: MIT OR Apache-2.0
//! Error numbers of the kernel in words.

/// The meaning of an errno of x86_64 when a program or file cannot be started or
/// read.
pub fn meaning(errno: i32) -> &'static str {
    match errno {
        1 => "not permitted",
        2 => "no such file or directory",
        4 => "interrupted",
        5 => "input/output error",
        6 => "no such device",
        8 => "not a program for this machine",
        11 => "try again",
        12 => "out of memory",
        13 => "permission denied",
        16 => "busy",
        19 => "no such device",
        20 => "not a directory",
        21 => "is a directory",
        22 => "invalid argument",
        23 | 24 => "too many open files",
        26 => "text file busy",
        28 => "no space left",
        30 => "read-only file system",
        36 => "name too long",
        40 => "too many symbolic links",
        _ => "error",
    }
}
