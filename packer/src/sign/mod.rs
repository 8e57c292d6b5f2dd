// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signing packages, as minisign does, and keys for it.

mod keygen;
mod password;

pub use keygen::{Args as KeygenArgs, run as keygen};

use crate::archive;
use crate::file::At;
use anyhow::{Result, anyhow, bail};
use ct_codecs::{Base64, Decoder};
use minisign::{SecretKey, SecretKeyBox};
use ondisk::manifest::{MANIFEST, SIGNATURE};
use ondisk::minisign::{PublicKey, verify};
use password::Purpose;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// How the line of a secret key without a password begins: Ed25519, nothing,
/// BLAKE2b.
const PLAIN: &str = "RWQAAEIy";
/// The same with a password, which scrypt stretches.
const PROTECTED: &str = "RWRTY0Iy";

/// The options of the commands that make packages.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Options {
    /// Signs the package by this secret key of minisign
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,

    /// A file whose first line is the password of that key
    #[arg(long, value_name = "FILE", requires = "sign")]
    password_file: Option<PathBuf>,
}

impl Options {
    /// The key, whose password is asked for if it has one. To be called before
    /// the long work.
    pub fn key(&self) -> Result<Option<Key>> {
        let read = |path: &PathBuf| Key::read(path, self.password_file.as_deref());
        self.sign.as_ref().map(read).transpose()
    }

    /// Files that must not be replaced by the result.
    pub fn inputs(&self) -> impl Iterator<Item = &Path> {
        let both = [&self.sign, &self.password_file];
        both.into_iter().flatten().map(PathBuf::as_path)
    }
}

/// A secret key that can be used.
pub struct Key {
    secret: SecretKey,
    public: PublicKey,
}

impl Key {
    fn read(path: &Path, password_file: Option<&Path>) -> Result<Key> {
        let text = std::fs::read_to_string(path).at(path)?;
        let line = text.lines().nth(1).unwrap_or_default();
        let secret = if line.starts_with(PLAIN) {
            plain(line)
        } else if line.starts_with(PROTECTED) {
            let what = path.display().to_string();
            let password = password::get(&Purpose::Use(what), password_file)?;
            SecretKeyBox::from(text).into_secret_key(Some(password))
        } else if PublicKey::parse(text.as_bytes()).is_ok() {
            bail!(
                "{}: is a public key; --sign takes the secret one",
                path.display()
            );
        } else {
            bail!(
                "{}: is no secret key of minisign, which has two lines: a comment, and the key; make one by replant-pack keygen",
                path.display()
            );
        };
        let key = Key::of(secret.at(path)?)?;
        key.sign("").at(path)?;
        Ok(key)
    }

    fn of(secret: SecretKey) -> Result<Key> {
        let public = minisign::PublicKey::from_secret_key(&secret)?;
        let public = PublicKey::parse(public.to_box()?.to_string().as_bytes())?;
        Ok(Key { secret, public })
    }

    /// The content of `migration.toml.minisig`.
    pub fn sign(&self, manifest: &str) -> Result<String> {
        let comment = format!("timestamp:{}\tfile:{MANIFEST}\thashed", time()?);
        let untrusted = format!("signature of key {}", self.public.id());
        let data = Cursor::new(manifest);
        let made = minisign::sign(None, &self.secret, data, Some(&comment), Some(&untrusted))?;
        let text = made.into_string();
        // A key whose halves do not belong together signs, too.
        let keys = std::slice::from_ref(&self.public);
        verify(manifest.as_bytes(), Some(text.as_bytes()), keys)
            .map_err(|_| anyhow!("{SIGNATURE}: what the key signs is not right by its own public half; the file of the secret key is damaged"))?;
        Ok(text)
    }

    /// Its number, as minisign shows it.
    pub fn id(&self) -> String {
        self.public.id().to_string()
    }
}

/// A key without a password. minisign leaves its checksum zero, which the crate
/// takes for damage; what it signs is looked at instead.
fn plain(line: &str) -> minisign::Result<SecretKey> {
    let bytes = Base64::decode_to_vec(line.trim(), None)?;
    SecretKey::from_bytes(&bytes)
}

/// Seconds since 1970, for the trusted comment.
fn time() -> Result<u64> {
    let now = || {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs())
    };
    let said = archive::source_date_epoch()?;
    Ok(said.map_or_else(now, |said| u64::try_from(said).unwrap_or_default()))
}
