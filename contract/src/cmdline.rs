// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's command line: how it is split, and the words that are
//! replant's.
//!
//! Words are split as the kernel does it (lib/cmdline.c, `next_arg`): white
//! space separates, double quotes protect it, the quotes around a word or
//! around a value are taken off and there is no escape.

/// Seconds that the old root may take to appear when `rd.retry=` does not say.
pub const RETRY: u64 = 60;

/// Seconds without a key after which the console goes on with a migration that
/// can, when `replant.idle=` does not say.
pub const IDLE: u64 = 600;

/// The loader puts two hexadecimal digits behind it: the number of the BIOS's
/// drive that the machine was started from.
pub const DRIVE: &str = "replant.drive=";
/// The loader puts [`Start::letters`] behind it.
pub const START: &str = "replant.start=";
/// Which staging the loader belongs to, and where its record and its state lie:
/// what stands behind it is `ondisk::lifeboat::Address`.
pub const LIFEBOAT: &str = "replant.lifeboat=";

/// By which way replant's loader was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// `disk`: by the firmware, from the disk's first sector.
    Disk,
    /// `file`: by the old system's boot loader, from a file.
    File,
}

impl Start {
    /// How the loader's boot sector and the command line spell it.
    pub const fn letters(self) -> &'static [u8; 4] {
        match self {
            Start::Disk => b"disk",
            Start::File => b"file",
        }
    }

    /// The way that is spelled so.
    pub fn parse(letters: &[u8]) -> Option<Start> {
        [Start::Disk, Start::File]
            .into_iter()
            .find(|start| start.letters() == letters)
    }
}

/// What the tiny system does without being asked: `replant=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// `survey`: says what it finds and opens the console.
    #[default]
    Survey,
    /// `rehearse`: all that a migration does before the point of no return.
    Rehearse,
    /// `migrate`: migrates, if the machine was staged.
    Migrate,
    /// `console`, or dracut's `rescue` and `emergency`: opens the console at
    /// once.
    Console,
}

impl Mode {
    /// The word of the command line that asks for it.
    pub const fn word(self) -> &'static str {
        match self {
            Mode::Survey => "replant=survey",
            Mode::Rehearse => "replant=rehearse",
            Mode::Migrate => "replant=migrate",
            Mode::Console => "replant=console",
        }
    }

    /// Its name: what stands behind `replant=`.
    pub fn name(self) -> &'static str {
        let word = self.word();
        word.strip_prefix("replant=").unwrap_or(word)
    }

    /// The mode of this name, by its former name, too.
    pub fn parse(name: &[u8]) -> Option<Mode> {
        [Mode::Survey, Mode::Rehearse, Mode::Migrate, Mode::Console]
            .into_iter()
            .find(|mode| mode.name().as_bytes() == name)
            .or_else(|| Mode::renamed(name))
    }

    /// The mode that had this name in version 0.1.0, and has another one now.
    pub fn renamed(name: &[u8]) -> Option<Mode> {
        match name {
            b"report" => Some(Mode::Survey),
            b"verify" => Some(Mode::Rehearse),
            _ => None,
        }
    }
}

/// One word: `name`, or `name=value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<'a> {
    /// The word as it stands there, with its quotes.
    pub text: &'a [u8],
    /// What stands before the first `=`, or the whole word.
    pub name: &'a [u8],
    /// What stands after the first `=`.
    pub value: Option<&'a [u8]>,
}

impl Word<'_> {
    /// Whether it is `--`: what follows is for PID 1.
    pub fn is_last_of_kernel(&self) -> bool {
        self.name == b"--" && self.value.is_none()
    }
}

/// The words of `line`, from the first to the last. After
/// [one](Word::is_last_of_kernel) come those that are for PID 1.
pub fn words(line: &[u8]) -> impl Iterator<Item = Word<'_>> {
    Words { rest: line }
}

struct Words<'a> {
    rest: &'a [u8],
}

/// What the kernel's `isspace` says yes to, and the NUL that ends a file.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r' | 0xa0 | 0)
}

