// SPDX-License-Identifier: MIT OR Apache-2.0
//! `stage`, a second `stage` and `revert` are killed while they work, at system
//! calls that change something and at whatever others; what follows takes
//! everything back.

use harness::cache;
use harness::product::bundle;
use harness::small::{LIMIT, Small, ended, tail};
use harness::vm::Bus;
use std::path::{Path, PathBuf};
use std::time::Instant;
use testkit::{Random, tool};

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

/// What a script begins with: how somebody is killed, and how it is seen that
/// nothing is left.
const WORDS: &str = r#"
cd /mnt/package
of_the_host() { LD_LIBRARY_PATH=/mnt /mnt/ld-linux-x86-64.so.2 "/mnt/$@"; }
look() {
  # Big files are the kernel and its like, of which the size is enough.
  find /boot /etc ! -path '/etc/upd*' -type f -size -2048k | sort | xargs busybox sha256sum | busybox sha256sum
  find /boot /etc ! -path '/etc/upd*' -type f | sort | xargs busybox stat -c '%n %s %a %u' | busybox sha256sum
  find /boot /etc | sort | busybox sha256sum
}
killed() { # CALL NUMBER COMMAND...: status 137 when it was
  call=$1 number=$2; shift 2
  of_the_host strace -f -qq -o /dev/null -e trace=$call -e inject=$call:signal=KILL:when=$number "$@" >/tmp/said 2>&1 </dev/null
  status=$?
  [ $status = 137 ] || [ $status = 0 ] || { echo "@FAILED $call $number: status $status: $(cat /tmp/said)@"; exit 1; }
  return $status
}
staging='./replant stage --package . --yes --no-reboot --protection resume'
stage() { $staging >/tmp/said 2>&1 || { echo "@FAILED $*: stage: $(cat /tmp/said)@"; exit 1; }; }
clean() {
  ./replant revert >/tmp/said 2>&1 || { echo "@FAILED $*: revert: $(cat /tmp/said)@"; exit 1; }
  ls -d /etc/upd* /boot/replant* 2>/dev/null && { echo "@FAILED $*: left@"; exit 1; }
  of_the_host lsattr -R /etc /boot 2>/dev/null | grep -- '^[-a-zA-Z]*i[-a-zA-Z]* ' && { echo "@FAILED $*: immutable@"; exit 1; }
  [ "$(look)" = "$before" ] || { echo "@FAILED $*: something else than before@"; exit 1; }
}
before=$(look) kills=0
"#;

/// Kills at each of these calls, or at the first, the fourth, the sixteenth and
/// so on. Every second time somebody stages again before it is taken back.
fn at_calls(calls: &str, each: bool) -> String {
    let next = if each { "n + 1" } else { "n * 4" };
    let body = r#"
for call in @calls; do
  n=1
  while killed $call $n $staging; [ $? = 137 ]; do
    kills=$((kills + 1))
    [ $((n % 2)) = 0 ] || stage after $call $n
    clean stage, $call $n
    n=$((@next))
  done
  clean stage, to its end
done
echo "@stage $kills@"; kills=0
for call in @calls; do
  n=1
  while stage && killed $call $n ./replant revert; [ $? = 137 ]; do
    kills=$((kills + 1))
    clean revert, $call $n
    n=$((@next))
  done
  clean revert, to its end
done
echo "@revert $kills@"
"#;
    let body = body.replace("@calls", calls).replace("@next", next);
    format!("{WORDS}{body}")
}

