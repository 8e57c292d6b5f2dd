// SPDX-License-Identifier: MIT OR Apache-2.0
//! The words of the kernel's command line that /init uses.

use contract::Mode;
use contract::cmdline::{IDLE, RETRY, Setting, words};

/// The options for /init itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// `replant=migrate`: this boot was staged, the old system is one reboot away.
    pub migrate: bool,
    /// `replant.lifeboat=`: the migration goes on when the machine is switched on again.
    pub resumes: bool,
    /// `replant.debug`: kernel messages stay on the consoles.
    pub debug: bool,
    /// Somebody chose the console's log level himself.
    pub loglevel: bool,
    /// `rd.retry=`: seconds that the old root may take to appear.
    pub retry: Option<u64>,
    /// `replant.patience=`: seconds on top of that in which something has to
    /// move before the point of no return.
    pub patience: Option<u64>,
    /// `replant.idle=`: seconds without a key after which a console goes on.
    pub idle: Option<u64>,
    /// `replant.break=`: the migration stops at a step, so somebody is at the
    /// console.
    pub stops: bool,
}

impl Options {
    /// Reads the options out of a command line; the last of several wins.
    pub fn parse(line: &[u8]) -> Options {
        let mut options = Options::default();
        for word in words(line) {
            match Setting::read(word) {
                Some(Setting::Mode(mode)) => options.migrate = mode == Mode::Migrate,
                Some(Setting::Lifeboat(_)) => options.resumes = true,
                Some(Setting::Retry(seconds)) => options.retry = Some(seconds),
                Some(Setting::Patience(seconds)) => options.patience = Some(seconds),
                Some(Setting::Idle(seconds)) => options.idle = Some(seconds),
                Some(Setting::Break(_)) => options.stops = true,
                Some(Setting::Debug(debug)) => options.debug = debug,
                _ => {}
            }
            options.loglevel |= match (word.name, word.value) {
                (b"loglevel", value) => value.is_some(),
                (name, _) => matches!(name, b"debug" | b"ignore_loglevel"),
            };
        }
        options
    }

    /// How long nothing may move while the old system is one reboot away, in
    /// seconds: ten minutes more than the agent waits for a device by itself.
    pub fn patience(&self) -> u64 {
        const DAY: u64 = 24 * 60 * 60;
        let retry = self.retry.unwrap_or(RETRY).min(DAY);
        retry.saturating_add(self.patience.unwrap_or(600).min(DAY))
    }

    /// After how many seconds without a key a console goes on with a migration
    /// that has begun; `None` where it waits for a person for ever.
    pub fn idle(&self) -> Option<u64> {
        let seconds = self.idle.unwrap_or(IDLE);
        (self.resumes && !self.stops && seconds > 0).then_some(seconds)
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

    #[test]
    fn options() {
        let parse = |line: &str| Options::parse(line.as_bytes());
        assert_eq!(parse("quiet"), Options::default());
        assert!(parse("x replant=migrate y").migrate);
        assert!(parse("replant.lifeboat=00,1,2,8,16").resumes);
        for mode in ["survey", "rehearse", "console", "report", "verify"] {
            let line = format!("replant=migrate replant={mode}");
            assert!(!parse(&line).migrate, "{line}: the last wins");
        }
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
        assert_eq!(parse("quiet").patience(), 660);
        assert_eq!(parse("rd.retry=300 x").patience(), 900);
        assert_eq!(parse("rd.retry=1 replant.patience=20").patience(), 21);
        assert_eq!(parse("rd.retry=1m replant.patience=-1").patience(), 660);
        assert_eq!(
            parse("replant=migrate").idle(),
            None,
            "nothing to go on from"
        );
        let boat = "replant=migrate replant.lifeboat=00,1,2,8,16";
        for (words, idle) in [
            ("", Some(600)),
            ("replant.idle=90", Some(90)),
            ("replant.idle=0", None),
            ("replant.break=unpack", None),
        ] {
            assert_eq!(parse(&format!("{boat} {words}")).idle(), idle, "{words}");
        }
        let huge = "rd.retry=18446744073709551615 replant.patience=18446744073709551615";
        assert_eq!(parse(huge).patience(), 2 * 86400);
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

    /// The names are opened below /dev.
    #[test]
    fn no_command_line_leaves_dev() {
        const LINE: &[u8] =
            b"console=tty0 \"a b\" console=/dev/ttyS0,9600 x=\"y z\" rd.retry=20 replant=migrate --";
        let mut random = testkit::Random(1);
        let mut found = 0;
        for _ in 0..20_000 {
            let mut line = LINE.to_vec();
            for _ in 0..random.range(1..9) {
                let at = random.below(line.len());
                line[at] = random.pick(b"\"= ,/.\0\xff");
            }
            line.truncate(random.below(line.len() + 1));
            for name in consoles(&line) {
                found += 1;
                let text = line.escape_ascii();
                assert!(!name.is_empty() && !name.contains(&b'/'), "{text}");
                assert!(!name.starts_with(b"."), "{text}");
            }
            // The worst that it may ask for is two days.
            assert!(Options::parse(&line).patience() <= 2 * 86400);
        }
        assert!(found > 10_000, "{found}");
    }
}