fn unquoted(text: &[u8]) -> &[u8] {
    match text.strip_prefix(b"\"") {
        Some(inner) => inner.strip_suffix(b"\"").unwrap_or(inner),
        None => text,
    }
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
        let (text, rest) = line.split_at_checked(end)?;
        self.rest = rest;

        let word = unquoted(text);
        // An equals sign at the very start belongs to the name.
        let equals = word.iter().skip(1).position(|b| *b == b'=');
        let (name, value) = match equals {
            Some(before) => {
                let (name, value) = word.split_at_checked(before + 1)?;
                (name, value.get(1..).map(unquoted))
            }
            None => (word, None),
        };
        Some(Word { text, name, value })
    }
}

/// What one word of the command line means to replant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting<'a> {
    /// `replant=`
    Mode(Mode),
    /// `rd.retry=`: seconds that the old root may take to appear.
    Retry(u64),
    /// `replant.patience=`: seconds on top of that in which something has to
    /// move before the point of no return.
    Patience(u64),
    /// `replant.idle=`: seconds without a key after which the console goes on
    /// with a migration that can; 0 for never.
    Idle(u64),
    /// `replant.silence=`: seconds after which a program of the new system hangs.
    Silence(u64),
    /// `replant.break=`: the step before which the migration stops.
    Break(&'a [u8]),
    /// `replant.json=`: the device that gets progress as JSON lines, below /dev.
    Json(&'a [u8]),
    /// `replant.report=off`: no report is written into the old root.
    NoReport,
    /// `replant.drive=`: the BIOS's drive that replant's loader was started from.
    Drive(u8),
    /// `replant.start=`: by which way replant's loader was started.
    Start(Start),
    /// `replant.lifeboat=`: where the record and the state of a staging lie, in
    /// words that nobody here knows.
    Lifeboat(&'a [u8]),
    /// `replant.debug`: whether kernel messages stay on the consoles.
    Debug(bool),
    /// A word that looks like one of these, but nobody knows it, or its value.
    Unknown,
}

impl<'a> Setting<'a> {
    /// What `word` means; `None` for the words of others.
    pub fn read(word: Word<'a>) -> Option<Setting<'a>> {
        let known = match (word.name, word.value) {
            (b"rescue" | b"emergency", None) => Some(Setting::Mode(Mode::Console)),
            (b"rd.retry", Some(value)) => number(value).map(Setting::Retry),
            (name, value) => match (name.strip_prefix(b"replant")?, value) {
                (b"", Some(mode)) => Mode::parse(mode).map(Setting::Mode),
                (b".patience", Some(value)) => number(value).map(Setting::Patience),
                (b".idle", Some(value)) => number(value).map(Setting::Idle),
                (b".silence", Some(value)) => number(value).map(Setting::Silence),
                (b".break", Some(step)) => Some(Setting::Break(step)),
                (b".json", Some(device)) => Some(Setting::Json(
                    device.strip_prefix(b"/dev/").unwrap_or(device),
                )),
                (b".drive", Some(digits)) => drive(digits).map(Setting::Drive),
                (b".start", Some(letters)) => Start::parse(letters).map(Setting::Start),
                (b".lifeboat", Some(address)) => Some(Setting::Lifeboat(address)),
                (b".report", Some(b"off")) => Some(Setting::NoReport),
                (b".debug", value) => Some(Setting::Debug(!matches!(value, Some(b"0" | b"n")))),
                ([] | [b'.', ..], _) => None,
                _ => return None,
            },
        };
        Some(known.unwrap_or(Setting::Unknown))
    }
}

/// The settings of a command line, in its order: of several the last one counts.
pub fn settings(line: &[u8]) -> impl Iterator<Item = Setting<'_>> {
    words(line).filter_map(Setting::read)
}

fn number(text: &[u8]) -> Option<u64> {
    core::str::from_utf8(text).ok()?.parse().ok()
}

/// Two digits, as the loader writes them.
fn drive(digits: &[u8]) -> Option<u8> {
    let [high, low] = digits else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn words_as_the_kernel_splits_them() {
        let split = |line: &str| -> Vec<(String, Option<String>)> {
            words(line.as_bytes())
                .map(|word| (text(word.name), word.value.map(text)))
                .collect()
        };
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
        assert_eq!(split("a -- b"), [flag("a"), flag("--"), flag("b")]);
        let quoted = words(b" \"a=b c\" d=\"e f\"");
        let quoted: Vec<String> = quoted.map(|word| text(word.text)).collect();
        assert_eq!(quoted, ["\"a=b c\"", "d=\"e f\""]);
    }

    #[test]
    fn modes_and_their_former_names() {
        for mode in [Mode::Survey, Mode::Rehearse, Mode::Migrate, Mode::Console] {
            assert_eq!(Mode::parse(mode.name().as_bytes()), Some(mode));
            assert_eq!(Mode::renamed(mode.name().as_bytes()), None);
            let setting = settings(mode.word().as_bytes()).next();
            assert_eq!(setting, Some(Setting::Mode(mode)));
        }
        assert_eq!(Mode::parse(b"report"), Some(Mode::Survey));
        assert_eq!(Mode::parse(b"verify"), Some(Mode::Rehearse));
        assert_eq!(Mode::parse(b"migrat"), None);
        assert_eq!(Mode::parse(b""), None);
    }

    #[test]
    fn what_is_replants() {
        let read = |line: &'static str| -> Vec<Setting<'_>> { settings(line.as_bytes()).collect() };
        assert_eq!(
            read(
                "BOOT_IMAGE=/linux root=UUID=0DE0-A ro panic=10 replant=migrate rd.retry=20 \
                 replant.json=/dev/ttyS1 replant.json=ttyS2 replant.break=wipe replant.silence=9 \
                 \"replant.report=off\" replant.patience=20 replant.idle=0 replant.debug replant.debug=0 rescue \
                 replant.drive=80 replant.drive=0f replant.start=disk replant.start=file \
                 replant.lifeboat=00ff,1,2 replant.lifeboat=\n"
            ),
            [
                Setting::Mode(Mode::Migrate),
                Setting::Retry(20),
                Setting::Json(b"ttyS1"),
                Setting::Json(b"ttyS2"),
                Setting::Break(b"wipe"),
                Setting::Silence(9),
                Setting::NoReport,
                Setting::Patience(20),
                Setting::Idle(0),
                Setting::Debug(true),
                Setting::Debug(false),
                Setting::Mode(Mode::Console),
                Setting::Drive(0x80),
                Setting::Drive(0x0f),
                Setting::Start(Start::Disk),
                Setting::Start(Start::File),
                Setting::Lifeboat(b"00ff,1,2"),
                Setting::Lifeboat(b""),
            ]
        );
        for start in [Start::Disk, Start::File] {
            assert_eq!(Start::parse(start.letters()), Some(start));
        }
        for (line, settings) in [
            (
                "x=replant=migrate \"x replant=migrate\" rescue=1 replanted rd.retry",
                0,
            ),
            (
                "replant replant= replant=migrat replant.jsn=a replant.report replant.lifeboat",
                6,
            ),
            (
                "rd.retry=1m replant.silence=x replant.patience= replant.patience=-1",
                4,
            ),
            // What the loader would fill in.
            (
                "replant.drive=?? replant.drive=8 replant.drive=080 replant.drive=+8 \
                 replant.start=???? replant.start=",
                6,
            ),
        ] {
            assert_eq!(read(line), vec![Setting::Unknown; settings], "{line}");
        }
    }

    /// Any bytes are only words, and no byte of a word is a made-up one.
    #[test]
    fn mutations() {
        let seed = b"BOOT_IMAGE=/vmlinuz replant=migrate \"a b\" x=\"y z\" rd.retry=9600 --";
        let mut random = testkit::Random(1);
        for _ in 0..20_000 {
            let mut line = seed.to_vec();
            for _ in 0..random.below(8) + 1 {
                let at = random.below(line.len());
                line[at] = [random.next() as u8, b'"', b'=', b' '][random.below(4)];
            }
            line.truncate(random.below(line.len() + 1));
            let mut total = 0;
            for word in words(&line) {
                let inner = word.name.len() + word.value.map_or(0, <[u8]>::len);
                assert!(inner <= word.text.len());
                total += word.text.len();
                let _ = Setting::read(word);
            }
            assert!(total <= line.len());
        }
    }
}
