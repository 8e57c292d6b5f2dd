// SPDX-License-Identifier: MIT OR Apache-2.0
//! sshd_config and the files that it includes.

use super::Sshd;
use super::parse::{Block, Setting, words};
use crate::error::Result;
use ondisk::glob;
use rootdir::RootDir;

/// Where it lies; openSUSE's own is in the second place.
const FILES: [&str; 2] = ["etc/ssh/sshd_config", "usr/etc/ssh/sshd_config"];
/// The nesting of includes at which sshd gives up.
const DEEPEST: usize = 16;
/// The most files, and the most in one directory, that are read.
const MOST: usize = 512;

impl Sshd {
    /// Reads it. A file that cannot be read is in `unread`: what it says is
    /// not known, and no reason to stop.
    pub(crate) fn read(root: &RootDir) -> Result<Sshd> {
        let mut reader = Reader {
            root,
            sshd: Sshd::default(),
            files: 0,
        };
        for file in FILES {
            match root.exists(file) {
                Ok(true) => {
                    reader.file(file, &[], 0);
                    break;
                }
                Ok(false) => {}
                Err(error) => reader.unread(error.to_string()),
            }
        }
        Ok(reader.sshd)
    }
}

struct Reader<'a> {
    root: &'a RootDir,
    sshd: Sshd,
    files: usize,
}

impl Reader<'_> {
    /// Reads a file below the Match blocks that lead to it. A block of its own
    /// ends with it.
    fn file(&mut self, path: &str, around: &[Block], depth: usize) {
        self.files += 1;
        if depth > DEEPEST || self.files > MOST {
            return self.unread(format!("{path}: too many files within files"));
        }
        let text = match self.root.text(path) {
            Ok(text) => text.unwrap_or_default(),
            Err(error) => return self.unread(error.to_string()),
        };
        let mut when = around.to_vec();
        for (number, line) in text.lines().enumerate() {
            let Some((key, words)) = words(line) else {
                continue;
            };
            match key.as_str() {
                "match" => {
                    when = around.to_vec();
                    when.push(Block::new(words));
                }
                "include" => {
                    for pattern in &words {
                        for file in self.find(pattern) {
                            self.file(&file, &when, depth + 1);
                        }
                    }
                }
                _ => self.sshd.settings.push(Setting {
                    key,
                    words,
                    when: when.clone(),
                    place: format!("{path}:{}", number + 1),
                }),
            }
        }
    }

    fn unread(&mut self, what: String) {
        if !self.sshd.unread.contains(&what) {
            self.sshd.unread.push(what);
        }
    }

    /// The files that a pattern of Include names, sorted.
    fn find(&mut self, pattern: &str) -> Vec<String> {
        let absolute = match pattern.strip_prefix('/') {
            Some(rest) => rest.to_owned(),
            None => format!("etc/ssh/{pattern}"),
        };
        let mut found = vec![String::new()];
        for part in absolute.split('/').filter(|p| !p.is_empty()) {
            let mut next = Vec::new();
            for dir in &found {
                let join = |name: &str| match dir.as_str() {
                    "" => name.to_owned(),
                    dir => format!("{dir}/{name}"),
                };
                if !part.contains(['*', '?', '[']) {
                    next.push(join(part));
                    continue;
                }
                let names = match self.root.list(if dir.is_empty() { "." } else { dir }) {
                    Ok(names) => names,
                    Err(error) => {
                        self.sshd.unread.push(error.to_string());
                        continue;
                    }
                };
                let shown = |n: &&String| part.starts_with('.') || !n.starts_with('.');
                let names = names.iter().filter(shown);
                next.extend(names.filter(|n| glob::matches(part, n)).map(|n| join(n)));
            }
            next.truncate(MOST);
            found = next;
        }
        found.retain(|path| !path.is_empty());
        found
    }
}
