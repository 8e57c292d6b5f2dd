// SPDX-License-Identifier: MIT OR Apache-2.0
//! The password of the tiny system's console, as the package asks for it.

use super::Error;
use crate::password;
use ondisk::manifest::{Console, Password};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use sys::cannot;

/// The hash for the initramfs; `None` if the package asks for no password.
///
/// # Errors
/// [`Error::ConsolePassword`] when the console could not verify it.
pub(super) fn hash(console: &Console, root: &Path) -> Result<Option<String>, Error> {
    let (whose, hash) = match &console.password {
        None => return Ok(None),
        Some(Password::Hash(hash)) => ("migration.toml", hash.clone()),
        Some(Password::OldRoot) => {
            let path = root.join("etc/shadow");
            // Other lines may hold bytes that are no UTF-8.
            let bytes = std::fs::read(&path).map_err(cannot("read", &path))?;
            let text = String::from_utf8_lossy(&bytes);
            ("root on this machine", of_root(&text).to_string())
        }
    };
    match password::check(&hash) {
        Ok(()) => Ok(Some(hash)),
        Err(why) => Err(Error::ConsolePassword { whose, why }),
    }
}

/// The password field of root in the text of an `/etc/shadow`.
fn of_root(shadow: &str) -> &str {
    let fields = |line: &'_ str| -> Option<(usize, usize)> {
        let rest = line.strip_prefix("root:")?;
        Some((5, 5 + rest.find(':').unwrap_or(rest.len())))
    };
    shadow
        .lines()
        .find_map(|line| fields(line).and_then(|(from, to)| line.get(from..to)))
        .unwrap_or_default()
}

/// Puts the hash into a copy of the initramfs, as an uncompressed archive of its
/// own at the front, where the kernel allows one.
pub(super) fn protect(image: &Path, hash: &str) -> Result<(), Error> {
    let mut bytes = password::segment(hash).map_err(Error::Archive)?;
    bytes.extend(std::fs::read(image).map_err(cannot("read", image))?);
    let mut open = std::fs::File::create(image).map_err(cannot("write", image))?;
    let written = open
        .set_permissions(std::fs::Permissions::from_mode(0o600))
        .and_then(|()| open.write_all(&bytes))
        .and_then(|()| open.sync_all());
    Ok(written.map_err(cannot("write", image))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_from_the_package_or_from_the_old_root() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("etc")).unwrap();
        let shadow = |text: &[u8]| std::fs::write(root.path().join("etc/shadow"), text).unwrap();
        let ask = |text: &str| {
            let password = Some(Password::try_from(text.to_string()).unwrap());
            hash(&Console { password }, root.path())
        };
        assert_eq!(hash(&Console::default(), root.path()).unwrap(), None);
        assert_eq!(ask("$6$abc$xyz").unwrap().unwrap(), "$6$abc$xyz");
        shadow(b"b\xe4r:$6$no$no:1::\nroot:$y$j9T$abc$xyz:19000:0:99999:7:::\n");
        assert_eq!(ask("root").unwrap().unwrap(), "$y$j9T$abc$xyz");
        for (line, why) in [
            ("root:!!:1::::::\n", "root on this machine has no password"),
            ("root::1::::::\n", "root on this machine has no password"),
            ("daemon:*:1::::::\n", "root on this machine has no password"),
            (
                "root:$1$secret$xyz:1:::::\n",
                "of a kind that is not supported",
            ),
        ] {
            shadow(line.as_bytes());
            let error = ask("root").unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        let error = ask("$6$rounds=999999999$abc$xyz").unwrap_err().to_string();
        assert!(
            error.contains("migration.toml has a password hash"),
            "{error}"
        );
    }

    #[test]
    fn finds_root_in_shadow() {
        let shadow = "daemon:*:1::::::\nroot:$6$abc$xyz:19000:0:99999:7:::\nroot2:x:::::::\n";
        assert_eq!(of_root(shadow), "$6$abc$xyz");
        assert_eq!(of_root("rooter:x:\n"), "");
        assert_eq!(of_root("root:"), "");
        assert_eq!(of_root("root:!"), "!");
    }
}
