// SPDX-License-Identifier: MIT OR Apache-2.0
//! Damaged copies of real inputs, the same in each run, for every parser of the
//! workspace.
//!
//! A round takes a sample, damages it, and hands it to a check, which must
//! neither panic (overflow counts, tests are debug builds) nor take long. What
//! fails prints the seed of its round; with that seed it comes again at once:
//! `REPLANT_FUZZ_SEED=0x... REPLANT_FUZZ_ROUNDS=1 cargo test -p PACKAGE`. More
//! rounds than the default: `REPLANT_FUZZ_ROUNDS=1000000`.

use crate::{Random, cpu_time};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::Command;
use std::time::Duration;

/// Seed of the first round, if the environment names no other.
const SEED: u64 = 0x5eed_0fd1_5ea5_e000;
/// `make unit` runs one round of so many: it shows that a fuzzer works.
const UNIT: u64 = 20;
/// More time of a processor than any parser may take for an input of a few
/// kilobytes.
const SLOW: Duration = Duration::from_secs(1);
/// Memory that the whole process may have had at its peak, in KiB.
const PEAK_KIB: u64 = 512 << 10;

/// What is damaged, and how.
pub struct Target<'a> {
    /// Its name, for messages.
    pub name: &'static str,
    /// Real inputs.
    pub samples: Vec<Vec<u8>>,
    /// What the grammar cares about, put in here and there: words with `~` between.
    pub words: &'a [u8],
    /// Where three of four damages go; none: everywhere.
    pub hot: Vec<Range<usize>>,
    /// Rounds, if the environment does not say how many.
    pub rounds: usize,
}

/// How many of the damaged inputs a parser took.
pub struct Tally {
    name: &'static str,
    whole: bool,
    accepted: usize,
    refused: usize,
}

impl Tally {
    /// Fails unless so many were taken and so many were not: damage that never
    /// gets past the first check, or does none, tests nothing.
    pub fn at_least(&self, accepted: usize, refused: usize) {
        assert!(
            !self.whole || self.accepted >= accepted && self.refused >= refused,
            "{}: {} accepted, {} refused",
            self.name,
            self.accepted,
            self.refused
        );
    }
}

/// Whether this process runs nothing but the test that asks; otherwise the test
/// has run in one that does: the memory that others need is not the parser's.
/// For tests that share their program with hungry ones, and no files.
pub fn is_alone() -> bool {
    const ALONE: &str = "REPLANT_FUZZ_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let test = std::thread::current().name().expect("a test").to_string();
    // With one thread for all tests it has no name of its own.
    if test == "main" {
        return true;
    }
    let out = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "--nocapture", &test])
        .env(ALONE, "1")
        .output()
        .expect("this program");
    let text = [out.stdout, out.stderr].map(|b| String::from_utf8_lossy(&b).into_owned());
    let [stdout, stderr] = text;
    let ran = out.status.success() && stdout.contains("1 passed");
    assert!(ran, "{test}: {}\n{stdout}{stderr}", out.status);
    false
}

