// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files below a root that is not ours, the old one or the new one, are
//! reached by `RootDir` alone: by any other way, an absolute link there leads
//! into the running system. This looks at the sources themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use testkit::sources;

/// What opens a file by its path.
const BY_PATH: [&str; 12] = [
    "std::fs::",
    "use std::fs",
    "File::open",
    "File::create",
    "OpenOptions",
    ".exists()",
    ".try_exists()",
    ".is_file()",
    ".is_dir()",
    ".metadata()",
    "canonicalize(",
    "read_dir(",
];

/// Rooms that work on a root that is not ours.
const ROOMS: [&str; 10] = [
    "identity/src",
    "rootdir/src/labels",
    "agent/src/grubfiles.rs",
    "agent/src/tiny/boot",
    "agent/src/tiny/steps",
    "agent/src/tiny/failure",
    "agent/src/tiny/failure.rs",
    "agent/src/tiny/guard.rs",
    "agent/src/tiny/mod.rs",
    "agent/src/tiny/survey.rs",
];

/// What in them lies elsewhere: file, a piece of the line (none: all of the
/// file), and where it lies.
const ELSEWHERE: [(&str, &str, &str); 25] = [
    ("agent/src/tiny/boot/links.rs", "", "udev's links, in /dev"),
    (
        "agent/src/tiny/boot/probers.rs",
        "",
        "the stand-in, in /run",
    ),
    (
        "agent/src/grubfiles.rs",
        "fn file(",
        "a file that RootDir opened",
    ),
    (
        "agent/src/grubfiles.rs",
        "file.metadata()",
        "a file that RootDir opened",
    ),
    ("identity/src/digest.rs", "", "a saved identity"),
    ("identity/src/store.rs", "DirBuilder", "a saved identity"),
    ("identity/src/archive.rs", "DirBuilder", "a saved identity"),
    ("agent/src/tiny/steps/mark.rs", "", "marks in /run"),
    (
        "agent/src/tiny/steps/release.rs",
        "File::open(place)",
        "where a new file system is mounted",
    ),
    (
        "agent/src/tiny/steps/elsewhere.rs",
        "use std::fs::File",
        "a file that RootDir opened",
    ),
    (
        "agent/src/tiny/steps/load.rs",
        "std::fs::write(&path, bytes)",
        "the package in memory",
    ),
    (
        "agent/src/tiny/steps/finish.rs",
        "read(from)",
        "records in /run",
    ),
    (
        "agent/src/tiny/steps/load.rs",
        "std::fs::read(&path)",
        "the package in memory",
    ),
    (
        "agent/src/tiny/steps/load.rs",
        "read_to_string(path)",
        "the package in memory",
    ),
    (
        "agent/src/tiny/steps/staged.rs",
        "std::fs::write(to,",
        "the package in memory",
    ),
    (
        "agent/src/tiny/steps/staged.rs",
        "create_dir_all(to)",
        "the package in memory",
    ),
    ("agent/src/tiny/steps/panics.rs", "", "files of /proc"),
    ("agent/src/tiny/steps/run.rs", "", "marks in /run"),
    (
        "agent/src/tiny/steps/volumes.rs",
        "device.exists()",
        "a node in /dev",
    ),
    (
        "agent/src/tiny/failure.rs",
        "paths::FAILURE, text",
        "a file in /run",
    ),
    (
        "agent/src/tiny/failure/report.rs",
        "paths::LOG",
        "the log in /run",
    ),
    (
        "agent/src/tiny/failure/report.rs",
        "root.device.exists()",
        "the old root's device, in /dev",
    ),
    (
        "agent/src/tiny/failure/report.rs",
        "metadata(path)",
        "a node in /dev",
    ),
    (
        "agent/src/tiny/guard.rs",
        "read_link(path)",
        "a file of /proc",
    ),
    ("agent/src/tiny/mod.rs", "", "files in /run"),
];

/// The lines of a file that are not its tests, with their numbers.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().enumerate();
    let code = lines.take_while(|(_, line)| *line != "mod tests {");
    let code = code.filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.map(|(n, line)| (n + 1, line.to_string())).collect()
}

fn each_line(rooms: &[&str], look: &mut dyn FnMut(&str, usize, &str)) {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let files: Vec<_> = rooms
        .iter()
        .flat_map(|room| sources(top.join(room)))
        .collect();
    assert!(files.len() >= 10, "{files:?}");
    for file in files {
        let name = file.strip_prefix(top).unwrap();
        let of_tests = name
            .iter()
            .any(|part| part == "tests" || part == "tests.rs");
        if of_tests {
            continue;
        }
        let name = name.to_str().unwrap();
        for (number, line) in code(&file) {
            look(name, number, &line);
        }
    }
}

#[test]
fn files_of_foreign_roots_are_not_opened_by_path() {
    let mut used = [false; ELSEWHERE.len()];
    let mut wrong = Vec::new();
    each_line(&ROOMS, &mut |file, number, line| {
        if !BY_PATH.iter().any(|way| line.contains(way)) {
            return;
        }
        let known = ELSEWHERE
            .iter()
            .position(|(f, piece, _)| *f == file && line.contains(piece));
        match known {
            Some(at) => used[at] = true,
            None => wrong.push(format!("{file}:{number}: {}", line.trim())),
        }
    });
    assert!(
        wrong.is_empty(),
        "use RootDir, or name it in ELSEWHERE if it lies in no foreign root:\n{}",
        wrong.join("\n")
    );
    let unused = ELSEWHERE.iter().zip(used).filter(|(_, used)| !used);
    let unused: Vec<_> = unused.map(|(known, _)| known).collect();
    assert!(unused.is_empty(), "no longer there: {unused:?}");
}

#[test]
fn nobody_joins_a_path_to_a_foreign_root() {
    let mut wrong = Vec::new();
    each_line(
        &["agent/src", "identity/src", "rootdir/src"],
        &mut |file, number, line| {
            let root = line.contains("NEW_ROOT") || line.contains("OLD_ROOT");
            let joined = line.contains(".join(") || line.contains("format!(");
            if root && joined {
                wrong.push(format!("{file}:{number}: {}", line.trim()));
            }
        },
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
