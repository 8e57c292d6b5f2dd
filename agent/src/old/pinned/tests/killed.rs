// SPDX-License-Identifier: MIT OR Apache-2.0
//! A staging that is killed leaves nothing that the next one does not remove.

use super::ground::{EXT4, Ground, KINDS, XFS};
use crate::old::pinned::{Allowed, Search, Wish, foreseen};
use crate::old::places::Places;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

const NAME: &str = "old::pinned::tests::killed::a_staging_that_is_killed";
const ROOT: &str = "REPLANT_TEST_PINNED_ROOT";
const DISK: &str = "REPLANT_TEST_PINNED_DISK";
/// How often one is killed, as evenly as that goes over what it does.
const KILLS: usize = 30;
/// System calls by which a staging changes something, or learns where it is.
const CALLS: &str = "mkdir,fallocate,pwrite64,ftruncate,fsync,ioctl";

/// What is killed.
fn stage(root: &Path, disk: &Path) {
    let dir = root.join("upd.new");
    fs::create_dir(&dir).unwrap();
    let wishes = [
        ("payload", Wish::runs(8 << 20)),
        ("state", Wish::one_run(4096, 4096)),
        ("kernel", Wish::runs(4 << 20)),
    ];
    let site = foreseen(&dir, disk, &[]).unwrap();
    let allowed = Allowed::from(150 << 20..u64::MAX);
    let search = Search::new(&site, &dir, allowed);
    for (name, wish) in wishes {
        let reserved = search.reserve(name, &wish).unwrap();
        let content = vec![9; wish.bytes as usize];
        reserved.fill(&content[..]).unwrap();
    }
}

/// A system call: its name, and how many of that name there were with it.
type Call = (String, usize);

/// Stages in another process, which is killed as it begins this call. Each call
/// is a line of `log`.
fn staged(ground: &Ground, log: &Path, kill: Option<&Call>) -> ExitStatus {
    let mut strace = Command::new("strace");
    let trace = format!("trace={CALLS}");
    strace.args(["-f", "-qq", "-e", "signal=none", "-e", &trace, "-o"]);
    strace.arg(log);
    if let Some((name, number)) = kill {
        let inject = format!("inject={name}:signal=KILL:when={number}");
        strace.args(["-e", &inject]);
    }
    strace.arg(std::env::current_exe().unwrap());
    strace.args(["--exact", NAME, "--nocapture"]);
    strace.env(ROOT, ground.root()).env(DISK, &ground.disk.0);
    testkit::output(&mut strace).status
}

/// The calls of the thread that staged, for strace counts those of each.
fn calls(log: &Path) -> Vec<Call> {
    let log = fs::read_to_string(log).unwrap();
    let split = |line: &str| {
        let (thread, call) = line.split_once(' ').unwrap();
        let (name, _) = call.trim_start().split_once('(')?;
        Some((thread.to_owned(), name.to_owned()))
    };
    let first = log.lines().find(|line| line.contains("upd.new")).unwrap();
    let (staging, _) = split(first).unwrap();
    let mut counts = BTreeMap::new();
    // Of a call that another thread's came between, the end has a line, too.
    let begun = log.lines().filter(|line| !line.contains(" resumed>"));
    let all = begun.filter_map(split);
    let all = all.filter(|(thread, _)| *thread == staging);
    all.map(|(_, name)| {
        let number = counts.entry(name.clone()).or_insert(0);
        *number += 1;
        (name, *number)
    })
    .collect()
}

fn immutable(dir: &Path) -> bool {
    let Ok(entries) = fs::read_dir(dir) else {
        return false;
    };
    let mut files = entries.map(|entry| File::open(entry.unwrap().path()).unwrap());
    files.any(|file| {
        let flags = rustix::fs::ioctl_getflags(&file).unwrap();
        flags.contains(rustix::fs::IFlags::IMMUTABLE)
    })
}

#[test]
fn a_staging_that_is_killed() {
    if let Some(root) = std::env::var_os(ROOT) {
        let disk = std::env::var_os(DISK).unwrap();
        return stage(root.as_ref(), disk.as_ref());
    }
    testkit::needs!("root", "time", "mke2fs", "mkfs.xfs", "strace");
    for kind in [EXT4, XFS, KINDS[2]] {
        let ground = Ground::new(kind, 400);
        let log = tempfile::NamedTempFile::new().unwrap();
        let free = ground.free();
        let places = Places(vec![ground.root().join("upd")]);
        let (mut killed, mut seen) = (0, [0, 0]);
        // The first one is let go to its end, which says what it does.
        let status = staged(&ground, log.path(), None);
        assert!(status.success(), "{status}");
        let all = calls(log.path());
        for kill in 0..=KILLS {
            if kill > 0 {
                let call = &all[(all.len() * kill / KILLS).max(1) - 1];
                let status = staged(&ground, log.path(), Some(call));
                // xfs does not always need as many calls to find a place.
                let ended = status.signal() == Some(9) || status.success();
                assert!(ended, "{kind:?} {call:?}: {status}");
                killed += usize::from(!status.success());
            }
            let dir: PathBuf = ground.root().join("upd.new");
            seen[0] += u32::from(dir.exists());
            seen[1] += u32::from(immutable(&dir));
            let errors = places.discard();
            assert!(
                errors.is_empty() && places.remains().is_empty(),
                "{errors:?}"
            );
            ground.is_free_again(free);
        }
        println!(
            "{kind:?}: {killed} killed within {} calls, {} left files, {} immutable ones",
            all.len(),
            seen[0],
            seen[1]
        );
        assert!(killed * 2 > KILLS && seen[1] > 0 && seen[0] > seen[1]);
    }
}
