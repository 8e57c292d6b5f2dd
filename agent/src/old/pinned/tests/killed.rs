// SPDX-License-Identifier: MIT OR Apache-2.0
//! A staging that is killed leaves nothing that the next one does not remove.

use super::ground::{EXT4, Ground, KINDS, XFS};
use crate::old::pinned::{Allowed, Search, Wish, foreseen};
use crate::old::places::Places;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const NAME: &str = "old::pinned::tests::killed::a_staging_that_is_killed";
const ROOT: &str = "REPLANT_TEST_PINNED_ROOT";
const DISK: &str = "REPLANT_TEST_PINNED_DISK";
const KILLS: u32 = 30;

/// What is killed: begins, says so, pins, says so, and waits.
fn stage(root: &Path, disk: &Path) {
    let dir = root.join("upd.new");
    println!("\nbegin");
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
    println!("\ndone");
}

/// Ends with SIGKILL, whatever becomes of the test.
struct Child(std::process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
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
        stage(root.as_ref(), disk.as_ref());
        loop {
            std::thread::park();
        }
    }
    testkit::needs!("root", "time", "mke2fs", "mkfs.xfs");
    for kind in [EXT4, XFS, KINDS[2]] {
        let ground = Ground::new(kind, 400);
        let free = ground.free();
        let places = Places(vec![ground.root().join("upd")]);
        let mut whole = Duration::ZERO;
        let mut seen = [0, 0];
        for kill in 0..=KILLS {
            let child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", NAME, "--nocapture"])
                .env(ROOT, ground.root())
                .env(DISK, &ground.disk.0)
                .stdout(Stdio::piped())
                .spawn();
            let mut child = Child(child.unwrap());
            let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
            let mut wait = |word: &str| {
                let line = lines.find(|line| line.as_ref().unwrap() == word);
                assert!(line.is_some(), "the child ended");
            };
            wait("begin");
            let begun = Instant::now();
            if kill == 0 {
                // The first one is let go to its end, which says how long it takes.
                wait("done");
                whole = begun.elapsed();
            } else {
                std::thread::sleep(whole * kill / KILLS);
            }
            drop(child);
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
            "{kind:?}: of {KILLS}, {} left files, {} immutable ones",
            seen[0], seen[1]
        );
        assert!(seen[1] > 0);
    }
}
