// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds all processes that a program has started, also those that have left its
//! session.
//!
//! They are found by a word in their environment, which children inherit, by
//! their parents, and by the session that the program began. A process that
//! leaves all three at once has usually been seen before, and is remembered.

use super::silence::Signs;
use crate::machine::process::Stat;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The name of the environment variable.
const MARK: &str = "REPLANT_PROGRAM";

/// How often to look whether a process that was asked to end has ended.
const LOOK: Duration = Duration::from_millis(50);

/// The processes of one program.
#[derive(Debug)]
pub(super) struct Family {
    /// `NAME=VALUE`, as it stands in the environment.
    mark: String,
    /// The number of the program's own process.
    first: u32,
    start: Option<u64>,
    /// Those that were seen: number and start.
    known: BTreeSet<(u32, u64)>,
}

/// A living process.
type Member = (u32, Stat);

/// Gives `command` a session of its own and a marking word in its environment.
/// Hand the word to [`Family::new`].
pub(super) fn prepare(command: &mut Command) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let value = format!("{}-{number}", std::process::id());
    command.env(MARK, &value);
    sys::chroot::own_session(command);
    format!("{MARK}={value}")
}

impl Family {
    /// The family of the process `first`.
    pub(super) fn new(mark: String, first: u32) -> Family {
        Family {
            mark,
            first,
            start: stat(first).map(|stat| stat.start),
            known: BTreeSet::new(),
        }
    }

    /// The members that are alive now.
    fn members(&mut self) -> Vec<Member> {
        let all: BTreeMap<u32, Stat> = processes();
        let mut members: BTreeMap<u32, Stat> = BTreeMap::new();
        loop {
            let is_new = |&(pid, stat): &(&u32, &Stat)| {
                !members.contains_key(pid) && self.belongs(*pid, stat, &members)
            };
            let more: Vec<_> = all.iter().filter(is_new).collect();
            if more.is_empty() {
                break;
            }
            members.extend(more.into_iter().map(|(pid, stat)| (*pid, stat.clone())));
        }
        self.known = members.iter().map(|(pid, s)| (*pid, s.start)).collect();
        members.into_iter().filter(|(_, s)| !s.is_dead()).collect()
    }

    fn belongs(&self, pid: u32, stat: &Stat, members: &BTreeMap<u32, Stat>) -> bool {
        pid == self.first && Some(stat.start) == self.start
            || stat.session == self.first
            || members.contains_key(&stat.parent)
            || self.known.contains(&(pid, stat.start))
            || std::fs::read(file(pid, "environ")).is_ok_and(|text| {
                text.split(|b| *b == 0)
                    .any(|word| word == self.mark.as_bytes())
            })
    }

    /// The signs of activity of all members.
    pub(super) fn signs(&mut self, printed: u64, disk: Option<&Path>) -> Signs {
        let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
        Signs {
            printed,
            processes: self
                .members()
                .into_iter()
                .map(|(pid, stat)| (pid, stat.ticks, read(&file(pid, "io"))))
                .collect(),
            disk: disk.map_or_else(Vec::new, |disk| super::silence::done(&read(disk))),
        }
    }

    /// Ends all of them: by SIGTERM, and after `grace` by SIGKILL. Returns
    /// descriptions of those that are still alive after another `grace`. `reap`
    /// is called again and again, to reap a child that nobody waits for.
    pub(super) fn end(&mut self, grace: Duration, mut reap: impl FnMut()) -> Vec<String> {
        for signal in [Signal::TERM, Signal::KILL] {
            let begin = Instant::now();
            let mut signalled = BTreeSet::new();
            loop {
                reap();
                let members = self.members();
                if members.is_empty() {
                    return Vec::new();
                }
                for (pid, stat) in members {
                    // SIGTERM is sent once to each, SIGKILL again and again: it may have
                    // forked again.
                    if signalled.insert((pid, stat.start)) || signal == Signal::KILL {
                        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
                        // It may have ended by now.
                        pid.map(|pid| kill_process(pid, signal));
                    }
                }
                if begin.elapsed() >= grace {
                    break;
                }
                std::thread::sleep(LOOK);
            }
        }
        self.members().iter().map(describe).collect()
    }

    /// The names of the living members.
    pub(super) fn names(&mut self) -> Vec<String> {
        let named = |(pid, stat): Member| format!("{} (process {pid})", stat.name);
        self.members().into_iter().map(named).collect()
    }
}

/// A process that cannot be ended, and what it waits for.
fn describe((pid, stat): &Member) -> String {
    let place = std::fs::read_to_string(file(*pid, "wchan")).unwrap_or_default();
    let place = match place.trim() {
        "" | "0" => String::new(),
        place => format!(" in {place}"),
    };
    format!(
        "{} (process {pid}, state {}, waits{place})",
        stat.name, stat.state
    )
}

fn file(pid: u32, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{name}"))
}

/// All processes of the system; one that ends meanwhile is left out.
fn processes() -> BTreeMap<u32, Stat> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return BTreeMap::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, stat(pid)?)))
        .collect()
}

fn stat(pid: u32) -> Option<Stat> {
    let text = std::fs::read(file(pid, "stat")).ok()?;
    Stat::parse(&String::from_utf8_lossy(&text))
}
