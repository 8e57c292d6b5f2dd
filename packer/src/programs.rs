// SPDX-License-Identifier: MIT OR Apache-2.0
//! `/init` and `replant`: given, or those that this program brings.

use crate::file::cannot;
use crate::initramfs::executable;
use anyhow::{Context, Result, anyhow, bail};
use contract::mark;
use std::fs;
use std::path::{Path, PathBuf};

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// Programs other than those that this one brings.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub struct Programs {
    /// The static program that becomes /init, instead of the one in replant-pack
    #[arg(long, value_name = "FILE")]
    pub init: Option<PathBuf>,

    /// The static program that becomes /bin/replant, instead of the one in replant-pack
    #[arg(long, value_name = "FILE")]
    pub replant: Option<PathBuf>,
}

impl Programs {
    /// The bytes of `/init`.
    pub fn init(&self) -> Result<Vec<u8>> {
        let missing = "no /init: this replant-pack was built without it; give --init FILE";
        match &self.init {
            Some(path) => given(path, "--init", "replant", mark::AGENT),
            None => Ok(INIT.context(missing)?.to_vec()),
        }
    }

    /// The bytes of `replant`.
    pub fn replant(&self) -> Result<Vec<u8>> {
        replant(self.replant.as_deref())
    }

    /// Files that the command line names.
    pub fn inputs(&self) -> impl Iterator<Item = &Path> {
        let files = [&self.init, &self.replant];
        files.into_iter().flatten().map(PathBuf::as_path)
    }
}

/// The bytes of `replant`, which may have been given.
pub fn replant(path: Option<&Path>) -> Result<Vec<u8>> {
    let missing = "no replant: this replant-pack was built without it; give --replant FILE";
    match path {
        Some(path) => given(path, "--replant", "/init", mark::INIT),
        None => Ok(REPLANT.context(missing)?.to_vec()),
    }
}

/// Reads a program that was given, which must be static, and must not be the
/// `other` one, which contains `words`.
fn given(path: &Path, option: &str, other: &str, words: &str) -> Result<Vec<u8>> {
    let bytes = fs::read(path).map_err(cannot("read", path))?;
    executable::check(&bytes)
        .map_err(|what| anyhow!("{} cannot run by itself: {what}", path.display()))?;
    if has(&bytes, words.as_bytes()) {
        bail!(
            "{option} {}: this is {other}; are the files of --init and --replant exchanged?",
            path.display()
        );
    }
    Ok(bytes)
}

/// Whether `words` are somewhere in `bytes`.
fn has(bytes: &[u8], words: &[u8]) -> bool {
    let Some((first, rest)) = words.split_first() else {
        return true;
    };
    let mut left = bytes;
    while let Some(at) = left.iter().position(|byte| byte == first) {
        left = left.get(at.saturating_add(1)..).unwrap_or_default();
        if left.starts_with(rest) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_exchanged_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let program = |name: &str, words: &str| {
            let path = dir.path().join(name);
            let mut bytes = b"\x7fELF\x02\x01".to_vec();
            bytes.resize(64, 0);
            bytes[18] = 62;
            bytes.extend(words.as_bytes());
            fs::write(&path, bytes).unwrap();
            Some(path)
        };
        let programs = Programs {
            init: program("init", mark::INIT),
            replant: program("replant", mark::AGENT),
        };
        programs.init().unwrap();
        programs.replant().unwrap();
        let swapped = Programs {
            init: programs.replant,
            replant: programs.init,
        };
        let error = swapped.init().unwrap_err().to_string();
        assert!(
            error.ends_with("this is replant; are the files of --init and --replant exchanged?"),
            "{error}"
        );
        let error = swapped.replant().unwrap_err().to_string();
        assert!(error.contains("init: this is /init; "), "{error}");
    }

    #[test]
    fn words_are_found_wherever_they_are() {
        assert!(has(b"aab", b"ab") && has(b"ab", b"ab") && has(b"x", b""));
        assert!(!has(b"aa", b"ab") && !has(b"", b"a"));
    }
}
