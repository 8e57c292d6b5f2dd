// SPDX-License-Identifier: MIT OR Apache-2.0
//! What starts from each disk that a cut leaves, by reading it.

use super::cut_off::states;
use harness::crash::Sectors;
use harness::crash::boots::{Boots, what_boots};
use harness::crash::cut::Medium;
use harness::crash::log::{Request, WriteLog};
use harness::product::copy_disk;
use harness::recorded::{Recorded, recorded_small};
use std::collections::BTreeMap;
use std::fs::File;
use testkit::Random;

/// Numbers of the phases on the disk.
const ARMED: u64 = 3;
pub const DESTROYING: u64 = 4;

/// States that are judged; `REPLANT_CRASH_STATES` says how many otherwise.
fn wanted() -> usize {
    let text = std::env::var("REPLANT_CRASH_STATES").ok();
    text.map_or(400, |text| text.parse().expect("a number"))
}

pub fn seed() -> u64 {
    let text = std::env::var("REPLANT_CRASH_SEED").ok();
    text.map_or(1, |text| text.parse().expect("a number"))
}

pub fn open(path: &std::path::Path) -> File {
    File::options()
        .read(true)
        .write(true)
        .open(path)
        .expect("a disk")
}

/// How often each outcome came, and the first bricks.
#[derive(Default)]
struct Table {
    outcomes: BTreeMap<String, usize>,
    bricks: Vec<String>,
}

impl Table {
    fn add(&mut self, at: usize, how: &str, boots: &Boots, systems: &[(Boots, &str); 2]) {
        let known = systems.iter().find(|(grub, _)| grub == boots);
        let outcome = match (boots, known) {
            (_, Some((_, name))) => (*name).to_string(),
            (Boots::Tiny { knows, .. }, _) => {
                format!("tiny, phase {}, step {:2}", knows.phase, knows.step)
            }
            (Boots::Grub(_), None) => "BRICK".into(),
            (Boots::Brick(_), None) => "BRICK".into(),
        };
        if outcome == "BRICK" {
            self.bricks.push(format!("request {at}, {how}: {boots:?}"));
        }
        *self.outcomes.entry(outcome).or_default() += 1;
    }
}

/// All states at the flushes, and random ones between them.
fn judge(recorded: &Recorded, log: &WriteLog) -> Table {
    let systems = [
        (what_boots(&open(&recorded.staged())), "old"),
        (what_boots(&open(&recorded.migrated())), "new"),
    ];
    assert!(
        systems
            .iter()
            .all(|(boots, _)| matches!(boots, Boots::Grub(_))),
        "{systems:?}"
    );
    let dir = tempfile::tempdir_in(harness::cache::directory()).expect("a directory");
    let image = dir.path().join("disk");
    copy_disk(&recorded.staged(), &image);
    let mut medium = Medium::new(log, open(&image));
    let flushes = log
        .requests
        .iter()
        .filter(|r| **r == Request::Flush)
        .count();
    // Of many flushes some: all those around which LBA 0 changes, and evenly
    // of the others.
    let every = (flushes * 3 / wanted()).max(1);
    let mut random = Random(seed());
    let mut table = Table::default();
    let mut window = 0;
    while medium.advance() {
        window += 1;
        let at = medium.position();
        if window % every != 0 && !medium.writes_to(0) {
            continue;
        }
        table.add(at, "prefix", &what_boots(&medium.prefix(0)), &systems);
        let some = random.below(medium.pending() + 1);
        table.add(at, "prefix", &what_boots(&medium.prefix(some)), &systems);
        // Whatever is written together with LBA 0 is worth more than one look.
        let parts = if medium.writes_to(0) { 20 } else { 1 };
        for unit in [1, 8].into_iter().cycle().take(2 * parts) {
            let cut = medium.part(unit, &mut random);
            table.add(at, "part", &what_boots(&cut), &systems);
        }
    }
    table
}

