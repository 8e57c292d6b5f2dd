// SPDX-License-Identifier: MIT OR Apache-2.0
//! `load_env` and `save_env`.

use super::commands::status;
use super::options::{Known, Value, parse};
use super::run::{FAILED, Interpreter};
use super::{ConfigError, Note, Saved};
use crate::grub::env::block;
use crate::grub::files::GrubPath;

const ENVIRONMENT: [Known; 2] = [("file", 'f', Value::Required), ("skip-sig", 's', Value::No)];

impl Interpreter<'_> {
    /// The environment block that the options name, and the variables.
    fn environment(&self, arguments: &[String]) -> Option<(GrubPath, Vec<u8>, Vec<String>)> {
        let options = parse(&ENVIRONMENT, false, arguments)?;
        let place = match options.value("file") {
            Some(path) => self.place(path)?,
            None => self.place(self.state.get("prefix")?)?.join("grubenv"),
        };
        let content = self.content(&place)?;
        block::is_block(&content).then_some((place, content, options.rest))
    }

    pub(super) fn load_env(&mut self, arguments: &[String]) -> i32 {
        let Some((_, content, only)) = self.environment(arguments) else {
            return FAILED;
        };
        for (name, value) in block::variables(&content) {
            if only.is_empty() || only.contains(&name) {
                self.state.set(&name, value);
            }
        }
        0
    }

    pub(super) fn save_env(&mut self, arguments: &[String]) -> Result<i32, ConfigError> {
        let Some((place, mut content, names)) = self.environment(arguments) else {
            let place = "grubenv".to_string();
            let place = GrubPath::new(self.state.get("prefix").unwrap_or_default(), &place);
            let names = arguments.to_vec();
            self.note(Note::NotSaved { place, names });
            return Ok(FAILED);
        };
        self.charge(content.len())?;
        let mut done = !names.is_empty();
        for name in &names {
            match self.state.get(name) {
                Some(value) => {
                    let set = block::set(&mut content, name.as_bytes(), value.as_bytes());
                    done &= set.is_ok();
                }
                None => block::delete(&mut content, name.as_bytes()),
            }
        }
        if done {
            self.state.blocks.insert(place.clone(), content);
        } else {
            let (place, names) = (place.clone(), names.clone());
            self.note(Note::NotSaved { place, names });
        }
        self.saved.push(Saved { place, names, done });
        Ok(status(done))
    }
}