impl Target<'_> {
    /// Runs the rounds on what has no checksums.
    pub fn read(&self, check: impl Fn(&[u8], &mut Random) -> bool) -> Tally {
        self.run(|_| {}, check)
    }

    /// Runs the rounds. `mend` makes checksums right again, every other time;
    /// `check` says whether the input was taken for valid.
    pub fn run(
        &self,
        mend: impl Fn(&mut [u8]),
        check: impl Fn(&[u8], &mut Random) -> bool,
    ) -> Tally {
        let seed = setting("REPLANT_FUZZ_SEED");
        let rounds = setting("REPLANT_FUZZ_ROUNDS").or_else(|| {
            std::env::var_os("REPLANT_UNIT")?;
            Some(self.rounds as u64 / UNIT)
        });
        let mut tally = Tally {
            name: self.name,
            whole: seed.is_none() && rounds.is_none(),
            accepted: 0,
            refused: 0,
        };
        let first = seed.unwrap_or(SEED);
        for round in 0..rounds.unwrap_or(self.rounds as u64) {
            let seed = first.wrapping_add(round.wrapping_mul(0xd6e8_feb8_6659_fd93));
            let mut random = Random(seed);
            let mut input = self.samples[random.below(self.samples.len())].clone();
            for _ in 0..=random.below(4) {
                self.damage(&mut input, &mut random);
            }
            if random.below(2) == 0 {
                mend(&mut input);
            }
            let accepted = self.timed(seed, || check(&input, &mut random.clone()));
            tally.accepted += usize::from(accepted);
            tally.refused += usize::from(!accepted);
        }
        let peak = peak_kib();
        assert!(peak < PEAK_KIB, "{}: {peak} KiB at the peak", self.name);
        tally
    }

    fn timed(&self, seed: u64, check: impl FnOnce() -> bool) -> bool {
        let start = cpu_time();
        let result = catch_unwind(AssertUnwindSafe(check));
        let took = cpu_time() - start;
        assert!(took < SLOW, "{}: seed {seed:#x} took {took:?}", self.name);
        result.unwrap_or_else(|panic| {
            eprintln!("{}: the input of seed {seed:#x} failed", self.name);
            resume_unwind(panic)
        })
    }

    fn place(&self, length: usize, random: &mut Random) -> usize {
        if self.hot.is_empty() || random.below(4) == 0 {
            return random.below(length);
        }
        let range = &self.hot[random.below(self.hot.len())];
        (range.start + random.below(range.len())).min(length.saturating_sub(1))
    }

    fn damage(&self, data: &mut Vec<u8>, random: &mut Random) {
        if data.is_empty() {
            return;
        }
        let at = self.place(data.len(), random);
        match random.below(20) {
            0..3 => data[at] ^= 1 << random.below(8),
            3..5 => data[at] = [0, 0xff, random.below(256) as u8][random.below(3)],
            5..9 => number(data, at, random),
            9..11 => decimal(data, at, random),
            11 => data.truncate(at),
            12 => {
                let end = data.len().min(at + random.below(100));
                data.drain(at..end);
            }
            13 => {
                let filler = vec![random.pick(&[0, 0xff, b' ', b'0', b'\n']); random.below(40)];
                data.splice(at..at, filler);
            }
            14..17 if !self.words.is_empty() => {
                let words: Vec<&[u8]> = self.words.split(|b| *b == b'~').collect();
                let word = random.pick(&words);
                // Over what is there, or in between.
                let end = match random.below(2) {
                    0 => at,
                    _ => data.len().min(at + word.len()),
                };
                data.splice(at..end, word.iter().copied());
            }
            _ => {
                let from = &self.samples[random.below(self.samples.len())];
                let start = self.place(from.len(), random);
                // Whole blocks at times, for some formats consist of them.
                let (at, start, length) = match random.below(3) {
                    0 => (at / 512 * 512, start / 512 * 512, 512),
                    _ => (at, start, random.below(300)),
                };
                let block = from[start..from.len().min(start + length)].to_vec();
                let end = match random.below(2) {
                    0 => at,
                    _ => data.len().min(at + block.len()),
                };
                data.splice(at..end, block);
            }
        }
    }
}

/// A binary number on an edge, over what stands at `at`.
fn number(data: &mut [u8], at: usize, random: &mut Random) {
    let width = random.pick(&[1, 2, 4, 8]);
    let length = data.len() as u64;
    let Some(field) = data.get_mut(at..at + width) else {
        return;
    };
    let little = random.below(3) != 0;
    let mut bytes = [0; 8];
    for (i, byte) in field.iter().enumerate() {
        bytes[if little { i } else { width - 1 - i }] = *byte;
    }
    let was = u64::from_le_bytes(bytes);
    let edge = 1u64 << random.below(width * 8);
    let value = random.pick(&[
        0,
        1,
        u64::MAX,
        u64::MAX - 1,
        edge,
        edge - 1,
        edge.wrapping_neg(),
        length,
        length.wrapping_sub(was),
        was.wrapping_add(1),
        was.wrapping_sub(1),
        was << 1,
        !was,
    ]);
    for (i, byte) in value.to_le_bytes().iter().take(width).enumerate() {
        field[if little { i } else { width - 1 - i }] = *byte;
    }
}

/// A written number on an edge, in place of the next one from `at` on.
fn decimal(data: &mut Vec<u8>, at: usize, random: &mut Random) {
    let Some(start) = (at..data.len()).find(|&i| data[i].is_ascii_digit()) else {
        return;
    };
    let digits = data[start..].iter().take_while(|b| b.is_ascii_digit());
    let length = digits.count();
    let edge = 1u64 << random.below(64);
    let value = random.pick(&[0, 1, edge, edge - 1, u64::MAX, i64::MAX as u64]);
    let text = match random.below(4) {
        0 => format!("-{value}"),
        // As wide as it was.
        1 => format!("{value:0length$}")[..length].to_owned(),
        _ => value.to_string(),
    };
    data.splice(start..start + length, text.into_bytes());
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    let number = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    };
    Some(number.unwrap_or_else(|e| panic!("{name}={text}: {e}")))
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let number = line.and_then(|l| l.split_whitespace().next());
    number.unwrap().parse().unwrap()
}
