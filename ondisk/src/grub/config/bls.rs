// SPDX-License-Identifier: MIT OR Apache-2.0
//! `blscfg`: entries from files in /loader/entries (commands/blscfg.c of
//! rhel-8 and rhel-9).

use super::bls_entry::{BlsEntry, insert, sorted_el8};
use super::run::{FAILED, Interpreter};
use super::state::{Raw, State};
use super::{ConfigError, Dialect};
use crate::grub::files::GrubPath;

/// Where the entries are, if no variable says otherwise.
const DIRECTORY: &str = "/loader/entries";

/// What its entry in the menu is.
fn menu_entry(entry: &BlsEntry, state: &State, dialect: Dialect) -> Option<Raw> {
    let kernel = entry.value("linux")?;
    let options = entry.value("options").and_then(|text| expand(text, state));
    let default = || expand(state.get("default_kernelopts")?, state);
    let options = options.or_else(default);
    let mut initrds = String::new();
    let early = state
        .get("early_initrd")
        .filter(|_| dialect != Dialect::El8);
    if let Some(early) = early {
        let beside = entry.value("initrd").unwrap_or(kernel);
        let directory = beside.rsplit_once('/').map_or("", |(d, _)| d);
        for name in early.split(' ') {
            initrds.push_str(&format!(" ($root){directory}/{name}"));
        }
    }
    for initrd in entry.values("initrd") {
        initrds.push_str(&format!(" ($root){initrd}"));
    }
    let mut source = String::new();
    if dialect != Dialect::El8 && state.get("save_default") == Some("true") {
        source.push_str("savedefault\n");
    }
    source.push_str("load_video\nset gfxpayload=keep\ninsmod gzio\nlinux ($root)");
    source.push_str(kernel);
    if let Some(options) = &options {
        source.push(' ');
        source.push_str(options);
    }
    source.push('\n');
    if !initrds.is_empty() {
        source.push_str(&format!("initrd{initrds}\n"));
    }
    let title = entry.value("title").unwrap_or(kernel).to_string();
    // Not options: GRUB takes them for further parameters.
    let arguments = entry.values("grub_arg").map(String::from);
    Some(Raw {
        id: entry
            .name
            .strip_suffix(".conf")
            .unwrap_or(&entry.name)
            .into(),
        users: entry
            .value("grub_users")
            .and_then(|text| expand(text, state)),
        submenu: false,
        source,
        parameters: [title.clone()].into_iter().chain(arguments).collect(),
        title,
    })
}

/// Replaces variables. GRUB puts a space behind each value; it loses a part
/// of one character, and all of a text that begins with two variables of
/// which the first is not set.
fn expand(text: &str, state: &State) -> Option<String> {
    let mut out: Option<String> = None;
    let bytes = text.as_bytes();
    let (mut start, mut end) = (0, 0);
    let mut variable = false;
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'$' && bytes.get(end) != Some(&b'\\') {
            if start != end {
                append(
                    &mut out,
                    text.get(start..at).unwrap_or_default(),
                    variable,
                    state,
                );
                out.as_ref()?;
            }
            variable = true;
            start = at + 1;
        } else if variable && !byte.is_ascii_alphanumeric() && *byte != b'_' {
            append(
                &mut out,
                text.get(start..at).unwrap_or_default(),
                true,
                state,
            );
            variable = false;
            start = at + usize::from(*byte == b' ');
        }
        end = at;
    }
    if start != end {
        append(
            &mut out,
            text.get(start..).unwrap_or_default(),
            variable,
            state,
        );
    }
    out
}

