// SPDX-License-Identifier: MIT OR Apache-2.0
//! grubenv: the variables that GRUB and the running system share.
//!
//! A file of exactly 1024 bytes, for GRUB writes it back through a block list
//! and cannot make it longer: the line `# GRUB Environment Block`, lines
//! `name=value` and comments, then `#` up to the end. In values, a backslash
//! stands before a backslash and before a newline (GRUB 2.06, lib/envblk.c).
//! Only read here: GRUB's own programs write it.

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
}

/// The variables of a grubenv, in the file's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Env {
    /// Names and values.
    variables: Vec<(Vec<u8>, Vec<u8>)>,
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
        let mut variables = Vec::new();
        // What is left of `#` alone is the fill.
        while rest.iter().any(|&b| b != b'#') {
            let at = SIZE - rest.len();
            let (line, after) = split_line(rest).ok_or(EnvError::Line(at))?;
            rest = after;
            if line.starts_with(b"#") {
                continue;
            }
            let equals = line
                .iter()
                .position(|&b| b == b'=')
                .ok_or(EnvError::Line(at))?;
            let (name, value) = line.split_at(equals);
            let value = value.get(1..value.len() - 1).ok_or(EnvError::Line(at))?;
            variables.push((name.to_vec(), unescape(value)));
        }
        Ok(Env { variables })
    }

    /// The value that GRUB gives the variable: the last one, should a name be
    /// there twice. Bytes that are not UTF-8 are replaced.
    pub fn get(&self, name: &str) -> Option<String> {
        let found = self.variables.iter().rev();
        found
            .filter(|(n, _)| n == name.as_bytes())
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .next()
    }
}

/// A line with its newline, and the rest. A newline after a backslash does
/// not end a line, except in a comment.
fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let comment = bytes.starts_with(b"#");
    let mut escaped = false;
    for (i, &b) in bytes.iter().enumerate() {
        if b == b'\n' && !escaped {
            return bytes.split_at_checked(i + 1);
        }
        escaped = !comment && b == b'\\' && !escaped;
    }
    None
}

fn unescape(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut bytes = value.iter();
    while let Some(&b) = bytes.next() {
        out.push(if b == b'\\' {
            bytes.next().copied().unwrap_or(b)
        } else {
            b
        });
    }
    out
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
}
