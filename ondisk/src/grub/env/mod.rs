// SPDX-License-Identifier: MIT OR Apache-2.0
//! grubenv: the variables that GRUB and the running system share.
//!
//! A file of exactly 1024 bytes, for GRUB writes it back through a block list
//! and cannot make it longer: the line `# GRUB Environment Block`, lines
//! `name=value` and comments, then `#` up to the end. In values, a backslash
//! stands before a backslash and before a newline (GRUB 2.06, lib/envblk.c).
//! [`Env`] takes only what GRUB and its programs can both read and write;
//! [`block`] reads whatever GRUB reads.

pub(super) mod block;

use block::SetError;

/// Size of the file in bytes.
const SIZE: usize = 1024;
/// The first line, by which GRUB knows the file.
const SIGNATURE: &[u8] = b"# GRUB Environment Block\n";

/// Why a grubenv cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvError {
    /// GRUB could not write it back.
    #[error(
        "grubenv has {0} bytes where GRUB needs exactly 1024; make it anew: grub-editenv FILE create"
    )]
    Size(usize),
    /// Not a grubenv.
    #[error(
        "grubenv does not start with \"# GRUB Environment Block\"; make it anew: grub-editenv FILE create"
    )]
    Signature,
    /// A line without its end, or neither comment nor variable.
    #[error("grubenv is damaged at byte {0}; make it anew: grub-editenv FILE create")]
    Line(usize),
    /// No place for a variable, or none to take it away again.
    #[error(
        "grubenv is full: {name} needs {need} bytes of its fill of \"#\", and {room} are free; \
         unset a variable that nothing needs, or make it anew: grub-editenv FILE create"
    )]
    Full {
        /// The variable.
        name: String,
        /// Bytes that it needs, and that GRUB needs to take it away again.
        need: usize,
        /// Bytes that are free.
        room: usize,
    },
    /// GRUB reads the last of several values and changes the first.
    #[error(
        "grubenv has {0} more than once, so that GRUB could not change it; make it anew: \
         grub-editenv FILE create"
    )]
    Twice(String),
    /// A name that would be read as something else.
    #[error("{0:?} is no name for a variable in grubenv")]
    Name(String),
}

/// The variables of a grubenv, in the file's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Env {
    /// The file.
    bytes: Vec<u8>,
}

impl Env {
    /// Reads a file's content.
    ///
    /// # Errors
    /// Everything that would make GRUB fail to read it or to write it back.
    pub fn parse(file: &[u8]) -> Result<Env, EnvError> {
        if file.len() != SIZE {
            return Err(EnvError::Size(file.len()));
        }
        let mut rest = file.strip_prefix(SIGNATURE).ok_or(EnvError::Signature)?;
        // What is left of `#` alone is the fill.
        while rest.iter().any(|&b| b != b'#') {
            let at = SIZE - rest.len();
            let (line, after) = split_line(rest).ok_or(EnvError::Line(at))?;
            rest = after;
            if !line.starts_with(b"#") && !line.contains(&b'=') {
                return Err(EnvError::Line(at));
            }
        }
        let bytes = file.to_vec();
        Ok(Env { bytes })
    }

    /// Names and values as GRUB loads them, one after the other.
    pub fn variables(&self) -> Vec<(String, String)> {
        block::variables(&self.bytes)
    }

    /// The value that GRUB gives the variable: the last one, should a name be
    /// there twice. Bytes that are not UTF-8 are replaced.
    pub fn get(&self, name: &str) -> Option<String> {
        let mut found = self.variables().into_iter().rev();
        found.find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// The file's content.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes of fill, which new variables can have.
    pub fn room(&self) -> usize {
        self.bytes.iter().rev().take_while(|&&b| b == b'#').count()
    }

    /// Changes a variable as `grub-editenv FILE set NAME=VALUE` does.
    ///
    /// # Errors
    /// No room, and what makes the change ineffective. Nothing is changed then.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), EnvError> {
        let odd = |b: u8| matches!(b, b'=' | b'\n' | b'\\');
        if name.is_empty() || name.starts_with('#') || name.bytes().any(odd) {
            return Err(EnvError::Name(name.into()));
        }
        if self.variables().iter().filter(|v| v.0 == name).count() > 1 {
            return Err(EnvError::Twice(name.into()));
        }
        let mut bytes = self.bytes.clone();
        block::set(&mut bytes, name.as_bytes(), value.as_bytes()).map_err(|e| match e {
            SetError::Broken(at) => EnvError::Line(at),
            SetError::Full { need, room } => EnvError::Full {
                name: name.into(),
                need,
                room,
            },
        })?;
        self.bytes = bytes;
        Ok(())
    }

    /// Sets a variable that GRUB itself shall empty again, like `next_entry`.
    /// GRUB before 2.06 damages the block when a value becomes shorter and
    /// not twice its length is free, so that room is asked for, too.
    ///
    /// # Errors
    /// As [`Env::set`].
    pub fn set_once(&mut self, name: &str, value: &str) -> Result<(), EnvError> {
        let mut armed = self.clone();
        armed.set(name, value)?;
        let need = 2 * block::escaped_length(value.as_bytes());
        let room = armed.room();
        if room < need {
            return Err(EnvError::Full {
                name: name.into(),
                need: need + self.room().saturating_sub(room),
                room: self.room(),
            });
        }
        *self = armed;
        Ok(())
    }

