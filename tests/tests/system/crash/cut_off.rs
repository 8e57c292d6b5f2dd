// SPDX-License-Identifier: MIT OR Apache-2.0
//! The small machine, cut off in each step, and while it goes on after that:
//! each time it becomes the new system by itself, and nothing of the staging is
//! left.

use super::judged::{open, seed};
use harness::crash::boots::{Boots, what_boots};
use harness::crash::cut::Medium;
use harness::crash::log::{Request, WriteLog};
use harness::migration::steps;
use harness::recorded::{Recorded, recorded_small};
use harness::small::{End, IN_PLACE, Remains, Small, tail};
use std::ops::Range;
use std::path::Path;
use testkit::Random;

/// Numbers of the phases on the disk.
pub const ARMED: u32 = 3;
pub const DESTROYING: u32 = 4;
const SWITCHED: u32 = 5;

/// Steps after the point of no return, by their numbers in the state.
pub const UNPACK: u32 = 5;
const BOOT: u32 = 7;

/// Their names, in this order.
fn after_no_return() -> Vec<&'static str> {
    let steps = steps(false);
    let begin = steps.iter().position(|name| *name == "wipe");
    steps[begin.expect("a step")..].to_vec()
}

/// Where a migration is, by what the disk says: phase, and step or start.
pub type At = (u32, u32);

/// What each state was written at, by its place in the log.
pub fn states(log: &WriteLog) -> Vec<(usize, At)> {
    let state = |(number, request): (usize, &Request)| {
        let Request::Write { sectors: 8, at, .. } = *request else {
            return None;
        };
        let block = log.data(at, 1);
        let number_at = |at: usize| u32::from_le_bytes(block[at..at + 4].try_into().expect("4"));
        let is_one = block.starts_with(b"replant state\0\0\0");
        is_one.then(|| (number, (number_at(20), number_at(48))))
    };
    log.requests.iter().enumerate().filter_map(state).collect()
}

/// The requests between the first state that says `at` (or the log's begin)
/// and the first one that says more.
fn during(log: &WriteLog, at: At) -> Range<usize> {
    let states = states(log);
    let first = states.iter().find(|(_, found)| *found >= at);
    let start = first.filter(|(_, found)| *found == at);
    let end = states.iter().find(|(_, found)| *found > at);
    let end = end.map_or(log.requests.len(), |(number, _)| *number);
    start.map_or(0, |(number, _)| number + 1)..end
}

/// A disk as a cut at a random request of these leaves it. It is made of the
/// one at `to`, which is as it was before the log.
fn cut(log: &WriteLog, range: Range<usize>, random: &mut Random, to: &Path) {
    assert!(!range.is_empty(), "nothing was written there");
    let wanted = range.start + random.below(range.len());
    let mut medium = Medium::new(log, open(to));
    while medium.advance() && medium.position() <= wanted {}
    let cut = medium.part(8, random);
    cut.write_to(&open(to));
}

/// The machine of this migration, cut off while its state says `at`. Of phases
/// that count their starts, any will do.
pub fn cut_at(recorded: &Recorded, at: At, random: &mut Random) -> Small {
    let log = WriteLog::open(&recorded.log());
    let machine = Small::with(&recorded.staged());
    let states = states(&log);
    let found = states.iter().map(|(_, found)| *found);
    let at = found
        .filter(|found| found.0 == at.0 && found.1 >= at.1)
        .min();
    let at = at.expect("a state of this phase");
    cut(&log, during(&log, at), random, &machine.disk);
    machine
}

/// What is said of one cut machine.
struct Row {
    cut: String,
    found: String,
    boots: usize,
    by: &'static str,
}

