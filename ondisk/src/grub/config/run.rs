// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs scripts (GRUB 2.06, script/execute.c and normal/main.c).

use super::state::{Loops, Scope, State};
use super::{ConfigError, Dialect, Note, Saved, Start, words};
use crate::grub::files::{Files, GrubPath};
use crate::grub::script::{Command, List, Source, Word, parse};
use std::rc::Rc;

/// Commands that one evaluation may run.
const STEPS: usize = 200_000;
/// Bytes that it may handle altogether.
const BYTES: usize = 64 << 20;
/// How deep commands, functions and files may lie in each other.
const DEPTH: usize = 100;
/// The longest configuration file, and the longest value of a variable.
const FILE: usize = 4 << 20;
/// More notes than anybody reads.
const NOTES: usize = 200;

/// Variables that GRUB sets itself, and hands to every menu.
const FEATURES: [&str; 11] = [
    "feature_chainloader_bpb",
    "feature_ntldr",
    "feature_platform_search_hint",
    "feature_default_font_path",
    "feature_all_video_module",
    "feature_menuentry_id",
    "feature_menuentry_options",
    "feature_200_final",
    "feature_nativedisk_cmd",
    "feature_timeout_style",
    "feature_net_search_cfg",
];

/// The status of a command that says no.
pub(super) const FALSE: i32 = 1;
/// The status of a command that fails.
pub(super) const FAILED: i32 = 2;

/// Why nothing more is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// The menu of the context that is open appears.
    Menu,
    /// A command that ends GRUB.
    Ended(String),
}

/// GRUB while it runs.
pub(super) struct Interpreter<'a> {
    pub files: &'a dyn Files,
    pub dialect: Dialect,
    pub state: State,
    pub stop: Option<Stop>,
    pub read: Vec<GrubPath>,
    pub saved: Vec<Saved>,
    pub notes: Vec<Note>,
    steps: usize,
    bytes: usize,
    depth: usize,
    /// The file or entry that runs.
    place: String,
}