    /// Takes a variable away as `grub-editenv FILE unset NAME` does: the first
    /// one of that name.
    pub fn unset(&mut self, name: &str) {
        block::delete(&mut self.bytes, name.as_bytes());
    }
}

/// A line with its newline, and the rest. A newline after a backslash does
/// not end a line, not even in a comment.
fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut escaped = false;
    for (i, &b) in bytes.iter().enumerate() {
        if b == b'\n' && !escaped {
            return bytes.split_at_checked(i + 1);
        }
        escaped = b == b'\\' && !escaped;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &str) -> Vec<u8> {
        let mut file = content.as_bytes().to_vec();
        file.resize(SIZE, b'#');
        file
    }

    fn value(content: &str, name: &str) -> Option<String> {
        Env::parse(&file(content)).unwrap().get(name)
    }

    #[test]
    fn variables() {
        let text = "# GRUB Environment Block\nsaved_entry=2\n# a=1\nx=a\\\\b\\\nc=d\nempty=\n";
        assert_eq!(value(text, "saved_entry").as_deref(), Some("2"));
        assert_eq!(value(text, "x").as_deref(), Some("a\\b\nc=d"));
        assert_eq!(value(text, "empty").as_deref(), Some(""));
        assert_eq!(value(text, "a"), None);
        assert_eq!(value(text, "saved"), None);
    }

    /// load_env sets one after the other, so the last one stays.
    #[test]
    fn of_two_values_the_last_counts() {
        let text = "# GRUB Environment Block\nnext_entry=\nnext_entry=other\n";
        assert_eq!(value(text, "next_entry").as_deref(), Some("other"));
    }

    #[test]
    fn a_full_block_has_no_fill() {
        let room = SIZE - SIGNATURE.len() - "a=\n".len();
        let text = format!("# GRUB Environment Block\na={}\n", "v".repeat(room));
        assert_eq!(text.len(), SIZE);
        assert_eq!(value(&text, "a"), Some("v".repeat(room)));
    }

    #[test]
    fn what_grub_could_not_use() {
        let good = file("# GRUB Environment Block\n");
        assert_eq!(Env::parse(&good[..1023]), Err(EnvError::Size(1023)));
        assert_eq!(
            Env::parse(&[&good[..], b"#"].concat()),
            Err(EnvError::Size(1025))
        );
        assert_eq!(Env::parse(&[0; SIZE]), Err(EnvError::Signature));
        let line = file("# GRUB Environment Block\nno variable\n");
        assert_eq!(Env::parse(&line), Err(EnvError::Line(25)));
        let open = file("# GRUB Environment Block\na=b");
        assert_eq!(Env::parse(&open), Err(EnvError::Line(25)));
    }

    fn room(content: &str) -> (Env, usize) {
        let env = Env::parse(&file(content)).unwrap();
        let room = env.room();
        (env, room)
    }

    #[test]
    fn a_block_without_room_is_said_to_be_full() {
        // One that is full, and one whose fill ends with a newline, so that
        // it is a comment.
        let value = "v".repeat(SIZE - SIGNATURE.len() - "a=\n".len() - 3);
        let (mut env, free) = room(&format!("# GRUB Environment Block\na={value}\n"));
        assert_eq!(free, 3);
        let full = |need, room| {
            let name = "next_entry".to_string();
            Err(EnvError::Full { name, need, room })
        };
        assert_eq!(env.set("next_entry", "x"), full(13, 3));
        let mut bytes = file("# GRUB Environment Block\nsaved_entry=0\n");
        bytes[SIZE - 1] = b'\n';
        let mut env = Env::parse(&bytes).unwrap();
        assert_eq!(env.set("next_entry", "x"), full(13, 0));
        assert_eq!(env.bytes(), bytes);
    }

    #[test]
    fn what_is_set_once_can_be_taken_away_by_every_grub() {
        let rest = "next_entry=12345678\n".len();
        for (fill, fits) in [(rest, false), (rest + 15, false), (rest + 16, true)] {
            let value = "v".repeat(SIZE - SIGNATURE.len() - "a=\n".len() - fill);
            let (mut env, _) = room(&format!("# GRUB Environment Block\na={value}\n"));
            assert!(env.clone().set("next_entry", "12345678").is_ok());
            assert_eq!(
                env.set_once("next_entry", "12345678").is_ok(),
                fits,
                "{fill}"
            );
            assert_eq!(env.get("next_entry").is_some(), fits);
        }
    }

    #[test]
    fn a_variable_that_is_there_twice_cannot_be_changed() {
        let text = "# GRUB Environment Block\nnext_entry=\nx=1\nnext_entry=other\n";
        let (mut env, _) = room(text);
        assert_eq!(
            env.set("next_entry", "a"),
            Err(EnvError::Twice("next_entry".into()))
        );
        env.set("x", "2").unwrap();
        assert_eq!(env.set("a=b", "c"), Err(EnvError::Name("a=b".into())));
        env.unset("next_entry");
        env.set("next_entry", "a").unwrap();
        assert_eq!(env.get("next_entry").as_deref(), Some("a"));
    }
}
