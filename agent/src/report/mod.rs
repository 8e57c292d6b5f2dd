// SPDX-License-Identifier: MIT OR Apache-2.0
//! Progress and log, on every console and as JSON lines.
//!
//! One [`Reporter`] is shared by everything. A thread draws the current state
//! twice a second, so that the display moves even while a program in a chroot
//! prints nothing: people who see nothing move pull the plug.

mod json;
mod logger;
mod patient;
mod rate;
mod text;

pub use json::quote;
pub use logger::install;
pub use text::bytes;

use rate::Rate;
use rustix::fs::OFlags;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes; shown with a rate and the time left.
    Bytes,
    /// Other things, such as files.
    Items,
}

/// A step that runs.
#[derive(Debug, Clone)]
struct Running {
    number: usize,
    total: usize,
    name: &'static str,
    since: Instant,
    done: u64,
    goal: u64,
    unit: Unit,
    rate: Rate,
    activity: String,
}

/// Where reports go.
#[derive(Default)]
pub struct Sinks {
    /// A console; every line and the moving display.
    pub console: Option<Box<dyn Write + Send>>,
    pub kmsg: Option<File>,
    /// The log file: lines and details with times.
    pub log: Option<File>,
    pub json: Option<Box<dyn Write + Send>>,
    /// A number for /init that grows while the work gets on.
    pub progress: Option<File>,
    /// What the display says of switching the machine off; may be empty.
    pub note: &'static str,
}

struct State {
    sinks: Sinks,
    started: Instant,
    running: Option<Running>,
    /// Whether the console's cursor stands behind a display line.
    drawn: bool,
    spin: usize,
    /// Grows with the work that was done, not with the display.
    moves: u64,
    /// The value of `moves` that was last written for /init.
    said_moves: u64,
}

/// Takes lines, details and progress from everywhere; cheap to clone.
#[derive(Clone)]
pub struct Reporter {
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
}

