// SPDX-License-Identifier: MIT OR Apache-2.0
//! Options of GRUB's commands (GRUB 2.06, lib/arg.c).

/// Whether an option has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// None.
    No,
    /// One may follow.
    Optional,
    /// One must follow.
    Required,
}

/// An option that a command knows: its long name, its letter or a space.
pub(super) type Known = (&'static str, char, Value);

/// What was given.
#[derive(Debug, Default)]
pub(super) struct Options {
    /// Long names and values, in order.
    given: Vec<(&'static str, Option<String>)>,
    /// What is no option.
    pub rest: Vec<String>,
}

impl Options {
    /// Whether the option was given.
    pub fn has(&self, name: &str) -> bool {
        self.given.iter().any(|(n, _)| *n == name)
    }

    /// The last value of the option.
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut given = self.given.iter().rev();
        given.find(|(n, _)| *n == name)?.1.as_deref()
    }
}

/// Sorts `arguments`. With `dash`, what looks like an option and is none is
/// an argument. `None` where GRUB refuses.
pub(super) fn parse(known: &[Known], dash: bool, arguments: &[String]) -> Option<Options> {
    let mut options = Options::default();
    let mut arguments = arguments.iter().peekable();
    while let Some(argument) = arguments.next() {
        let Some(text) = argument.strip_prefix('-').filter(|text| !text.is_empty()) else {
            options.rest.push(argument.clone());
            continue;
        };
        if text == "-" {
            options.rest.extend(arguments.cloned());
            break;
        }
        if let Some(long) = text.strip_prefix('-') {
            let (name, mut value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_string())),
                None => (long, None),
            };
            let Some(option) = known.iter().find(|k| k.0 == name) else {
                if dash && name != "help" && name != "usage" {
                    options.rest.push(argument.clone());
                    continue;
                }
                return None;
            };
            if value.is_none() && option.2 != Value::No {
                value = arguments.next_if(|next| !next.starts_with('-')).cloned();
            }
            options.add(option, value)?;
            continue;
        }
        let letters: Vec<&Known> = text
            .chars()
            .map_while(|letter| known.iter().find(|k| k.1 == letter))
            .collect();
        if letters.len() != text.chars().count() {
            if dash {
                options.rest.push(argument.clone());
                continue;
            }
            return None;
        }
        let (last, first) = letters.split_last()?;
        for option in first {
            options.add(option, None)?;
        }
        let value = match last.2 {
            Value::No => None,
            Value::Required => arguments.next().cloned(),
            Value::Optional => {
                let plain = |next: &&String| next.len() < 2 || !next.starts_with('-');
                arguments.next_if(plain).cloned()
            }
        };
        options.add(last, value)?;
    }
    Some(options)
}

impl Options {
    fn add(&mut self, option: &Known, value: Option<String>) -> Option<()> {
        match (option.2, &value) {
            (Value::No, Some(_)) | (Value::Required, None) => return None,
            _ => self.given.push((option.0, value)),
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Known; 3] = [
        ("set", 's', Value::Optional),
        ("id", ' ', Value::Required),
        ("no-floppy", 'n', Value::No),
    ];

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(String::from).collect()
    }

    #[test]
    fn long_and_short() {
        let options = parse(&KNOWN, true, &words("-n --set=root --hint-x=y UUID")).unwrap();
        assert!(options.has("no-floppy"));
        assert_eq!(options.value("set"), Some("root"));
        assert_eq!(options.rest, ["--hint-x=y", "UUID"]);
        let options = parse(&KNOWN, false, &words("--set root -s --id a -- -n")).unwrap();
        assert_eq!(options.value("set"), None);
        assert_eq!(options.value("id"), Some("a"));
        assert_eq!(options.rest, ["-n"]);
        assert!(parse(&KNOWN, false, &words("--other")).is_none());
        assert!(parse(&KNOWN, false, &words("a --id")).is_none());
        assert!(parse(&KNOWN, false, &words("--no-floppy=1")).is_none());
        assert!(parse(&KNOWN, true, &words("-x")).unwrap().rest == ["-x"]);
    }
}
