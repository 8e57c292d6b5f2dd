// SPDX-License-Identifier: MIT OR Apache-2.0
//! GRUB's own commands, as far as they matter for what starts.

use super::expression::{Question, evaluate};
use super::names::{DEPENDS, ENDS, HARMLESS, LOADERS, has};
use super::number::unsigned;
use super::options::{Known, Value, parse};
use super::run::{FAILED, FALSE, Interpreter, Stop};
use super::state::{Raw, Scope};
use super::{ConfigError, Dialect, Kernel, Note};
use crate::grub::files::{GrubPath, Node, Search};
use crate::grub::script::Source;

const MENUENTRY: [Known; 6] = [
    ("class", ' ', Value::Required),
    ("users", ' ', Value::Optional),
    ("hotkey", ' ', Value::Required),
    ("source", ' ', Value::Required),
    ("id", ' ', Value::Required),
    ("unrestricted", ' ', Value::No),
];

const SEARCH: [Known; 13] = [
    ("file", 'f', Value::No),
    ("label", 'l', Value::No),
    ("fs-uuid", 'u', Value::No),
    ("set", 's', Value::Optional),
    ("no-floppy", 'n', Value::No),
    ("efidisk-only", ' ', Value::No),
    ("root-dev-only", 'r', Value::No),
    ("hint", 'h', Value::Required),
    ("hint-ieee1275", ' ', Value::Required),
    ("hint-bios", ' ', Value::Required),
    ("hint-baremetal", ' ', Value::Required),
    ("hint-efi", ' ', Value::Required),
    ("hint-arc", ' ', Value::Required),
];

pub(super) fn status(success: bool) -> i32 {
    if success { 0 } else { FAILED }
}

