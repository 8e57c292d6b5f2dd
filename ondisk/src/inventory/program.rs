// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether a program of the new system can be started: its form, and the
//! interpreter that it names (`fs/binfmt_elf.c`, `fs/binfmt_script.c`).

use super::tree::{Format, Node, Tree};
use crate::numbers::{u16_at, u32_at};
use crate::pax::Name;

pub(super) const NOT_EXECUTABLE: Format = Format::Closed;

/// Where programs are looked for in the new system, from its root.
pub const PATH: [&str; 6] = [
    "usr/local/sbin",
    "usr/local/bin",
    "usr/sbin",
    "usr/bin",
    "sbin",
    "bin",
];

/// Interpreters of interpreters that the kernel follows.
const DEPTH: usize = 5;

/// The first bytes of a file.
#[derive(Debug, Default)]
pub(super) struct Head(Vec<u8>);

/// Program headers and the interpreter's name stand in the first page.
const HEAD: usize = 4096;
/// What the kernel reads of a script (BINPRM_BUF_SIZE).
const LINE: usize = 256;

impl Head {
    /// Data at an offset of the file; what lies between is a hole.
    pub(super) fn take(&mut self, offset: u64, bytes: &[u8]) {
        let Ok(offset) = usize::try_from(offset) else {
            return;
        };
        if offset >= HEAD {
            return;
        }
        self.0.resize(offset.max(self.0.len()), 0);
        let room = HEAD.saturating_sub(self.0.len());
        self.0.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// The first page, or what there is of it.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn format(&self) -> Format {
        if self.0.starts_with(b"\x7fELF") {
            elf(&self.0).unwrap_or(Format::None)
        } else if let Some(line) = self.0.strip_prefix(b"#!") {
            script(line)
        } else {
            Format::None
        }
    }
}

fn script(line: &[u8]) -> Format {
    let line = line.get(..LINE - 2).unwrap_or(line);
    let line = line
        .split(|b| matches!(b, b'\n' | 0))
        .next()
        .unwrap_or(line);
    let blank = |b: &u8| matches!(b, b' ' | b'\t');
    let line = line.trim_ascii_start();
    let end = line.iter().position(blank).unwrap_or(line.len());
    let (interpreter, argument) = line.split_at_checked(end).unwrap_or((line, b""));
    match interpreter {
        [] => Format::None,
        _ => Format::Script(interpreter.into(), argument.trim_ascii().into()),
    }
}

fn elf(head: &[u8]) -> Option<Format> {
    const INTERP: u32 = 3;
    let (class, order, machine) = (*head.get(4)?, *head.get(5)?, u16_at(head, 18)?);
    // x86-64 and i386.
    if order != 1 || !matches!((class, machine), (2, 62) | (1, 3)) {
        return Some(Format::Foreign(class, machine));
    }
    // The low half of 64 bits is enough for what lies in the head.
    let (table, size, count) = match class {
        2 => (u32_at(head, 32)?, u16_at(head, 54)?, u16_at(head, 56)?),
        _ => (u32_at(head, 28)?, u16_at(head, 42)?, u16_at(head, 44)?),
    };
    for n in 0..usize::from(count) {
        let at = usize::try_from(table)
            .ok()?
            .checked_add(n * usize::from(size))?;
        let Some(kind) = u32_at(head, at) else {
            return Some(Format::Far);
        };
        if kind != INTERP {
            continue;
        }
        let (offset, length) = match class {
            2 => (
                u32_at(head, at.checked_add(8)?),
                u32_at(head, at.checked_add(32)?),
            ),
            _ => (
                u32_at(head, at.checked_add(4)?),
                u32_at(head, at.checked_add(16)?),
            ),
        };
        let (Some(offset), Some(length)) = (offset, length) else {
            return Some(Format::Far);
        };
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        let Some(name) = head.get(start..end) else {
            return Some(Format::Far);
        };
        let name = name.split(|byte| *byte == 0).next().unwrap_or(name);
        return Some(Format::Elf(name.into()));
    }
    Some(Format::Static)
}

/// Where a program of this name stands in the new system, as the boot step
/// finds it.
pub(super) fn find(tree: &Tree, name: &str) -> Option<String> {
    let paths = PATH.iter().map(|directory| format!("{directory}/{name}"));
    paths.into_iter().find(|path| {
        let found = tree.resolve(path.as_bytes());
        matches!(found, Some((_, Node::File(format))) if *format != Format::Closed)
    })
}

