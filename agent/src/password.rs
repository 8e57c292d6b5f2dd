// SPDX-License-Identifier: MIT OR Apache-2.0
//! The hash of the console's password: which ones the tiny system can verify,
//! and how `stage` puts one into the initramfs.

use crate::paths;
use ondisk::cpio;
use ondisk::manifest::is_crypt_hash;
use sha_crypt::{PasswordVerifier, ShaCrypt};
use yescrypt::Yescrypt;

/// Most rounds of sha256crypt and sha512crypt: some seconds of a slow machine.
const MOST_ROUNDS: u32 = 1_000_000;
/// Most memory in bytes that yescrypt may take, beside the payload in RAM.
const MOST_MEMORY: u64 = 64 << 20;

/// Why a hash cannot be used. It is never quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("has no password")]
    None,
    #[error("has a password hash of a kind that is not supported (only $5$, $6$ and $y$ are)")]
    Kind,
    #[error("has a password hash with less than 1000 or more than {MOST_ROUNDS} rounds")]
    Rounds,
    #[error("has a password hash that takes more than {} MiB of memory", MOST_MEMORY >> 20)]
    Memory,
}

/// Whether the console will be able to verify passwords with this hash.
pub fn check(hash: &str) -> Result<(), Unusable> {
    if hash.is_empty() || hash.starts_with(['!', '*']) {
        return Err(Unusable::None);
    }
    if !is_crypt_hash(hash) {
        return Err(Unusable::Kind);
    }
    let mut fields = hash.split('$').skip(1);
    let (kind, parameters) = (fields.next(), fields.next().unwrap_or_default());
    if kind == Some("y") {
        let parameters: yescrypt::Params = parameters.parse().map_err(|_| Unusable::Kind)?;
        let blocks = parameters.n().saturating_mul(u64::from(parameters.r()));
        return match blocks.saturating_mul(128) {
            0..=MOST_MEMORY => Ok(()),
            _ => Err(Unusable::Memory),
        };
    }
    match parameters.strip_prefix("rounds=").map(str::parse) {
        None | Some(Ok(1000..=MOST_ROUNDS)) => Ok(()),
        Some(_) => Err(Unusable::Rounds),
    }
}

/// Whether the typed password fits the hash. No password fits an unusable hash.
pub fn is_password(hash: &str, typed: &[u8]) -> bool {
    if check(hash).is_err() {
        return false;
    }
    match hash.starts_with("$y$") {
        true => Yescrypt::default().verify_password(typed, hash).is_ok(),
        false => ShaCrypt::SHA512.verify_password(typed, hash).is_ok(),
    }
}

/// An archive with the hash, to stand before the other parts of an initramfs.
pub fn segment(hash: &str) -> Result<Vec<u8>, cpio::Error> {
    let mut archive = cpio::Builder::new();
    let path = paths::CONSOLE_PASSWORD.trim_start_matches('/');
    archive.file(path, 0o600, format!("{hash}\n").into_bytes())?;
    Ok(archive.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// crypt(3) of libxcrypt 4.4 made these, of the password "open sesame".
    const HASHES: [&str; 3] = [
        "$6$rounds=1000$aZ.9/q$GWEFMxAc8r4JNc93ms.us9k.EgZibSC8PisWOl4AArdzphCZJ77W.iT58ou8vUwc2i4hZl6YE6vVhnKQsqo4G1",
        "$5$saltsalt$yrhPKxCqiWcCE9h0g86j6Ugz7SDFdFm.BjU.d8RaQnC",
        "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$6JlLzEdKMvGk83Zgd3owplAejssJr2SFlJFlOc7i54A",
    ];

    #[test]
    fn knows_what_crypt_made() {
        for hash in HASHES {
            check(hash).unwrap();
            assert!(is_password(hash, b"open sesame"), "{hash}");
            assert!(!is_password(hash, b"open sesamE"), "{hash}");
            assert!(!is_password(hash, b""), "{hash}");
            // One character of the hash decides.
            let mut other = hash.to_string();
            let last = if other.pop() == Some('.') { '/' } else { '.' };
            other.push(last);
            assert!(!is_password(&other, b"open sesame"), "{other}");
        }
    }

    #[test]
    fn refuses_what_it_could_not_compute() {
        for (hash, why) in [
            ("", Unusable::None),
            ("!!", Unusable::None),
            ("*", Unusable::None),
            ("!$6$abc$xyz", Unusable::None),
            ("$1$abc$xyz", Unusable::Kind),
            ("xQ8bSkFsE3vXc", Unusable::Kind),
            ("$2b$10$abcdefghijklmnopqrstuv", Unusable::Kind),
            ("$6$rounds=10$abc$xyz", Unusable::Rounds),
            ("$6$rounds=999999999$abc$xyz", Unusable::Rounds),
            ("$6$rounds=many$abc$xyz", Unusable::Rounds),
            ("$y$jJT$abc$xyz", Unusable::Memory),
            ("$y$jzz$abc$xyz", Unusable::Kind),
            ("$y$j$abc$xyz", Unusable::Kind),
        ] {
            assert_eq!(check(hash), Err(why), "{hash}");
            assert!(
                !is_password(hash, b"") && !is_password(hash, b"x"),
                "{hash}"
            );
        }
    }

    #[test]
    fn the_segment_holds_the_hash_for_root_alone() {
        let bytes = segment("$6$abc$xyz").unwrap();
        let tree = cpio::Reader::new(&bytes);
        let found: Vec<_> = tree
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.mode & cpio::TYPE_MASK == cpio::REGULAR)
            .map(|entry| (entry.mode & 0o7777, entry.data.to_vec()))
            .collect();
        assert_eq!(found, [(0o600, b"$6$abc$xyz\n".to_vec())]);
    }
}
