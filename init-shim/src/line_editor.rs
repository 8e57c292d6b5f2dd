// SPDX-License-Identifier: MIT OR Apache-2.0
//! A line that is typed on raw consoles: echo, erase, kill.

use heapless::Vec;

/// Longest line, in bytes; keys beyond it do nothing.
pub const LENGTH: usize = 256;

/// A line that is being typed.
#[derive(Debug, Default)]
pub struct LineEditor {
    text: Vec<u8, LENGTH>,
    escape: Escape,
    last_was_return: bool,
}

/// How far into an escape sequence (an arrow key) the input is.
#[derive(Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    Start,
    Inside,
}

/// What a key changes on the screen.
#[derive(Debug, PartialEq, Eq)]
pub enum Edit {
    Nothing,
    /// This character appears.
    Echo(u8),
    /// This many characters disappear.
    Erase(usize),
    /// The line is complete: take it with [`LineEditor::take`].
    Complete,
}

impl LineEditor {
    /// An empty line.
    pub fn new() -> LineEditor {
        LineEditor::default()
    }

    /// Takes one byte of input.
    pub fn key(&mut self, byte: u8) -> Edit {
        // A terminal that sends CR LF for Enter means one line, not two.
        let after_return = core::mem::replace(&mut self.last_was_return, byte == b'\r');
        match (&self.escape, byte) {
            (Escape::Start, b'[' | b'O') => {
                self.escape = Escape::Inside;
                return Edit::Nothing;
            }
            (Escape::Inside, b'0'..=b'9' | b';') => return Edit::Nothing,
            (Escape::Start | Escape::Inside, _) => {
                self.escape = Escape::None;
                return Edit::Nothing;
            }
            (Escape::None, _) => {}
        }
        match byte {
            b'\n' if after_return => Edit::Nothing,
            b'\r' | b'\n' => Edit::Complete,
            0x08 | 0x7f => match self.text.pop() {
                Some(_) => Edit::Erase(1),
                None => Edit::Nothing,
            },
            // Ctrl-U and Ctrl-C clear the line.
            0x15 | 0x03 => {
                let length = self.text.len();
                self.text.clear();
                Edit::Erase(length)
            }
            0x1b => {
                self.escape = Escape::Start;
                Edit::Nothing
            }
            b' '..=b'~' => match self.text.push(byte) {
                Ok(()) => Edit::Echo(byte),
                Err(_) => Edit::Nothing,
            },
            _ => Edit::Nothing,
        }
    }

    /// The line as typed; the next one starts empty.
    pub fn take(&mut self) -> Vec<u8, LENGTH> {
        core::mem::take(&mut self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> Vec<String, 16> {
        let mut line = LineEditor::new();
        let mut lines = Vec::new();
        for key in keys {
            if line.key(*key) == Edit::Complete {
                lines
                    .push(String::from_utf8(line.take().to_vec()).unwrap())
                    .unwrap();
            }
        }
        lines
    }

    #[test]
    fn lines() {
        assert_eq!(typed(b"ls /run\r"), ["ls /run"]);
        assert_eq!(typed(b"a\r\nb\nc"), ["a", "b"]);
        assert_eq!(typed(b"a\r\r\n"), ["a", ""]);
        assert_eq!(typed(b"catt\x7f x\x08y\r"), ["cat y"]);
        assert_eq!(typed(b"\x7f\x7fhelp\r"), ["help"]);
        assert_eq!(typed(b"rubbish\x15help\r"), ["help"]);
        assert_eq!(typed(b"he\x1b[Dlp\x1b[1;5C\x1bOA\r"), ["help"]);
        assert_eq!(typed("h\u{e4}elp\r".as_bytes()), ["help"]);
    }

    #[test]
    fn echo() {
        let mut line = LineEditor::new();
        assert_eq!(line.key(b'a'), Edit::Echo(b'a'));
        assert_eq!(line.key(b'b'), Edit::Echo(b'b'));
        assert_eq!(line.key(0x7f), Edit::Erase(1));
        assert_eq!(line.key(0x15), Edit::Erase(1));
        assert_eq!(line.key(0x7f), Edit::Nothing);
    }

    #[test]
    fn an_endless_line_is_cut() {
        let mut line = LineEditor::new();
        for _ in 0..10 * LENGTH {
            line.key(b'x');
        }
        assert_eq!(line.take().len(), LENGTH);
    }
}