/// Why the kernel would not start the program at `path`.
pub(super) fn refused(tree: &Tree, path: &[u8]) -> Option<String> {
    let mut path = path.to_vec();
    let mut asks = String::new();
    for _ in 0..=DEPTH {
        let name = Name::new(&path);
        let fails = |what: &str| Some(format!("{asks}{what}"));
        let format = match tree.resolve(&path) {
            Some((_, Node::File(format))) => format,
            Some(_) => return fails(&format!("{name} is no file")),
            None => return fails(&format!("{name} is missing")),
        };
        match format {
            Format::Closed => return fails(&format!("{name} may not be executed (chmod a+x)")),
            Format::None => {
                return fails(&format!(
                    "{name} is neither an ELF program nor a script that begins with #!"
                ));
            }
            Format::Foreign(class, machine) => {
                return fails(&format!(
                    "{name} is a program for another kind of processor (ELF class {class}, machine {machine})"
                ));
            }
            Format::Static | Format::Far => return None,
            Format::Elf(interpreter) => {
                asks = format!(
                    "{asks}{name} needs /{}, and ",
                    Name::new(strip(interpreter))
                );
                // The loader is loaded, not started: it may have no loader.
                return match tree.resolve(interpreter) {
                    Some((_, Node::File(Format::Closed))) => {
                        Some(format!("{asks}that may not be executed (chmod a+x)"))
                    }
                    Some((_, Node::File(_))) => None,
                    _ => Some(format!("{asks}that is missing")),
                };
            }
            Format::Script(interpreter, argument) => {
                asks = format!("{asks}{name} needs {}, and ", Name::new(interpreter));
                if interpreter.ends_with(b"/env")
                    && let Some(program) = program_of_env(argument)
                    && refused(tree, interpreter).is_none()
                {
                    let program = String::from_utf8_lossy(program);
                    match find(tree, &program) {
                        Some(found) => path = found.into_bytes(),
                        None => {
                            return Some(format!("{name} needs {program}, and that is missing"));
                        }
                    }
                } else {
                    path = interpreter.to_vec();
                }
            }
        }
    }
    Some(format!("{asks}so on: too many interpreters"))
}

fn strip(path: &[u8]) -> &[u8] {
    path.strip_prefix(b"/").unwrap_or(path)
}

/// What env(1) is asked for, if that is plain.
fn program_of_env(argument: &[u8]) -> Option<&[u8]> {
    let words = argument.strip_prefix(b"-S ").unwrap_or(argument);
    let word = words.trim_ascii().split(|b| *b == b' ').next()?;
    let plain = !word.is_empty()
        && !word.contains(&b'=')
        && !word.starts_with(b"-")
        && !word.contains(&b'/');
    plain.then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(bytes: &[u8]) -> Format {
        let mut head = Head::default();
        for (n, byte) in bytes.iter().enumerate() {
            head.take(n as u64, &[*byte]);
        }
        head.format()
    }

    #[test]
    fn forms_of_programs() {
        let script = |a: &[u8], b: &[u8]| Format::Script(a.into(), b.into());
        assert_eq!(head(b"#!/bin/sh\necho"), script(b"/bin/sh", b""));
        assert_eq!(head(b"#! /bin/sh -e -x \n"), script(b"/bin/sh", b"-e -x"));
        assert_eq!(head(b"#!\t/bin/sh"), script(b"/bin/sh", b""));
        // The kernel takes a carriage return for a part of the name.
        assert_eq!(head(b"#!/bin/sh\r\n"), script(b"/bin/sh\r", b""));
        for none in [&b""[..], b"#!", b"#!\n/bin/sh", b"echo", b"\x7fELF"] {
            assert_eq!(head(none), Format::None, "{none:?}");
        }
    }

    #[test]
    fn programs_of_this_machine() {
        // The test itself is an ELF program with an interpreter.
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let Format::Elf(interpreter) = head(&own[..HEAD]) else {
            panic!("{:?}", head(&own[..HEAD]));
        };
        assert!(interpreter.starts_with(b"/lib"), "{interpreter:?}");
        let mut foreign = own[..HEAD].to_vec();
        foreign[18] = 183;
        assert_eq!(head(&foreign), Format::Foreign(2, 183));
        assert_eq!(head(&own[..100]), Format::Far);
    }

    #[test]
    fn a_hole_is_nothing_but_zeros() {
        let mut sparse = Head::default();
        sparse.take(8, b"#!/bin/sh");
        assert_eq!(sparse.format(), Format::None);
        sparse.take(u64::MAX, b"x");
        sparse.take(4095, b"xyz");
        assert_eq!(sparse.0.len(), HEAD);
    }
}
