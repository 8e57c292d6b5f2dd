// SPDX-License-Identifier: MIT OR Apache-2.0
//! The saved identity on disk: `identity.toml`, `ssh/` with the host keys, and
//! `carried/` with what the package carries over. It holds password hashes and private keys: directories 0700, files 0600.

use super::carried::Contents;
use super::error::{Error, Result};
use super::host_key::{self, Keys};
use super::model::{Identity, VERSION};
use ondisk::document;
use rootdir::{self, Attributes, LIMIT, RootDir};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use sys::cannot;

const FILE: &str = "identity.toml";
const SSH: &str = "ssh";
const CARRIED: &str = "carried";
const PRIVATE: Attributes = Attributes::root(0o600);

/// All that was saved.
pub(super) struct Saved {
    pub identity: Identity,
    pub keys: Keys,
    pub contents: Contents,
}

/// Writes it, durably. Files of an earlier run that are gone are removed.
pub(super) fn write(dir: &Path, saved: &Saved) -> Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(cannot("create the directory", dir))
        .map_err(rootdir::Error::from)?;
    let root = RootDir::open(dir)?;
    root.set_attributes(".", Attributes::root(0o700))?;
    for (below, files) in [(SSH, &saved.keys), (CARRIED, &saved.contents)] {
        root.make_dir(below, Attributes::root(0o700))?;
        root.set_attributes(below, Attributes::root(0o700))?;
        for name in root.list(below)? {
            if !files.iter().any(|(n, _)| *n == name) {
                root.remove(&format!("{below}/{name}"))?;
            }
        }
        for (name, bytes) in files {
            root.write(&format!("{below}/{name}"), bytes, PRIVATE)?;
        }
    }
    let text = encode(&saved.identity, &dir.join(FILE))?;
    // It is written last, because it names the others.
    root.write(FILE, text.as_bytes(), PRIVATE)?;
    Ok(())
}

/// Reads it, and the files that it names.
pub(super) fn read(dir: &Path) -> Result<Saved> {
    let path = dir.join(FILE);
    let damaged = |reason: String| Error::Damaged {
        path: path.clone(),
        reason,
    };
    let root = RootDir::open(dir)?;
    let bytes = root
        .read(FILE)?
        .ok_or_else(|| damaged("there is no such file".into()))?;
    let identity = parse(&bytes).map_err(|e| match e {
        Bad::Version(found) => Error::Version {
            path: path.clone(),
            found,
            known: VERSION,
        },
        Bad::Text(reason) => damaged(reason),
    })?;
    let mut keys = Keys::new();
    for name in &identity.ssh_host_keys {
        if !host_key::is_name(name) {
            return Err(damaged(format!("{name:?} is no name of an ssh host key")));
        }
        let content = root.read(&format!("{SSH}/{name}"))?;
        keys.push((
            name.clone(),
            content.ok_or_else(|| damaged(format!("{SSH}/{name} is missing")))?,
        ));
    }
    let mut contents = Contents::new();
    for number in identity.carried.iter().filter_map(|one| one.content) {
        let name = number.to_string();
        let content = root.read(&format!("{CARRIED}/{name}"))?;
        contents.push((
            name,
            content.ok_or_else(|| damaged(format!("{CARRIED}/{number} is missing")))?,
        ));
    }
    Ok(Saved {
        identity,
        keys,
        contents,
    })
}

/// Why the text is no identity.
#[derive(Debug)]
pub(super) enum Bad {
    Version(u32),
    Text(String),
}

/// Reads the text, and checks the version before anything else.
pub(super) fn parse(bytes: &[u8]) -> std::result::Result<Identity, Bad> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        version: u32,
    }
    let text = std::str::from_utf8(bytes).map_err(|e| Bad::Text(e.to_string()))?;
    // The message has the line only, because the parser's message may quote a
    // password's hash.
    let unreadable = |e: document::Error| Bad::Text(format!("line {} cannot be read", e.line));
    let Versioned { version } = document::read(text).map_err(unreadable)?;
    if version == 0 || version > VERSION {
        return Err(Bad::Version(version));
    }
    document::read(text).map_err(unreadable)
}

/// The text of the stored identity, or why it could not be read again.
pub(super) fn encode(identity: &Identity, path: &Path) -> Result<String> {
    let damaged = |reason: String| Error::Damaged {
        path: path.to_owned(),
        reason,
    };
    let text = document::write(identity).map_err(|_| damaged("it cannot be written".into()))?;
    let mut users: Vec<_> = identity.accounts.users.iter().collect();
    users.sort_by_key(|u| std::cmp::Reverse(u.authorized_keys.len()));
    if text.len() as u64 > LIMIT {
        return Err(Error::TooMuch {
            size: text.len() as u64,
            limit: LIMIT,
            accounts: users.len(),
            largest: users.first().map_or_else(String::new, |u| u.name.clone()),
        });
    }
    match parse(text.as_bytes()) {
        Ok(read) if read == *identity => Ok(text),
        Ok(_) => Err(damaged(
            "what is read again differs from what was saved".into(),
        )),
        Err(Bad::Text(reason)) => Err(damaged(reason)),
        Err(Bad::Version(found)) => Err(Error::Version {
            path: path.to_owned(),
            found,
            known: VERSION,
        }),
    }
}
