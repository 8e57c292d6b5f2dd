// SPDX-License-Identifier: MIT OR Apache-2.0
//! The saved identity on disk: `identity.toml`, and `ssh/` with the host keys.
//! It holds password hashes and private keys: directories 0700, files 0600.

use super::error::{Error, Result};
use super::model::{Identity, VERSION};
use super::root::{Attributes, RootDir};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

const FILE: &str = "identity.toml";
const SSH: &str = "ssh";
const PRIVATE: Attributes = Attributes::root(0o600);

/// Raw files beside the model: name and content.
pub(super) type Keys = Vec<(String, Vec<u8>)>;

/// Writes it, durably. Keys of an earlier run that are gone are removed.
pub(super) fn write(dir: &Path, identity: &Identity, keys: &Keys) -> Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|source| Error::Io {
            action: "create the directory",
            path: dir.to_owned(),
            source,
        })?;
    let root = RootDir::open(dir)?;
    root.set_attributes(".", Attributes::root(0o700))?;
    root.make_dir(SSH, Attributes::root(0o700))?;
    root.set_attributes(SSH, Attributes::root(0o700))?;
    for name in root.list(SSH)? {
        if !keys.iter().any(|(n, _)| *n == name) {
            root.remove(&format!("{SSH}/{name}"))?;
        }
    }
    for (name, bytes) in keys {
        root.write(&format!("{SSH}/{name}"), bytes, PRIVATE)?;
    }
    let text = toml::to_string(identity).map_err(|e| Error::Damaged {
        path: dir.join(FILE),
        reason: e.to_string(),
    })?;
    // Last: it names the others.
    root.write(FILE, text.as_bytes(), PRIVATE)?;
    Ok(())
}

/// Reads it, and the keys that it names.
pub(super) fn read(dir: &Path) -> Result<(Identity, Keys)> {
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
        if !super::keys::is_host_key(name) {
            return Err(damaged(format!("{name:?} is no name of an ssh host key")));
        }
        let content = root.read(&format!("{SSH}/{name}"))?;
        keys.push((
            name.clone(),
            content.ok_or_else(|| damaged(format!("{SSH}/{name} is missing")))?,
        ));
    }
    Ok((identity, keys))
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
    let one_line = |e: toml::de::Error| Bad::Text(e.to_string().replace('\n', " "));
    let text = std::str::from_utf8(bytes).map_err(|e| Bad::Text(e.to_string()))?;
    let version = toml::from_str::<Versioned>(text).map_err(one_line)?.version;
    if version == 0 || version > VERSION {
        return Err(Bad::Version(version));
    }
    toml::from_str(text).map_err(one_line)
}