impl<'a> Interpreter<'a> {
    /// GRUB in its normal mode, before it reads its configuration.
    pub fn new(files: &'a dyn Files, start: &Start) -> Interpreter<'a> {
        let mut state = State::default();
        let directory = GrubPath::new(&start.device, &start.directory).to_string();
        let own = [
            ("root", start.device.as_str()),
            ("prefix", &directory),
            ("cmdpath", ""),
            ("grub_cpu", "i386"),
            ("grub_platform", "pc"),
        ];
        for (name, value) in own.into_iter().chain(FEATURES.map(|name| (name, "y"))) {
            state.set(name, value);
            state.export(name);
        }
        Interpreter {
            files,
            dialect: start.dialect,
            state,
            stop: None,
            read: Vec::new(),
            saved: Vec::new(),
            notes: Vec::new(),
            steps: STEPS,
            bytes: BYTES,
            depth: 0,
            place: String::new(),
        }
    }

    pub fn limit(&self, what: &'static str) -> ConfigError {
        let place = self.place.clone();
        ConfigError::Limit { what, place }
    }

    /// Counts bytes that are handled.
    pub fn charge(&mut self, bytes: usize) -> Result<(), ConfigError> {
        self.bytes = match self.bytes.checked_sub(bytes) {
            Some(left) => left,
            None => return Err(self.limit("large")),
        };
        Ok(())
    }

    pub fn note(&mut self, note: Note) {
        if self.notes.len() < NOTES && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Where a path leads: `(device)/path`, or a path on `$root`.
    pub fn place(&self, path: &str) -> Option<GrubPath> {
        if let Some(rest) = path.strip_prefix('(') {
            let (device, path) = rest.split_once(')')?;
            return Some(GrubPath::new(device, path));
        }
        let root = self.state.get("root").filter(|root| !root.is_empty())?;
        Some(GrubPath::new(root, path))
    }

    /// Reads a file that GRUB may have written itself.
    pub fn content(&self, place: &GrubPath) -> Option<Vec<u8>> {
        let written = self.state.blocks.get(place).cloned();
        written.or_else(|| self.files.read(place))
    }

    /// Runs a configuration file. Whether there is one.
    pub fn source(&mut self, path: &str) -> Result<bool, ConfigError> {
        let Some(place) = self.place(path) else {
            return Ok(false);
        };
        let Some(content) = self.content(&place) else {
            return Ok(false);
        };
        self.charge(content.len())?;
        if content.len() > FILE {
            return Err(self.limit("large"));
        }
        self.read.push(place.clone());
        let text = String::from_utf8_lossy(&content);
        let name = place.to_string();
        let directory = name.rsplit_once('/').map_or("", |(d, _)| d).to_string();
        let own = [
            ("config_file", name.clone()),
            ("config_directory", directory),
        ];
        let before = own
            .clone()
            .map(|(n, _)| self.state.get(n).map(String::from));
        for (variable, value) in &own {
            self.state.set(variable, value.as_str());
            self.state.export(variable);
        }
        let outer = std::mem::replace(&mut self.place, name);
        self.enter()?;
        self.units(&mut Source::file(&text))?;
        self.depth -= 1;
        self.place = outer;
        // Once a menu has appeared, the context that is open is another one.
        if self.stop.is_none() {
            for ((variable, _), value) in own.iter().zip(before) {
                match value {
                    Some(value) => self.state.set(variable, value),
                    None => self.state.unset(variable),
                }
            }
        }
        Ok(true)
    }

    /// Runs the body of an entry with its own parameters.
    pub fn run_block(
        &mut self,
        text: &str,
        parameters: Vec<String>,
        title: &str,
    ) -> Result<i32, ConfigError> {
        self.charge(text.len())?;
        let scope = self.state.scope.replace(Scope { parameters });
        self.state.loops = Loops::default();
        let outer = std::mem::replace(&mut self.place, format!("the entry {title:?}"));
        self.enter()?;
        let status = self.units(&mut Source::block(text))?;
        self.depth -= 1;
        self.place = outer;
        self.state.scope = scope;
        Ok(status)
    }

    /// Runs unit after unit; the status of the last that was not empty.
    pub fn units(&mut self, source: &mut Source<'_>) -> Result<i32, ConfigError> {
        let mut status = 0;
        while !source.is_empty() && self.stop.is_none() {
            let mut functions = Vec::new();
            let unit = parse(source, &mut functions);
            for function in functions {
                self.state.functions.insert(function.name, function.body);
            }
            match unit {
                Ok(list) if list.is_empty() => {}
                Ok(list) => status = self.list(&list)?,
                Err(error) => {
                    let place = self.place.clone();
                    let (line, found) = (error.line, error.found);
                    self.note(Note::Syntax { place, line, found });
                    status = FAILED;
                }
            }
        }
        Ok(status)
    }

    fn enter(&mut self) -> Result<(), ConfigError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.limit("deeply nested"));
        }
        Ok(())
    }

    fn list(&mut self, list: &List) -> Result<i32, ConfigError> {
        if list.is_empty() {
            return Ok(0);
        }
        self.enter()?;
        let mut status = 0;
        for command in list {
            if self.state.loops.breaks > 0 || self.stop.is_some() {
                break;
            }
            status = self.command(command)?;
            self.state.set("?", status.to_string());
            if self.state.loops.function_return {
                break;
            }
        }
        self.state.set("?", status.to_string());
        self.depth -= 1;
        Ok(status)
    }

    fn command(&mut self, command: &Command) -> Result<i32, ConfigError> {
        self.steps = match self.steps.checked_sub(1) {
            Some(left) => left,
            None => return Err(self.limit("long")),
        };
        match command {
            Command::Simple { words, block } => self.simple(words, block.as_deref()),
            Command::If { arms, otherwise } => {
                for (condition, body) in arms {
                    let status = self.list(condition)?;
                    if self.state.loops.function_return || self.stop.is_some() {
                        return Ok(status);
                    }
                    if self.state.get("?") == Some("0") {
                        return self.list(body);
                    }
                }
                self.list(otherwise)
            }
            Command::For { name, words, body } => self.for_loop(name, words, body),
            Command::While {
                until,
                condition,
                body,
            } => self.while_loop(*until, condition, body),
        }
    }

    fn for_loop(&mut self, name: &str, words: &[Word], body: &List) -> Result<i32, ConfigError> {
        let values = self.expand(words)?;
        self.state.loops.active += 1;
        let mut status = 0;
        for value in values {
            let loops = &mut self.state.loops;
            if loops.is_continue && loops.breaks == 1 {
                loops.breaks = 0;
            }
            if loops.breaks > 0 || self.stop.is_some() {
                break;
            }
            self.state.set(name, value);
            status = self.list(body)?;
            if self.state.loops.function_return {
                break;
            }
        }
        self.end_loop();
        Ok(status)
    }

    fn while_loop(
        &mut self,
        until: bool,
        condition: &List,
        body: &List,
    ) -> Result<i32, ConfigError> {
        self.state.loops.active += 1;
        let mut status;
        loop {
            status = self.list(condition)?;
            let returned = self.state.loops.function_return || self.stop.is_some();
            if returned || (status == 0) == until {
                break;
            }
            status = self.list(body)?;
            if self.state.loops.function_return || self.stop.is_some() {
                break;
            }
            let loops = &mut self.state.loops;
            if loops.is_continue && loops.breaks == 1 {
                loops.breaks = 0;
            }
            if loops.breaks > 0 {
                break;
            }
        }
        self.end_loop();
        Ok(status)
    }

    fn end_loop(&mut self) {
        let loops = &mut self.state.loops;
        loops.breaks = loops.breaks.saturating_sub(1);
        loops.active = loops.active.saturating_sub(1);
    }

    pub fn expand(&mut self, words: &[Word]) -> Result<Vec<String>, ConfigError> {
        let (arguments, pattern) = words::expand(words, &self.state);
        self.charge(arguments.iter().map(|a| a.len() + 32).sum())?;
        if arguments.iter().any(|a| a.len() > FILE) {
            return Err(self.limit("large"));
        }
        if pattern {
            self.note(Note::Pattern(arguments.join(" ")));
        }
        Ok(arguments)
    }

    fn simple(&mut self, words: &[Word], block: Option<&str>) -> Result<i32, ConfigError> {
        let arguments = self.expand(words)?;
        let (invert, arguments) = match arguments.split_first() {
            Some((first, rest)) if first == "!" => (true, rest),
            _ => (false, &arguments[..]),
        };
        let Some((name, arguments)) = arguments.split_first() else {
            return Ok(if invert { FAILED } else { 0 });
        };
        let status = match self.builtin(name, arguments, block)? {
            Some(status) => status,
            None => match self.state.functions.get(name).cloned() {
                Some(body) => self.call(&body, arguments)?,
                None => {
                    match name.split_once('=') {
                        Some((variable, value)) => self.assign(variable, value),
                        None => self.note(Note::Unknown(name.clone())),
                    }
                    // GRUB goes on as if it had been done.
                    return Ok(0);
                }
            },
        };
        Ok(match (invert, status) {
            (false, status) => status,
            (true, 0) => FALSE,
            (true, _) => 0,
        })
    }

    fn assign(&mut self, name: &str, value: &str) {
        let special = name.starts_with(|c: char| c.is_ascii_digit());
        if !special && !matches!(name, "#" | "*" | "@") {
            self.state.set(name, value);
        }
    }

    fn call(&mut self, body: &Rc<List>, arguments: &[String]) -> Result<i32, ConfigError> {
        let parameters = arguments.to_vec();
        let scope = self.state.scope.replace(Scope { parameters });
        let active = std::mem::take(&mut self.state.loops.active);
        let status = self.list(body)?;
        self.state.loops.function_return = false;
        self.state.loops.active = active;
        self.state.scope = scope;
        Ok(status)
    }
}
