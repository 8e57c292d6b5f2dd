// SPDX-License-Identifier: MIT OR Apache-2.0
//! The judge is judged: what it foretells of a disk is what a machine starts
//! from it, through real firmware, loaders and kernels.

use super::judged::{DESTROYING, open, seed};
use harness::crash::boots::{Boots, what_boots};
use harness::crash::cut::Medium;
use harness::crash::log::{Request, WriteLog};
use harness::migration::BOOT;
use harness::product::copy_disk;
use harness::recorded::{Recorded, recorded_small};
use harness::small::Small;
use harness::vm::Running;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};
use testkit::Random;

/// Random cuts that are booted; `REPLANT_CRASH_BOOTS` says how many otherwise.
fn wanted() -> usize {
    let text = std::env::var("REPLANT_CRASH_BOOTS").ok();
    text.map_or(30, |text| text.parse().expect("a number"))
}

/// Says what a machine that was started begins with.
type Look<'a> = &'a dyn Fn(&Running) -> String;

/// A machine whose migration was recorded.
pub struct Subject {
    pub recorded: Recorded,
    /// What its systems begin with on a serial port.
    pub old: &'static str,
    pub new: &'static str,
    /// Starts it from this disk, which may be written, and has somebody look.
    pub start: fn(&Path, Look<'_>) -> String,
}

/// The first step that the tiny system shows, from where it goes on.
const TINY: [(&str, &str); 2] = [
    ("[ 1/15]", "tiny, from the beginning"),
    ("[ 5/15]", "tiny, from the wipe"),
];

impl Subject {
    fn signs(&self) -> [(&str, &str); 4] {
        [(self.old, "old"), (self.new, "new"), TINY[0], TINY[1]]
    }

    /// What it starts from this disk.
    fn starts(&self, disk: &Path) -> String {
        (self.start)(disk, &|running| {
            let begin = Instant::now();
            loop {
                let said: String = running.serials.iter().map(|port| port.output()).collect();
                let signs = self.signs();
                if let Some((_, name)) = signs.iter().find(|(sign, _)| said.contains(sign)) {
                    return (*name).into();
                }
                if begin.elapsed() > BOOT {
                    return format!("nothing that is known: {}", running.tail());
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        })
    }
}

/// Cuts of this machine's migration, each of which is judged and then booted.
pub fn as_foretold(subject: &Subject) {
    let recorded = &subject.recorded;
    let log = WriteLog::open(&recorded.log());
    let grubs = [
        (what_boots(&open(&recorded.staged())), "old"),
        (what_boots(&open(&recorded.migrated())), "new"),
    ];
    let foretold = |boots: &Boots| match boots {
        Boots::Tiny { knows, .. } if knows.phase == DESTROYING => "tiny, from the wipe",
        Boots::Tiny { .. } => "tiny, from the beginning",
        grub => {
            let known = grubs.iter().find(|(known, _)| known == grub);
            known.map_or("nothing", |(_, name)| *name)
        }
    };
    let flush = |request: &&Request| **request == Request::Flush;
    let flushes = log.requests.iter().filter(flush).count();
    let mut random = Random(seed() ^ 0xb007);
    let chosen: BTreeSet<usize> = (0..wanted()).map(|_| random.below(flushes)).collect();
    let dir = tempfile::tempdir_in(harness::cache::directory()).expect("a directory");
    let (image, disk) = (dir.path().join("image"), dir.path().join("disk"));
    copy_disk(&recorded.staged(), &image);
    let mut medium = Medium::new(&log, open(&image));
    let mut table: BTreeMap<String, usize> = BTreeMap::new();
    let mut window = 0;
    while medium.advance() {
        window += 1;
        // Of each kind of outcome one, wherever the choice fell.
        let early = window < 50 && !table.contains_key("old");
        let rare = early || medium.writes_to(0);
        if !chosen.contains(&window) && !rare {
            continue;
        }
        let cut = medium.part(8, &mut random);
        let expected = foretold(&what_boots(&cut));
        if !chosen.contains(&window) && table.contains_key(expected) {
            continue;
        }
        copy_disk(&image, &disk);
        cut.write_to(&open(&disk));
        let started = subject.starts(&disk);
        // Where the old system's GRUB starts, it does once what it was armed for.
        let armed = expected == "old" && started == "tiny, from the beginning";
        assert!(
            started == expected || armed,
            "before request {}: {started}, not {expected}",
            medium.position()
        );
        *table.entry(started).or_default() += 1;
    }
    // The disk at the end, for a cut after the last flush is not in the log.
    copy_disk(&recorded.migrated(), &disk);
    assert_eq!(subject.starts(&disk), "new");
    *table.entry("new".into()).or_default() += 1;
    println!("{table:#?}");
    for (_, name) in subject.signs() {
        assert!(table.contains_key(name), "no boot came to {name:?}");
    }
}

#[test]
fn what_the_judge_foretells_is_what_starts() {
    as_foretold(&Subject {
        recorded: recorded_small(),
        old: "@system old@",
        new: "@system new@",
        start: |disk, look| look(&Small::with(disk).start()),
    });
}
