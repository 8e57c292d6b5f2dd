// SPDX-License-Identifier: MIT OR Apache-2.0
//! The entry in GRUB's `custom.cfg`, which grub.cfg reads while booting.
//!
//! Nothing that the distribution generates is changed, so a `revert` leaves
//! the boot loader as it was.

use super::{Entry, Error, ID, read};
use std::io::Write;
use std::path::Path;

const BEGIN: &str = "### BEGIN replant ###";
const END: &str = "### END replant ###";

/// Whether a grub.cfg reads custom.cfg (41_custom of GRUB's own scripts).
pub(super) fn is_sourced(config: &str) -> bool {
    config.lines().any(|line| {
        let line = line.trim_start();
        line.starts_with("source") && line.contains("custom.cfg")
    })
}

/// Our lines for `entry`.
fn block(entry: &Entry) -> String {
    format!(
        "{BEGIN}\n\
         menuentry 'replant: migrate this machine' --id {ID} --unrestricted {{\n\
         \tsearch --no-floppy --fs-uuid --set=root {}\n\
         \tlinux {} {}\n\
         \tinitrd {}\n\
         }}\n\
         {END}\n",
        entry.boot_uuid, entry.kernel, entry.arguments, entry.initramfs
    )
}

/// The text without our lines. Without an end mark all after the begin mark
/// stays: it may be somebody else's.
fn without(text: &str) -> String {
    let Some(from) = text.find(BEGIN) else {
        return text.to_string();
    };
    let Some(to) = text.get(from..).and_then(|rest| rest.find(END)) else {
        return text.to_string();
    };
    let rest = text.get(from + to + END.len()..).unwrap_or("");
    format!(
        "{}{}",
        text.get(..from).unwrap_or(""),
        rest.strip_prefix('\n').unwrap_or(rest)
    )
}

pub(super) fn add(path: &Path, entry: &Entry) -> Result<(), Error> {
    let old = if path.exists() {
        without(&read(path)?)
    } else {
        String::new()
    };
    replace(path, &format!("{old}{}", block(entry)))
}

pub(super) fn remove(path: &Path) -> Result<(), Error> {
    if !path.exists() {
        return Ok(());
    }
    let old = read(path)?;
    let rest = without(&old);
    let failed = |source| Error::File {
        path: path.into(),
        source,
    };
    if rest.is_empty() && old.starts_with(BEGIN) {
        return std::fs::remove_file(path).map_err(failed);
    }
    if rest != old {
        replace(path, &rest)
    } else {
        Ok(())
    }
}

fn replace(path: &Path, text: &str) -> Result<(), Error> {
    let part = path.with_extension("cfg.replant");
    let write = || {
        let mut file = std::fs::File::create(&part)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&part, path)
    };
    write().map_err(|source| Error::File {
        path: path.into(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            kernel: "/vmlinuz-convert".into(),
            initramfs: "/initramfs-convert.img".into(),
            boot_uuid: "0de0".into(),
            arguments: "replant=migrate panic=10".into(),
        }
    }

    #[test]
    fn comes_and_goes_without_a_trace() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("custom.cfg");
        remove(&path).unwrap();
        add(&path, &entry()).unwrap();
        add(&path, &entry()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches("menuentry").count(), 1);
        assert!(text.contains("\tlinux /vmlinuz-convert replant=migrate panic=10\n"));
        assert!(text.contains("--fs-uuid --set=root 0de0\n"));
        remove(&path).unwrap();
        assert!(!path.exists());

        std::fs::write(&path, "set mine=1\n").unwrap();
        add(&path, &entry()).unwrap();
        std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"set last=1\n")
            .unwrap();
        add(&path, &entry()).unwrap();
        remove(&path).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "set mine=1\nset last=1\n"
        );
    }
}
