// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant-pack keygen`: a pair of keys, as `minisign -G` makes it.

use super::password::{self, Purpose};
use crate::file::cannot;
use crate::output;
use anyhow::Result;
use minisign::KeyPair;
use ondisk::minisign::PublicKey;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The arguments of `replant-pack keygen`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the public key goes, which machines trust
    #[arg(short, long, value_name = "FILE", default_value = "minisign.pub")]
    public: PathBuf,

    /// Where the secret key goes, which signs
    #[arg(short, long, value_name = "FILE", default_value = "minisign.key")]
    secret: PathBuf,

    /// Protects the secret key by no password
    #[arg(short = 'W', long)]
    no_password: bool,

    /// A file whose first line is the new password
    #[arg(long, value_name = "FILE", conflicts_with = "no_password")]
    password_file: Option<PathBuf>,
}

/// Makes the two files; none that is there is replaced.
pub fn run(args: &Args) -> Result<()> {
    // Before anybody is asked for a password.
    let public = create(&args.public, 0o644)?;
    let made = create(&args.secret, 0o600).and_then(|secret| {
        let made = pair(args, public, secret);
        if made.is_err() {
            let _ = std::fs::remove_file(&args.secret);
        }
        made
    });
    if made.is_err() {
        let _ = std::fs::remove_file(&args.public);
    }
    output::print(&made?)
}

fn pair(args: &Args, mut public: impl Write, mut secret: impl Write) -> Result<String> {
    let pair = match args.no_password {
        true => KeyPair::generate_unencrypted_keypair()?,
        false => {
            let password = password::get(&Purpose::Make, args.password_file.as_deref())?;
            KeyPair::generate_encrypted_keypair(Some(password))?
        }
    };
    let text = pair.pk.to_box()?.to_string();
    let key = PublicKey::parse(text.as_bytes())?;
    let id = key.id();
    writeln!(
        public,
        "untrusted comment: minisign public key {id}\n{}",
        key.line()
    )
    .map_err(cannot("write", &args.public))?;
    let comment = format!("minisign secret key {id}");
    write!(secret, "{}", pair.sk.to_box(Some(&comment))?).map_err(cannot("write", &args.secret))?;
    Ok(format!(
        "{}: the secret key {id}; keep it off the machines that are migrated\n{}: the public key, for /etc/replant/trusted-keys there: {}\n",
        args.secret.display(),
        args.public.display(),
        key.line()
    ))
}

fn create(path: &Path, mode: u32) -> Result<std::fs::File> {
    let mut options = OpenOptions::new();
    let options = options.write(true).create_new(true).mode(mode);
    options.open(path).map_err(cannot("make", path))
}
