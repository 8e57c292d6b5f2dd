// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's command line.
//!
//! Words are split as the kernel does it (lib/cmdline.c, `next_arg`): white
//! space separates, double quotes protect it, the quotes around a word or
//! around a value are taken off and there is no escape.

/// One word: `name`, or `name=value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<'a> {
    /// What stands before the first `=`, or the whole word.
    pub name: &'a [u8],
    /// What stands after the first `=`.
    pub value: Option<&'a [u8]>,
}

/// The words of `line`, from the first to the last.
///
/// A word `--` ends the kernel's own options; what follows it is for PID 1 and
/// is looked at as well, so the word itself is only left out.
pub fn words(line: &[u8]) -> impl Iterator<Item = Word<'_>> {
    Words { rest: line }.filter(|word| word.name != b"--")
}

struct Words<'a> {
    rest: &'a [u8],
}

/// What the kernel's `isspace` says yes to, and the NUL that ends a file.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r' | 0xa0 | 0)
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let start = self.rest.iter().position(|b| !is_space(*b))?;
        let line = self.rest.get(start..)?;
        let mut quoted = false;
        let end = line
            .iter()
            .position(|byte| {
                quoted ^= *byte == b'"';
                !quoted && is_space(*byte)
            })
            .unwrap_or(line.len());
        let (word, rest) = line.split_at_checked(end)?;
        self.rest = rest;

        let word = match word.strip_prefix(b"\"") {
            Some(inner) => inner.strip_suffix(b"\"").unwrap_or(inner),
            None => word,
        };
        // An equals sign at the very start belongs to the name.
        let equals = word
            .iter()
            .skip(1)
            .position(|b| *b == b'=')
            .map(|at| at + 1);
        let Some(equals) = equals else {
            return Some(Word {
                name: word,
                value: None,
            });
        };
        let name = word.get(..equals)?;
        let value = word.get(equals + 1..)?;
        let value = match value.strip_prefix(b"\"") {
            Some(inner) => inner.strip_suffix(b"\"").unwrap_or(inner),
            None => value,
        };
        Some(Word {
            name,
            value: Some(value),
        })
    }
}

/// What /init itself wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// `replant=migrate`: this boot was staged, the old system is one reboot away.
    pub migrate: bool,
    /// `replant.debug`: kernel messages stay on the consoles.
    pub debug: bool,
    /// Somebody chose the console's log level himself.
    pub loglevel: bool,
}

impl Options {
    /// Reads the options out of a command line; the last of several wins.
    pub fn parse(line: &[u8]) -> Options {
        let mut options = Options::default();
        for word in words(line) {
            match (word.name, word.value) {
                (b"replant", Some(b"migrate")) => options.migrate = true,
                (b"replant", Some(b"report" | b"verify" | b"console"))
                | (b"rescue" | b"emergency", None) => options.migrate = false,
                (b"replant.debug", value) => options.debug = !matches!(value, Some(b"0" | b"n")),
                (b"loglevel", Some(_)) | (b"debug" | b"ignore_loglevel", _) => {
                    options.loglevel = true;
                }
                _ => {}
            }
        }
        options
    }
}

/// The devices that `console=` names, in order: `ttyS0` of `ttyS0,115200n8`.
///
/// `console=` without a name and `console=null` ask for no console at all and
/// are left out; so are names that could leave /dev.
pub fn consoles(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    words(line)
        .filter(|word| word.name == b"console")
        .filter_map(|word| {
            let name = word.value?.split(|b| *b == b',').next()?;
            let name = name.strip_prefix(b"/dev/").unwrap_or(name);
            let plain = !name.is_empty() && !name.contains(&b'/') && !name.starts_with(b".");
            (plain && name != b"null").then_some(name)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Vec<(String, Option<String>)> {
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        words(line.as_bytes())
            .map(|w| (text(w.name), w.value.map(text)))
            .collect()
    }

    #[test]
    fn words_as_the_kernel_splits_them() {
        let pair = |n: &str, v: &str| (n.to_string(), Some(v.to_string()));
        let flag = |n: &str| (n.to_string(), None);
        assert_eq!(split(""), []);
        assert_eq!(split(" \n"), []);
        assert_eq!(split("quiet\n"), [flag("quiet")]);
        assert_eq!(
            split("a=b\tc  d="),
            [pair("a", "b"), flag("c"), pair("d", "")]
        );
        assert_eq!(split("a=b=c"), [pair("a", "b=c")]);
        assert_eq!(split("a=\"b c\" d"), [pair("a", "b c"), flag("d")]);
        assert_eq!(split("\"a=b c\" d"), [pair("a", "b c"), flag("d")]);
        assert_eq!(split("a=x\"b c\"y d"), [pair("a", "x\"b c\"y"), flag("d")]);
        assert_eq!(split("a=\"never closed"), [pair("a", "never closed")]);
        assert_eq!(split("\""), [flag("")]);
        assert_eq!(split("=x"), [flag("=x")]);
        assert_eq!(split("a -- b"), [flag("a"), flag("b")]);
    }

    #[test]
    fn options() {
        let parse = |line: &str| Options::parse(line.as_bytes());
        assert_eq!(parse("quiet"), Options::default());
        assert!(parse("x replant=migrate y").migrate);
        assert!(!parse("replant=report").migrate);
        assert!(
            !parse("replant=migrate replant=console").migrate,
            "the last wins"
        );
        assert!(!parse("replant=migrate rescue").migrate);
        assert!(
            parse("replant=migrate replant=typo").migrate,
            "as the agent reads it"
        );
        assert!(!parse("x=replant=migrate").migrate);
        assert!(!parse("\"x replant=migrate\"").migrate);
        assert!(parse("replant.debug").debug);
        assert!(!parse("replant.debug=0").debug);
        assert!(parse("loglevel=7").loglevel);
        assert!(!parse("quiet").loglevel);
    }

    #[test]
    fn console_names() {
        let names = |line: &'static str| -> Vec<&str> {
            consoles(line.as_bytes())
                .map(|n| std::str::from_utf8(n).unwrap())
                .collect()
        };
        assert_eq!(
            names("console=tty0 console=ttyS0,115200n8"),
            ["tty0", "ttyS0"]
        );
        assert_eq!(names("console= console=null console=hvc0"), ["hvc0"]);
        assert_eq!(names("console=/dev/ttyS1"), ["ttyS1"]);
        assert!(names("console=../sda console=a/b console console=.").is_empty());
        assert!(names("earlycon=uart8250,io,0x3f8").is_empty());
    }

    /// Any bytes are only words, and no byte of a word is a made-up one.
    #[test]
    fn mutations() {
        let seed = b"BOOT_IMAGE=/vmlinuz console=tty0 \"a b\" x=\"y z\" console=ttyS0,9600 --";
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as usize
        };
        for _ in 0..20_000 {
            let mut line = seed.to_vec();
            for _ in 0..random() % 8 + 1 {
                let at = random() % line.len();
                line[at] = [random() as u8, b'"', b'=', b' '][random() % 4];
            }
            line.truncate(random() % (line.len() + 1));
            let mut total = 0;
            for word in words(&line) {
                total += word.name.len() + word.value.map_or(0, <[u8]>::len);
            }
            assert!(total <= line.len());
            assert!(consoles(&line).all(|name| !name.contains(&b'/')));
            let _ = Options::parse(&line);
        }
    }
}
