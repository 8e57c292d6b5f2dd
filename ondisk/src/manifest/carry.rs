// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the maker of a package carries over beyond the identity: files of his
//! own, and a program that makes something of them.

use super::Error;
use crate::identity_path::{is_identity_path, is_inside};
use serde::{Deserialize, Serialize};

/// Files and directories of the old system that the new one gets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carry {
    /// Absolute paths, of a directory with all that is in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
}

/// Programs of the new system that are run once in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hooks {
    /// Each a program and its arguments, after the identity is there and before
    /// the new system is made bootable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after_identity: Vec<Vec<String>>,
}

impl Carry {
    /// Whether nothing is said.
    pub fn is_default(&self) -> bool {
        *self == Carry::default()
    }
}

impl Hooks {
    /// Whether nothing is said.
    pub fn is_default(&self) -> bool {
        *self == Hooks::default()
    }
}

/// Trees whose files belong to the system itself: those of the old one would
/// keep the new one from starting, or are nothing that lasts.
const FOREIGN: [&str; 22] = [
    "bin",
    "boot",
    "dev",
    "etc/default/grub",
    "etc/default/grub.d",
    "etc/dracut.conf",
    "etc/dracut.conf.d",
    "etc/grub.d",
    "etc/initramfs-tools",
    "etc/ld.so.conf",
    "etc/ld.so.conf.d",
    "etc/lvm",
    "etc/nsswitch.conf",
    "etc/pam.d",
    "etc/selinux",
    "etc/upd",
    "lib",
    "lib64",
    "proc",
    "run",
    "sbin",
    "sys",
];

/// Refuses paths that are none, and those that are not the package's to carry.
pub(super) fn check(carry: &Carry, hooks: &Hooks) -> Result<(), Error> {
    let mut before: Vec<&str> = Vec::new();
    for path in &carry.paths {
        let wrong = |what: &str| Error::Value {
            place: format!("carry: path {path:?}"),
            what: what.into(),
        };
        let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\0', '\n']);
        let Some(own) = path
            .strip_prefix('/')
            .filter(|own| own.split('/').all(plain))
        else {
            return Err(wrong(
                "is not like /etc/app/key: from / on, without ., .. and a slash at its end",
            ));
        };
        let is_above = |top: &str, path: &str| is_inside(path.as_bytes(), top.as_bytes());
        if is_identity_path(own) {
            return Err(wrong(
                "is written or read by replant itself, or has such a file in it; [identity] says what of that is carried over",
            ));
        }
        let system = FOREIGN
            .iter()
            .any(|top| is_above(top, own) || is_above(own, top));
        if system || is_above("usr", own) && !is_above("usr/local", own) || own == "etc" {
            return Err(wrong(
                "belongs to the system itself: the old one's would not fit the new one; name single files or directories of the application",
            ));
        }
        if before
            .iter()
            .any(|other| is_above(other, own) || is_above(own, other))
        {
            return Err(wrong(
                "is named twice, or lies in another one that is named",
            ));
        }
        before.push(own);
    }
    for words in &hooks.after_identity {
        let program = words.first().map_or("", String::as_str);
        if !program.starts_with('/') || words.iter().any(|word| word.contains('\0')) {
            return Err(Error::Value {
                place: "hooks: after_identity".into(),
                what: format!("{program:?} is no path of a program, as /usr/libexec/app/convert"),
            });
        }
    }
    Ok(())
}
