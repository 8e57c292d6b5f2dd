// SPDX-License-Identifier: MIT OR Apache-2.0
//! `stage`, a second `stage` and `revert` are killed while they work, at system
//! calls that change something; what follows takes everything back.

use harness::small::{LIMIT, Small, ended, tail};
use harness::vm::Bus;
use std::path::{Path, PathBuf};
use std::time::Instant;
use testkit::tool;

/// The system calls by which `stage` and `revert` change something.
const CALLS: [&str; 18] = [
    "fallocate",
    "ioctl",
    "fsync",
    "fdatasync",
    "syncfs",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "fchmod",
    "fchown",
    "write",
    "pwrite64",
    "copy_file_range",
    "umount2",
];

/// Kills at each of these calls, or at the first, the fourth, the sixteenth and
/// so on.
fn script(calls: &str, each: bool) -> String {
    let next = if each { "n + 1" } else { "n * 4" };
    format!(
        r#"
cd /mnt/package
calls="{calls}"
of_the_host() {{ LD_LIBRARY_PATH=/mnt /mnt/ld-linux-x86-64.so.2 "/mnt/$@"; }}
look() {{
  # Big files are the kernel and its like, of which the size is enough.
  find /boot /etc ! -path '/etc/upd*' -type f -size -2048k | sort | xargs busybox sha256sum | busybox sha256sum
  find /boot /etc ! -path '/etc/upd*' -type f | sort | xargs busybox stat -c '%n %s %a %u' | busybox sha256sum
  find /boot /etc | sort | busybox sha256sum
}}
killed() {{ # CALL NUMBER COMMAND...: status 137 when it was
  call=$1 number=$2; shift 2
  of_the_host strace -f -qq -o /dev/null -e trace=$call -e inject=$call:signal=KILL:when=$number "$@" >/tmp/said 2>&1 </dev/null
  status=$?
  [ $status = 137 ] || [ $status = 0 ] || {{ echo "@FAILED $call $number: status $status: $(cat /tmp/said)@"; exit 1; }}
  return $status
}}
stage() {{ ./replant stage --package . --yes --no-reboot --protection resume >/tmp/said 2>&1; }}
clean() {{
  ./replant revert >/tmp/said 2>&1 || {{ echo "@FAILED $*: revert: $(cat /tmp/said)@"; exit 1; }}
  ls -d /etc/upd* /boot/replant* 2>/dev/null && {{ echo "@FAILED $*: left@"; exit 1; }}
  of_the_host lsattr -R /etc /boot 2>/dev/null | grep -- '^[-a-zA-Z]*i[-a-zA-Z]* ' && {{ echo "@FAILED $*: immutable@"; exit 1; }}
  [ "$(look)" = "$before" ] || {{ echo "@FAILED $*: something else than before@"; exit 1; }}
}}
before=$(look) kills=0
for call in $calls; do
  n=1
  while killed $call $n ./replant stage --package . --yes --no-reboot --protection resume; [ $? = 137 ]; do
    kills=$((kills + 1))
    # Every second time somebody stages again first.
    [ $((n % 2)) = 0 ] || stage || {{ echo "@FAILED stage after $call $n: $(cat /tmp/said)@"; exit 1; }}
    clean stage, $call $n
    n=$(({next}))
  done
  clean stage, to its end
done
echo "@stage $kills@"; kills=0
for call in $calls; do
  n=1
  while stage && killed $call $n ./replant revert; [ $? = 137 ]; do
    kills=$((kills + 1))
    clean revert, $call $n
    n=$(({next}))
  done
  clean revert, to its end
done
echo "@revert $kills@"
"#
    )
}

/// Programs of the host that the small machine has not, and their libraries.
fn programs() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for name in ["strace", "lsattr"] {
        let program = tool("sh", &["-c", &format!("command -v {name}")]);
        let program = program.trim();
        let needs = tool("ldd", &[program]);
        let words = needs
            .split_whitespace()
            .filter(|word| word.starts_with('/'));
        files.extend(words.chain([program]).map(PathBuf::from));
    }
    files
}

/// How often `stage` and how often `revert` was killed.
fn is_taken_back(calls: &str, each: bool) -> (u32, u32) {
    let machine = Small::new();
    let files = programs();
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let medium = machine.medium(&Small::package(), &script(calls, each), &files);
    let since = Instant::now();
    let mut running = machine.vm().disk(&medium, Bus::Virtio).start();
    // Each time all of the payload is looked through.
    running.wait_exit(LIMIT * 20);
    let boot = ended(running);
    let kills = |what: &str| {
        let line = boot
            .said
            .lines()
            .find_map(|line| line.trim().strip_prefix(what));
        let line = line.unwrap_or_else(|| panic!("{}\n{}", boot.said, tail(&boot.console)));
        line.trim_end_matches('@').parse::<u32>().expect("a number")
    };
    let (stage, revert) = (kills("@stage "), kills("@revert "));
    println!(
        "{calls}: stage killed {stage} times, revert {revert} times, {} s",
        since.elapsed().as_secs()
    );
    (stage, revert)
}

#[test]
#[ignore = "make crash"]
fn at_each_call() {
    let (mut stage, mut revert) = (0, 0);
    for call in CALLS {
        let killed = is_taken_back(call, true);
        (stage, revert) = (stage + killed.0, revert + killed.1);
    }
    println!("killed: stage {stage} times, revert {revert} times");
    assert!(stage > 50 && revert > 20, "{stage} and {revert}");
}

#[test]
fn now_and_then() {
    let (stage, revert) = is_taken_back("ioctl unlink", false);
    assert!(stage > 3 && revert > 3, "{stage} and {revert}");
}