impl Reporter {
    /// A reporter that draws until its last clone is dropped.
    pub fn new(sinks: Sinks) -> Reporter {
        let state = State {
            sinks,
            started: Instant::now(),
            running: None,
            drawn: false,
            spin: 0,
            moves: 0,
            said_moves: 0,
        };
        let reporter = Reporter {
            state: Arc::new(Mutex::new(state)),
            stop: Arc::new(AtomicBool::new(false)),
        };
        let state = Arc::downgrade(&reporter.state);
        let stop = Arc::clone(&reporter.stop);
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(500));
                let Some(state) = state.upgrade() else { return };
                let mut state = state.lock().unwrap_or_else(|e| e.into_inner());
                state.draw();
                state.tell_init();
            }
        });
        reporter
    }

    /// A reporter of the tiny system: standard output, the kernel's log, the
    /// log file `/run/replant/log`, and JSON lines on `json` (a name below /dev).
    /// `note` stands beside the progress.
    pub fn tiny(json: Option<&str>, note: &'static str) -> Reporter {
        let append = |path: &Path| File::options().append(true).create(true).open(path).ok();
        let device = |name: &str| {
            File::options()
                .write(true)
                .custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits() as i32)
                .open(Path::new("/dev").join(name))
        };
        let json = json.map(|name| (name, device(name)));
        let mut sinks = Sinks {
            console: Some(Box::new(std::io::stdout())),
            kmsg: device("kmsg").ok(),
            log: append(Path::new(crate::paths::LOG)),
            json: None,
            progress: File::create(crate::paths::PROGRESS).ok(),
            note,
        };
        let mut missing = None;
        match json {
            Some((_, Ok(file))) => sinks.json = Some(Box::new(patient::Patient::new(file))),
            Some((name, Err(error))) => {
                missing = Some(format!("warning: replant.json={name}: {error}"));
            }
            None => {}
        }
        let reporter = Reporter::new(sinks);
        if let Some(warning) = missing {
            reporter.line(&warning);
        }
        reporter
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// A line for the person in front of the machine; goes everywhere.
    pub fn line(&self, text: &str) {
        let mut state = self.state();
        state.moves = state.moves.wrapping_add(1);
        state.line(text);
    }

    /// What the display says from now on of switching the machine off.
    pub fn note(&self, note: &'static str) {
        self.state().sinks.note = note;
    }

    /// A line for the log only.
    pub fn detail(&self, text: &str) {
        self.state().log(text);
    }

    /// A step begins; its number counts from 1.
    pub fn begin(&self, number: usize, total: usize, name: &'static str) {
        let now = Instant::now();
        let mut state = self.state();
        state.moves = state.moves.wrapping_add(1);
        state.running = Some(Running {
            number,
            total,
            name,
            since: now,
            done: 0,
            goal: 0,
            unit: Unit::Items,
            rate: Rate::new(now),
            activity: String::new(),
        });
        state.log(&format!("step {number} of {total}, {name}, begins"));
        state.json(&json::begin(number, total, name));
        state.draw();
    }

    /// How far the running step is; `goal` 0 when nobody knows.
    pub fn progress(&self, done: u64, goal: u64, unit: Unit) {
        let mut state = self.state();
        let before = state.running.as_ref().map(|running| running.done);
        if before != Some(done) {
            state.moves = state.moves.wrapping_add(1);
        }
        if let Some(running) = &mut state.running {
            if (running.goal, running.unit) != (goal, unit) {
                running.rate = Rate::new(Instant::now());
            }
            (running.done, running.goal, running.unit) = (done, goal, unit);
            running.rate.count(Instant::now(), done);
        }
    }

    /// What the running step does at the moment, in a few words.
    pub fn activity(&self, text: &str) {
        let mut state = self.state();
        state.moves = state.moves.wrapping_add(1);
        if let Some(running) = &mut state.running {
            running.activity = text.trim().to_string();
        }
        state.log(text);
    }

    /// The running step is done.
    pub fn end(&self) {
        let mut state = self.state();
        let Some(running) = state.running.take() else {
            return;
        };
        let took = running.since.elapsed();
        let text = text::done(&running, took);
        state.line(&text);
        state.json(&json::end(running.number, running.name, took));
    }

    /// The running step failed.
    pub fn fail(&self, error: &str) {
        let mut state = self.state();
        if let Some(running) = state.running.take() {
            state.line(&text::failed(&running));
            state.json(&json::fail(running.number, running.name, error));
        }
        state.line(error);
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        // The last one but the drawing thread's weak reference.
        if Arc::strong_count(&self.state) == 1 {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

// A sink that cannot be written (a serial port unplugged, a log on a full
// tmpfs) must never stop a migration: errors of the sinks are dropped here,
// and only here.
impl State {
    fn line(&mut self, text: &str) {
        if let Some(console) = &mut self.sinks.console {
            let clear = if self.drawn { "\r\x1b[K" } else { "" };
            let _ = writeln!(console, "{clear}{text}");
            let _ = console.flush();
        }
        self.drawn = false;
        if let Some(kmsg) = &mut self.sinks.kmsg {
            for line in text.lines() {
                let _ = kmsg.write_all(format!("<6>replant: {line}\n").as_bytes());
            }
        }
        self.json(&json::line(text));
        self.log(text);
    }

    fn log(&mut self, text: &str) {
        let since = self.started.elapsed();
        let (seconds, millis) = (since.as_secs(), since.subsec_millis());
        if let Some(log) = &mut self.sinks.log {
            for line in text.lines() {
                let _ = log.write_all(format!("[{seconds:5}.{millis:03}] {line}\n").as_bytes());
            }
        }
    }

    fn tell_init(&mut self) {
        let Some(progress) = &self.sinks.progress else {
            return;
        };
        if self.said_moves != self.moves {
            self.said_moves = self.moves;
            // The length is fixed, so that no digit of an older number stays.
            let _ = progress.write_all_at(format!("{:020}\n", self.moves).as_bytes(), 0);
        }
    }

    fn json(&mut self, line: &str) {
        if let Some(json) = &mut self.sinks.json {
            let _ = json.write_all(line.as_bytes());
            let _ = json.flush();
        }
    }

    fn draw(&mut self) {
        let Some(running) = &self.running else { return };
        self.spin = self.spin.wrapping_add(1);
        let text = text::moving(running, Instant::now(), self.spin, self.sinks.note);
        let progress = json::progress(running, Instant::now());
        if let Some(console) = &mut self.sinks.console {
            let _ = write!(console, "\r{text}\x1b[K");
            let _ = console.flush();
            self.drawn = true;
        }
        self.json(&progress);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    struct Tap(mpsc::Sender<Vec<u8>>);

    impl Write for Tap {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.send(bytes.to_vec()).ok();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn drain(receiver: &mpsc::Receiver<Vec<u8>>) -> String {
        String::from_utf8(receiver.try_iter().flatten().collect()).unwrap()
    }

    #[test]
    fn a_step_moves_on_the_console_without_any_news() {
        let (sender, console) = mpsc::channel();
        let (json_sender, json) = mpsc::channel();
        let reporter = Reporter::new(Sinks {
            console: Some(Box::new(Tap(sender))),
            json: Some(Box::new(Tap(json_sender))),
            note: "Do not switch off",
            ..Sinks::default()
        });
        reporter.line("hello");
        assert_eq!(drain(&console), "hello\n");
        reporter.begin(8, 11, "unpack");
        reporter.progress(50, 100, Unit::Bytes);
        drain(&console);
        let mut shown = String::new();
        while shown.matches('\r').count() < 2 {
            let drawn = console.recv_timeout(Duration::from_secs(60)).unwrap();
            shown += &String::from_utf8(drawn).unwrap();
        }
        assert!(
            shown.contains("[ 8/11] unpack") && shown.contains("50 %"),
            "{shown:?}"
        );
        assert!(shown.contains("Do not switch off"), "{shown:?}");
        reporter.end();
        // It may have been drawn once more before.
        let shown = drain(&console);
        assert!(
            shown.contains("\r\x1b[K[ 8/11] unpack") && shown.ends_with('\n'),
            "{shown:?}"
        );
        for line in drain(&json).lines() {
            assert!(
                line.starts_with("{\"event\":\"") && line.ends_with('}'),
                "{line}"
            );
        }
    }
}