/// Boots the machine until it is the new system: only once may the tiny system
/// have to do anything.
fn ends(cut: String, machine: &Small, remains: &Remains, reference: &End) -> Row {
    let found = what_boots(&open(&machine.disk));
    let tiny = matches!(found, Boots::Tiny { .. });
    if tiny {
        let boot = machine.boot();
        let console = &boot.console;
        assert!(
            console.contains(IN_PLACE),
            "{cut}: {found:?}: {}",
            tail(console)
        );
    }
    let end = End::of(machine, Some(remains));
    assert_eq!(end.said, reference.said, "{cut}");
    Row {
        cut,
        found: match found {
            Boots::Tiny { knows, .. } => {
                format!("tiny, phase {}, step {}", knows.phase, knows.step)
            }
            _ => "new".into(),
        },
        boots: 1 + usize::from(tiny),
        by: match end.by_unit {
            Some(_) => "new system, its unit gave the room",
            None => "new system",
        },
    }
}

fn print(rows: &[Row]) {
    println!("{:32} {:24} boots  outcome", "cut", "disk says");
    for row in rows {
        println!(
            "{:32} {:24} {:5}  {}",
            row.cut, row.found, row.boots, row.by
        );
    }
    let boots: usize = rows.iter().map(|row| row.boots).sum();
    println!(
        "{} cuts, {boots} boots, 0 bricks; seed {}",
        rows.len(),
        seed()
    );
}

/// All that is known of the migration that was not cut.
struct Whole {
    recorded: Recorded,
    remains: Remains,
    reference: End,
}

fn whole() -> Whole {
    let recorded = recorded_small();
    let remains = Remains::of(&recorded.staged());
    let reference = End::of(&Small::with(&recorded.migrated()), Some(&remains));
    assert_eq!(reference.by_unit, None);
    Whole {
        recorded,
        remains,
        reference,
    }
}

impl Whole {
    /// The machine after a cut there.
    fn cut_at(&self, at: At, random: &mut Random) -> Small {
        cut_at(&self.recorded, at, random)
    }

    fn ends(&self, cut: String, machine: &Small) -> Row {
        ends(cut, machine, &self.remains, &self.reference)
    }

    /// Starts the machine, which is cut off again while it does what it did at
    /// the first cut.
    fn cut_again(&self, machine: &mut Small, at: At, random: &mut Random) {
        let before = Small::with(&machine.disk);
        let log = machine.directory().join("log");
        machine.record(&log);
        let boot = machine.boot();
        assert!(boot.console.contains(IN_PLACE), "{}", tail(&boot.console));
        let log = WriteLog::open(&log);
        cut(&log, during(&log, at), random, &before.disk);
        *machine = before;
    }
}

#[test]
#[ignore = "make crash"]
fn a_cut_in_each_step() {
    let whole = whole();
    let mut random = Random(seed());
    let mut rows = Vec::new();
    let machine = whole.cut_at((ARMED, 0), &mut random);
    rows.push(whole.ends("armed".into(), &machine));
    for (step, name) in (1..).zip(after_no_return()) {
        let machine = whole.cut_at((DESTROYING, step), &mut random);
        rows.push(whole.ends(name.into(), &machine));
    }
    for _ in 0..2 {
        let machine = whole.cut_at((SWITCHED, 0), &mut random);
        rows.push(whole.ends("release".into(), &machine));
    }
    print(&rows);
}

#[test]
fn a_cut_while_it_goes_on_after_a_cut() {
    let whole = whole();
    let mut random = Random(seed());
    let mut rows = Vec::new();
    for step in [UNPACK, BOOT] {
        let at = (DESTROYING, step);
        let mut machine = whole.cut_at(at, &mut random);
        whole.cut_again(&mut machine, at, &mut random);
        let name = after_no_return()[step as usize - 1];
        let name = format!("{name}, and once more");
        rows.push(whole.ends(name, &machine));
    }
    print(&rows);
}

#[test]
#[ignore = "make crash"]
fn ten_cuts_in_the_same_step() {
    let whole = whole();
    let mut random = Random(seed());
    let at = (DESTROYING, UNPACK);
    let mut machine = whole.cut_at(at, &mut random);
    for _ in 1..10 {
        whole.cut_again(&mut machine, at, &mut random);
    }
    print(&[whole.ends("unpack, ten times".into(), &machine)]);
}
