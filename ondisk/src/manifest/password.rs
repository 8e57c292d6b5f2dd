// SPDX-License-Identifier: MIT OR Apache-2.0
//! `[console] password`: who may use the tiny system's recovery console.

use serde::{Deserialize, Serialize};

/// Longest crypt hash that is taken, in bytes.
const LONGEST: usize = 256;

/// The word for the password of the old system's root.
const OLD_ROOT: &str = "root";

/// A password as the manifest has it. It is never shown: neither its `Debug`
/// nor an error about it contains the hash.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Password {
    /// That of root on the old system; `stage` takes the hash from there.
    OldRoot,
    /// A crypt hash of the kind `$5$`, `$6$` or `$y$`, as in crypt(5).
    Hash(String),
}

impl TryFrom<String> for Password {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Password, &'static str> {
        if text == OLD_ROOT {
            return Ok(Password::OldRoot);
        }
        if is_crypt_hash(&text) {
            return Ok(Password::Hash(text));
        }
        Err(
            "password is neither \"root\" nor a crypt hash that begins with $5$, $6$ or $y$; \
             mkpasswd -m sha512crypt makes one",
        )
    }
}

impl From<Password> for String {
    fn from(password: Password) -> String {
        match password {
            Password::OldRoot => OLD_ROOT.into(),
            Password::Hash(hash) => hash,
        }
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Password::OldRoot => "OldRoot",
            Password::Hash(_) => "Hash(..)",
        })
    }
}

/// Whether a text has the form of a crypt hash of a kind that the console
/// can verify: sha256crypt, sha512crypt, yescrypt; with salt and hash.
pub fn is_crypt_hash(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "./$=".contains(c);
    let fields: Vec<&str> = text.split('$').collect();
    let complete = match fields.as_slice() {
        ["", "5" | "6", salt, hash] => salt.len() <= 16 && !hash.is_empty(),
        ["", "5" | "6", rounds, salt, hash] => {
            rounds.starts_with("rounds=") && salt.len() <= 16 && !hash.is_empty()
        }
        ["", "y", parameters, salt, hash] => {
            !parameters.is_empty() && !salt.is_empty() && !hash.is_empty()
        }
        _ => false,
    };
    complete && text.len() <= LONGEST && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_console_can_verify() {
        for good in [
            "$6$abcdefgh$x/y.z",
            "$6$rounds=5000$abcdefgh$xyz",
            "$5$saltsalt$xyz",
            "$y$j9T$abc$xyz",
        ] {
            assert!(is_crypt_hash(good), "{good}");
            let password = Password::try_from(good.to_string()).unwrap();
            assert_eq!(String::from(password), good);
        }
        assert_eq!(
            Password::try_from("root".to_string()),
            Ok(Password::OldRoot)
        );
        for bad in [
            "",
            "secret",
            "$1$abc$xyz",
            "$2b$10$xyz",
            "!$6$abc$xyz",
            "$6$abc$",
            "$6$abc",
            "$6$a b$xyz",
            "$6$abc$x\ny",
            "$6$abcdefghijklmnopq$xyz",
            "*",
            "$y$j9T$$x",
        ] {
            assert!(Password::try_from(bad.to_string()).is_err(), "{bad}");
        }
    }

    #[test]
    fn is_not_shown() {
        let password = Password::try_from("$6$abcdefgh$verysecret".to_string()).unwrap();
        assert!(!format!("{password:?}").contains("secret"));
    }
}