impl Interpreter<'_> {
    /// Runs a command of GRUB's, if it is one; its status.
    pub(super) fn builtin(
        &mut self,
        name: &str,
        arguments: &[String],
        block: Option<&str>,
    ) -> Result<Option<i32>, ConfigError> {
        let first = arguments.first().map(String::as_str);
        Ok(Some(match name {
            "[" | "test" => self.test(arguments),
            "false" => FALSE,
            "set" => match first {
                None => 0,
                Some(text) => match text.split_once('=') {
                    Some((name, value)) => {
                        self.state.set(name, value);
                        0
                    }
                    None => FAILED,
                },
            },
            "unset" => {
                first.iter().for_each(|name| self.state.unset(name));
                status(first.is_some())
            }
            "export" => {
                arguments.iter().for_each(|name| self.state.export(name));
                status(first.is_some())
            }
            "increment" | "decrement" => self.count(arguments, name == "increment"),
            "load_env" => self.load_env(arguments),
            "save_env" => self.save_env(arguments)?,
            "search" => self.search(arguments),
            "search.file" | "search.fs_label" | "search.fs_uuid" => {
                let kind = name.strip_prefix("search.").unwrap_or_default();
                match first {
                    Some(id) => self.find(kind, id, arguments.get(1).map(String::as_str)),
                    None => FAILED,
                }
            }
            "source" | "." => {
                if let [path] = arguments {
                    self.source(path)?;
                }
                status(arguments.len() == 1)
            }
            "configfile" | "normal" => self.configfile(name, arguments)?,
            "menuentry" | "submenu" => self.menuentry(name, arguments, block)?,
            "blscfg" | "bls_import" => self.blscfg(arguments)?,
            "linux" | "linux16" | "linuxefi" => self.linux(name, arguments),
            "initrd" | "initrd16" | "initrdefi" => self.initrd(arguments),
            "eval" => self.units(&mut Source::block(&arguments.join(" ")))?,
            "break" | "continue" => self.leave_loops(name, arguments),
            "return" => self.leave_function(arguments),
            "shift" => self.shift(arguments),
            "setparams" => {
                if let Some(scope) = &mut self.state.scope {
                    *scope = Scope {
                        parameters: arguments.to_vec(),
                    };
                }
                0
            }
            _ if has(ENDS, name) => {
                self.stop = Some(Stop::Ended(name.into()));
                0
            }
            "chainloader" => self.chainloader(arguments),
            _ if has(LOADERS, name) => {
                self.other_loader(name, arguments);
                0
            }
            _ if has(HARMLESS, name) => 0,
            _ if has(DEPENDS, name) => {
                self.note(Note::NotEvaluated(name.into()));
                FALSE
            }
            _ => return Ok(None),
        }))
    }

    fn test(&mut self, arguments: &[String]) -> i32 {
        let dialect = self.dialect;
        let result = evaluate(arguments, dialect, &mut |question, path| {
            let Some(place) = self.place(path) else {
                return false;
            };
            let node = || self.files.node(&place);
            match question {
                Question::Exists => node().is_some(),
                Question::Directory => node() == Some(Node::Directory),
                Question::File => matches!(node(), Some(Node::File | Node::Link)),
                Question::NotEmpty => self.files.size(&place).is_some_and(|size| size > 0),
            }
        });
        match result {
            Some(true) => 0,
            Some(false) => FALSE,
            None => {
                self.note(Note::NotEvaluated(format!("[ {}", arguments.join(" "))));
                FALSE
            }
        }
    }

    fn count(&mut self, arguments: &[String], up: bool) -> i32 {
        let [name] = arguments else { return FAILED };
        let Some(old) = self.state.get(name) else {
            return FAILED;
        };
        let (digits, negative) = match old.strip_prefix('-') {
            Some(digits) => (digits, true),
            None => (old, false),
        };
        let Ok(value) = unsigned(digits, 0).value else {
            return FAILED;
        };
        let value = if negative {
            -i64::from(value)
        } else {
            i64::from(value)
        };
        let value = if up { value + 1 } else { value - 1 };
        self.state.set(name, value.to_string());
        0
    }

    fn search(&mut self, arguments: &[String]) -> i32 {
        let Some(options) = parse(&SEARCH, true, arguments) else {
            return FAILED;
        };
        let mut rest = options.rest.iter().skip_while(|a| a.starts_with("--hint-"));
        let variable = options.value("set");
        let (id, variable) = match (rest.next(), variable) {
            (Some(id), Some(variable)) => (id.as_str(), Some(variable)),
            (Some(id), None) => (id.as_str(), options.has("set").then_some("root")),
            (None, Some(id)) => (id, Some("root")),
            (None, None) => return FAILED,
        };
        let kinds = [
            ("label", "fs_label"),
            ("fs-uuid", "fs_uuid"),
            ("file", "file"),
        ];
        let kind = kinds.iter().find(|(option, _)| options.has(option));
        match kind {
            Some((_, kind)) => self.find(kind, id, variable),
            None => FAILED,
        }
    }

    fn find(&mut self, kind: &str, id: &str, variable: Option<&str>) -> i32 {
        let found = self.files.search(match kind {
            "fs_label" => Search::Label(id),
            "fs_uuid" => Search::Uuid(id),
            _ => Search::File(id),
        });
        if let (Some(device), Some(variable)) = (&found, variable) {
            self.state.set(variable, device.as_str());
        }
        status(found.is_some())
    }

    /// Reads a file that brings its own menu, which appears at once.
    fn configfile(&mut self, name: &str, arguments: &[String]) -> Result<i32, ConfigError> {
        let path = match (name, arguments) {
            (_, [path]) => path.clone(),
            ("normal", []) => format!("{}/grub.cfg", self.state.get("prefix").unwrap_or_default()),
            _ => return Ok(FAILED),
        };
        let own = name == "configfile";
        if own {
            self.state.open(self.dialect == Dialect::El9);
        }
        self.source(&path)?;
        if self.stop.is_none() && !self.state.menu().is_empty() {
            self.stop = Some(Stop::Menu);
        }
        if self.stop.is_none() && own {
            self.state.close();
        }
        Ok(0)
    }

    fn menuentry(
        &mut self,
        name: &str,
        arguments: &[String],
        block: Option<&str>,
    ) -> Result<i32, ConfigError> {
        let Some(options) = parse(&MENUENTRY, true, arguments) else {
            return Ok(FAILED);
        };
        let source = match (block, options.value("source")) {
            (Some(block), None) => block,
            (None, Some(source)) => source,
            _ => return Ok(FAILED),
        };
        let Some(title) = options.rest.first().cloned() else {
            return Ok(FAILED);
        };
        self.charge(source.len() + 256)?;
        let users = match options.value("users") {
            Some(users) => Some(users.to_string()),
            None if options.has("unrestricted") => None,
            None => Some(String::new()),
        };
        let entry = Raw {
            id: options.value("id").unwrap_or(&title).into(),
            title,
            users,
            submenu: name == "submenu",
            source: source.into(),
            parameters: options.rest,
        };
        self.state.add(entry);
        Ok(0)
    }

    fn linux(&mut self, name: &str, arguments: &[String]) -> i32 {
        let Some((path, words)) = arguments.split_first() else {
            return FAILED;
        };
        let Some(place) = self.existing(path) else {
            return FAILED;
        };
        self.state.loaded.other = None;
        self.state.loaded.chained = None;
        self.state.loaded.kernel = Some(Kernel {
            command: name.into(),
            place,
            words: words.to_vec(),
            initrds: Vec::new(),
        });
        0
    }

    fn other_loader(&mut self, name: &str, arguments: &[String]) {
        let words = [name].into_iter();
        let words = words.chain(arguments.iter().map(String::as_str));
        let words: Vec<&str> = words.collect();
        self.state.loaded.kernel = None;
        self.state.loaded.chained = None;
        self.state.loaded.other = Some(words.join(" "));
    }

    /// Starts a boot sector, which is a file or some blocks of a device. Where
    /// it cannot, what was loaded before stays (GRUB 2.02 to 2.12,
    /// loader/i386/pc/chainloader.c).
    fn chainloader(&mut self, arguments: &[String]) -> i32 {
        let is_option = |word: &&String| matches!(word.as_str(), "--force" | "--bpb");
        let options = arguments.iter().take_while(is_option).count();
        let Some(path) = arguments.get(options) else {
            return FAILED;
        };
        let within = match path.strip_prefix('(') {
            Some(rest) => rest.split_once(')').map_or("", |(_, within)| within),
            None => path,
        };
        // Blocks: `+1`, `(hd0)1+2`.
        if !within.starts_with('/') {
            self.other_loader("chainloader", arguments);
            return 0;
        }
        let Some(place) = self.existing(path) else {
            return FAILED;
        };
        let forced = arguments.iter().take(options).any(|word| word == "--force");
        let content = self.files.read(&place).unwrap_or_default();
        let whole = content.len() >= 512;
        if !whole || !forced && content.get(510..512) != Some(&[0x55, 0xaa]) {
            return FAILED;
        }
        self.other_loader("chainloader", arguments);
        self.state.loaded.chained = Some(place);
        0
    }

    fn initrd(&mut self, arguments: &[String]) -> i32 {
        let mut places = Vec::new();
        for path in arguments {
            // `newc:NAME:FILE` puts a file under a name.
            let path = match path.strip_prefix("newc:") {
                Some(rest) => rest.split_once(':').map_or(rest, |(_, file)| file),
                None => path,
            };
            match self.existing(path) {
                Some(place) => places.push(place),
                None => return FAILED,
            }
        }
        match &mut self.state.loaded.kernel {
            Some(kernel) if !places.is_empty() => {
                kernel.initrds = places;
                0
            }
            _ => FAILED,
        }
    }

    /// A file that is to be loaded.
    fn existing(&mut self, path: &str) -> Option<GrubPath> {
        let place = self.place(path).unwrap_or_else(|| GrubPath::new("", path));
        if self.files.size(&place).is_some() {
            return Some(place);
        }
        self.state.loaded.missing.push(place);
        None
    }
}
