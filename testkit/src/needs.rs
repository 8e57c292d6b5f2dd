// SPDX-License-Identifier: MIT OR Apache-2.0
//! The requirements of a test on the machine. `make unit` skips tests whose
//! requirements are missing, and counts them; everywhere else they run, and fail
//! without them.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Returns from a test that `make unit` must not run here.
///
/// Each need is `"root"`; `"time"`, for a test that takes seconds; `"image"`,
/// for one that reads what mmdebstrap downloads; or the name of a program.
#[macro_export]
macro_rules! needs {
    ($($need:expr),+ $(,)?) => {
        if $crate::skipped(::std::any::type_name_of_val(&|| {}), &[$($need),+]) {
            return;
        }
    };
}

/// Whether the test is to be skipped, for want of one of the needs. Only if
/// `REPLANT_UNIT` is set. It names the file that gets a line for each of them.
pub fn skipped(test: &str, needs: &[&str]) -> bool {
    let Some(list) = std::env::var_os("REPLANT_UNIT") else {
        return false;
    };
    let wanting: Vec<&str> = needs.iter().copied().filter(|n| !has(n)).collect();
    if wanting.is_empty() {
        return false;
    }
    let test = test.trim_end_matches("::{{closure}}");
    let line = format!("skipped: {test}: needs {}\n", wanting.join(", "));
    // Not by eprint!, which the test harness keeps for tests that fail.
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    let list = OpenOptions::new().create(true).append(true).open(list);
    list.unwrap().write_all(line.as_bytes()).unwrap();
    true
}

fn has(need: &str) -> bool {
    match need {
        "time" | "image" => false,
        "root" => is_root(),
        program => std::env::var_os("PATH").is_some_and(|path| {
            std::env::split_paths(&path).any(|folder| is_program(&folder.join(program)))
        }),
    }
}

/// Uid 0 that may mount: in a container it may not.
fn is_root() -> bool {
    const SYS_ADMIN: u32 = 21;
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let field = |name| status.lines().find_map(|line| line.strip_prefix(name));
    let mut ids = field("Uid:").unwrap().split_whitespace();
    let capabilities = field("CapEff:").unwrap().trim();
    let capabilities = u64::from_str_radix(capabilities, 16).unwrap();
    ids.nth(1) == Some("0") && capabilities & 1 << SYS_ADMIN != 0
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_need_is_root_time_or_a_program() {
        assert!(has("sh"));
        assert!(!has("a-program-that-nobody-has"));
        assert!(!has("time"));
        assert!(!has("image"));
    }
}