/// Whether every disk that a cut of this migration leaves starts something.
pub fn starts_always(recorded: &Recorded) {
    let log = WriteLog::open(&recorded.log());
    let table = judge(recorded, &log);
    println!("seed {}", seed());
    for (outcome, count) in &table.outcomes {
        println!("{count:6} {outcome}");
    }
    assert_eq!(table.bricks, [""; 0]);
    assert!(table.outcomes.values().sum::<usize>() >= wanted().min(300));
    // Each phase was hit, else it was not tested.
    let hit = |start: &str| table.outcomes.keys().any(|name| name.starts_with(start));
    let destroying = format!("tiny, phase {DESTROYING}");
    for name in ["old", "new", &format!("tiny, phase {ARMED}"), &destroying] {
        assert!(hit(name), "no cut led to {name:?}");
    }
}

/// The judge must see what is missing: the same migration without the flush
/// before the switch.
pub fn needs_the_flush_before_the_switch(recorded: &Recorded) {
    let mut log = WriteLog::open(&recorded.log());
    // The last write to LBA 0 is the switch.
    let switch = |request: &Request| matches!(request, Request::Write { lba: 0, .. });
    let at = log.requests.iter().rposition(switch).expect("a switch");
    let mut number = 0;
    log.requests.retain(|request| {
        number += 1;
        let before = number > at.saturating_sub(400) && number <= at;
        !(before && *request == Request::Flush)
    });
    let table = judge(recorded, &log);
    assert!(!table.bricks.is_empty(), "{:?}", table.outcomes);
}

/// The judge must see a program of the new system that writes its boot sector in
/// spite of what it was told, and before its core image is in place.
pub fn needs_the_boot_sector_to_come_last(recorded: &Recorded) {
    let mut log = WriteLog::open(&recorded.log());
    let switch = |request: &&Request| matches!(request, Request::Write { lba: 0, .. });
    let switch = *log.requests.iter().rfind(switch).expect("a switch");
    let at = |(phase, _)| phase == DESTROYING as u32;
    let states = states(&log);
    let mut of_steps = states.iter().filter(|(_, state)| at(*state));
    let (early, _) = of_steps
        .nth(1)
        .expect("a step after the point of no return");
    log.requests.insert(early + 1, switch);
    let table = judge(recorded, &log);
    assert!(!table.bricks.is_empty(), "{:?}", table.outcomes);
}

/// Whether nothing but what is replant's own is written until the first state
/// that says so.
pub fn leaves_the_old_system_alone(recorded: &Recorded) {
    let log = WriteLog::open(&recorded.log());
    let image = open(&recorded.staged());
    // Until the first state that says so, only record, state and LBA 0 are
    // written: a few hundred sectors, each of which is the staging's now.
    for request in &log.requests {
        let Request::Write {
            lba, sectors, at, ..
        } = *request
        else {
            continue;
        };
        let data = log.data(at, sectors);
        let state = data.starts_with(b"replant state\0\0\0");
        if state && data[20] == u8::try_from(DESTROYING).expect("a byte") {
            return;
        }
        let before = image.read(lba, sectors);
        // GRUB itself empties its one-shot choice.
        let grubenv = before.starts_with(b"# GRUB Environment Block");
        let ours = before.starts_with(b"replant ") || lba == 0 || grubenv;
        // The record's later blocks have no magic: they are filler before.
        assert!(ours || data == before, "sectors {lba} to {}", lba + sectors);
    }
    panic!("there was no point of no return");
}

#[test]
fn no_cut_leaves_a_disk_that_starts_nothing() {
    starts_always(&recorded_small());
}

#[test]
fn without_the_flush_before_the_switch_there_are_bricks() {
    needs_the_flush_before_the_switch(&recorded_small());
}

#[test]
fn with_a_boot_sector_that_comes_too_early_there_are_bricks() {
    needs_the_boot_sector_to_come_last(&recorded_small());
}

#[test]
fn before_the_point_of_no_return_the_old_system_is_not_touched() {
    leaves_the_old_system_alone(&recorded_small());
}