/// Appends a part, or the value of the variable of that name.
fn append(out: &mut Option<String>, part: &str, variable: bool, state: &State) {
    if !variable {
        out.get_or_insert_default().push_str(part);
    } else if let Some(value) = state.get(part) {
        let out = out.get_or_insert_default();
        out.push_str(value);
        out.push(' ');
    }
}
impl Interpreter<'_> {
    /// Reads the entries and puts those that are asked for into the menu.
    pub(super) fn blscfg(&mut self, arguments: &[String]) -> Result<i32, ConfigError> {
        let argument = match arguments {
            [one] if self.dialect != Dialect::El8 => Some(one.as_str()),
            _ => None,
        };
        let path = argument.filter(|a| a.starts_with('('));
        let directory = match path.and_then(|path| self.place(path)) {
            Some(place) => place,
            None => {
                let own = self.state.get("blsdir").unwrap_or(DIRECTORY);
                match self.place(own) {
                    Some(place) => place,
                    None => return Ok(FAILED),
                }
            }
        };
        let mut found = self.bls_files(&directory)?;
        // EL 8 looks once more if nothing was found, EL 9 if it could not look.
        let again = match self.dialect {
            Dialect::El8 => found.as_ref().is_none_or(Vec::is_empty),
            _ => found.is_none() && path.is_none(),
        };
        if again {
            let other = GrubPath::new(&directory.device, &format!("/boot{DIRECTORY}"));
            found = self.bls_files(&other)?;
        }
        let found = found.unwrap_or_default();
        if self.dialect == Dialect::El8 {
            self.state.bls = sorted_el8(found);
        } else {
            for entry in found {
                insert(&mut self.state.bls, entry);
            }
        }
        let default = self.state.get("default").map(String::from);
        for number in 0..self.state.bls.len() {
            let Some(entry) = self.state.bls.get_mut(number) else {
                break;
            };
            let is_default = || {
                let default = default.as_deref()?;
                let title = entry.value("title");
                let number_is = super::number::unsigned(default, 0).value == Ok(number as u32);
                Some(default == entry.name || title == Some(default) || number_is)
            };
            let wanted = match argument {
                Some("default") => is_default() == Some(true),
                Some("non-default") => is_default() != Some(true),
                Some(id) if path.is_none() => id == entry.name,
                _ => true,
            };
            if !wanted || std::mem::replace(&mut entry.visible, true) {
                continue;
            }
            let raw = menu_entry(&entry.clone(), &self.state, self.dialect);
            if let Some(raw) = raw {
                self.charge(raw.source.len())?;
                self.state.add(raw);
            }
        }
        if self.dialect == Dialect::El8 {
            self.state.bls.clear();
        }
        Ok(0)
    }

    /// The entries of a directory, if there is one.
    fn bls_files(&mut self, directory: &GrubPath) -> Result<Option<Vec<BlsEntry>>, ConfigError> {
        let Some(names) = self.files.list(directory) else {
            return Ok(None);
        };
        let mut entries = Vec::new();
        for file in names {
            let stem = file.strip_suffix(".conf").filter(|stem| !stem.is_empty());
            let Some(stem) = stem.filter(|stem| !stem.starts_with('.')) else {
                continue;
            };
            let place = directory.join(&file);
            let Some(content) = self.files.read(&place) else {
                continue;
            };
            self.charge(content.len())?;
            let inside = stem.strip_suffix(".conf").unwrap_or(stem);
            if inside.contains(".conf") {
                return Err(ConfigError::Hangs(place));
            }
            entries.push(BlsEntry::parse(stem, &String::from_utf8_lossy(&content)));
        }
        Ok(Some(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_in_values() {
        let mut state = State::default();
        state.set("kernelopts", "root=/dev/vda1 ro");
        state.set("x", "1");
        let of = |text| expand(text, &state);
        assert_eq!(of("root=UUID=1 ro").as_deref(), Some("root=UUID=1 ro"));
        assert_eq!(of("$kernelopts").as_deref(), Some("root=/dev/vda1 ro "));
        let more = of("$kernelopts $tuned quiet").unwrap();
        assert_eq!(more, "root=/dev/vda1 ro quiet");
        assert_eq!(of("a\\$kernelopts").as_deref(), Some("a\\$kernelopts"));
        assert_eq!(of("$grub_users"), None);
        // As GRUB does it.
        assert_eq!(of("$unset$kernelopts"), None);
        assert_eq!(of("$x quiet").as_deref(), Some("1 quiet"));
        assert_eq!(of("$x"), None);
        assert_eq!(of("r"), None);
        assert_eq!(of(""), None);
    }
}