/// Kills at these thousandths of the system calls that the first thread makes in
/// a whole run, whatever they are. strace counts those of each name.
fn at_instants(thousandths: &[u32]) -> String {
    let body = r#"
calls() { # FILE COMMAND...: those of the first thread, one in a line
  file=$1; shift
  of_the_host strace -f -qq -o /tmp/calls "$@" >/tmp/said 2>&1 </dev/null
  first=$(sed -n '1s/ .*//p' /tmp/calls)
  sed -n "s/^$first  *\([a-z0-9_]*\)(.*/\1/p" /tmp/calls >$file
}
at() { # FILE SHARE: $call, and how many of its name come up to it
  n=$(($(wc -l <$1) * $2 / 1000 + 1))
  call=$(sed -n "${n}p" $1)
  number=$(head -n $n $1 | grep -c "^$call\$")
}
calls /tmp/of-stage $staging
calls /tmp/of-revert ./replant revert
wc -l /tmp/of-stage /tmp/of-revert
for share in @shares; do
  at /tmp/of-stage $share
  [ $((n % 3)) = 0 ] || stage before it is staged again
  killed $call $number $staging; [ $? != 137 ] || kills=$((kills + 1))
  [ $((n % 2)) = 0 ] || stage after $call $number
  clean stage, $call $number
done
echo "@stage $kills@"; kills=0
for share in @shares; do
  at /tmp/of-revert $share
  stage before revert
  killed $call $number ./replant revert; [ $? != 137 ] || kills=$((kills + 1))
  clean revert, $call $number
done
echo "@revert $kills@"
"#;
    let shares: Vec<String> = thousandths.iter().map(u32::to_string).collect();
    let body = body.replace("@shares", &shares.join(" "));
    format!("{WORDS}{body}")
}

/// The small machine's package, with as few bytes as `stage` takes: of big
/// programs only their beginning. Nobody starts its system.
fn package() -> PathBuf {
    let new = cache::make("small.sh", &["new"]);
    let name = new.file_name().expect("a name").to_string_lossy();
    let light = cache::once("light", &name, "", |to| {
        let script = format!(
            "cp -r {new} {to}; cd {to}; mkdir tree
             tar -C tree --xattrs --xattrs-include='*' -xpJf va.tar.xz
             find tree -type f -size +100k ! -name 'ld-*' ! -name 'libc.so*' ! -name 'modules.*' \
               -exec truncate -s 4096 {{}} +
             tar -C tree --numeric-owner --xattrs --xattrs-include='*' -c . | xz -0 >va.tar.xz
             rm -r tree",
            new = new.display(),
            to = to.display(),
        );
        tool("sh", &["-ec", &script]);
    });
    bundle("light-package", &light)
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

/// How often `stage` and how often `revert` was killed by this script.
fn is_taken_back(what: &str, script: &str) -> (u32, u32) {
    let machine = Small::new();
    let files = programs();
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let medium = machine.medium(&package(), script, &files);
    let since = Instant::now();
    let mut running = machine.vm().disk(&medium, Bus::Virtio).start();
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
        "{what}: stage killed {stage} times, revert {revert} times, {} s",
        since.elapsed().as_secs()
    );
    (stage, revert)
}

#[test]
#[ignore = "make crash"]
fn at_each_call() {
    let (mut stage, mut revert) = (0, 0);
    for call in CALLS {
        let killed = is_taken_back(call, &at_calls(call, true));
        (stage, revert) = (stage + killed.0, revert + killed.1);
    }
    println!("killed: stage {stage} times, revert {revert} times");
    assert!(stage > 50 && revert > 20, "{stage} and {revert}");
}

/// By so many instants, a good part of which must have come before the end.
fn at_any_instant(count: usize, seed: u64) {
    let mut random = Random(seed);
    let shares: Vec<u32> = (0..count).map(|_| random.below(1000)).collect();
    let what = format!("{count} instants, seed {seed}");
    let (stage, revert) = is_taken_back(&what, &at_instants(&shares));
    let most = count as u32 * 9 / 10;
    assert!(stage >= most && revert >= most, "{stage} and {revert}");
}

#[test]
#[ignore = "make crash"]
fn at_two_hundred_instants() {
    at_any_instant(100, 1);
}

#[test]
fn now_and_then() {
    let (stage, revert) = is_taken_back("ioctl unlink", &at_calls("ioctl unlink", false));
    assert!(stage > 3 && revert > 3, "{stage} and {revert}");
}
