// SPDX-License-Identifier: MIT OR Apache-2.0
//! The `log` crate's messages, sent to the [`Reporter`].

use super::Reporter;
use log::{Level, LevelFilter, Log, Metadata, Record};

struct Logger(std::sync::Mutex<Reporter>);

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.level() <= Level::Debug
    }

    fn log(&self, record: &Record) {
        let reporter = self.0.lock().unwrap_or_else(|e| e.into_inner()).clone();
        match record.level() {
            Level::Error | Level::Warn => reporter.line(&record.args().to_string()),
            _ => reporter.detail(&record.args().to_string()),
        }
    }

    fn flush(&self) {}
}

/// Sends errors and warnings of `log` to the consoles and the rest to the
/// log. Only the first call of a process has an effect.
pub fn install(reporter: &Reporter) {
    let logger = Logger(std::sync::Mutex::new(reporter.clone()));
    if log::set_boxed_logger(Box::new(logger)).is_ok() {
        log::set_max_level(LevelFilter::Debug);
    }
}
