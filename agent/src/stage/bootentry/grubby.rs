// SPDX-License-Identifier: MIT OR Apache-2.0
//! The entry by `grubby`, which manages grub.cfg on EL7 and BLS files later.

use super::{Entry, Error, ID};
use crate::program;
use std::process::Command;

const KERNEL: &str = "/boot/vmlinuz-convert";
const INITRAMFS: &str = "/boot/initramfs-convert.img";

/// Adds the entry and returns the name by which GRUB knows it, or `None` when
/// grubby does not list what it was given (it says nothing then).
pub(super) fn add(entry: &Entry) -> Result<Option<String>, Error> {
    remove()?;
    let add = Command::new("grubby")
        .arg(format!("--add-kernel={KERNEL}"))
        .arg(format!("--initrd={INITRAMFS}"))
        .arg(format!("--title={ID}"))
        .arg(format!("--args={}", entry.arguments))
        .output();
    if add.is_err() {
        return Ok(None);
    }
    Ok(listed())
}

/// The name by which GRUB knows our entry, if grubby lists it.
pub(super) fn listed() -> Option<String> {
    let info = program::output(Command::new("grubby").arg(format!("--info={KERNEL}")));
    info.ok().and_then(|text| name(&text))
}

/// Takes the entry away; there may be none.
pub(super) fn remove() -> Result<(), Error> {
    if listed().is_some() {
        program::output(Command::new("grubby").arg(format!("--remove-kernel={KERNEL}")))?;
    }
    Ok(())
}

/// The `id` of a BLS entry, else the title, of what `grubby --info` prints.
fn name(info: &str) -> Option<String> {
    let value = |key: &str| {
        info.lines().find_map(|line| {
            let value = line.strip_prefix(key)?.strip_prefix('=')?;
            Some(value.trim().trim_matches('"').to_string())
        })
    };
    value("kernel").filter(|k| k.ends_with("vmlinuz-convert"))?;
    value("initrd").filter(|i| i.contains("initramfs-convert.img"))?;
    value("id")
        .or_else(|| value("title"))
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_entry_by_the_name_that_grub_knows() {
        let el7 = "index=0\nkernel=/boot/vmlinuz-convert\nargs=\"replant=migrate\"\n\
            initrd=/boot/initramfs-convert.img\ntitle=replant-migration\n";
        assert_eq!(name(el7).as_deref(), Some("replant-migration"));
        let el9 = "index=0\nkernel=\"/boot/vmlinuz-convert\"\nargs=\"replant=migrate\"\n\
            root=\"\"\ninitrd=\"/boot/initramfs-convert.img\"\ntitle=\"replant-migration\"\n\
            id=\"f0c-0-convert\"\n";
        assert_eq!(name(el9).as_deref(), Some("f0c-0-convert"));
        assert_eq!(name("grubby: kernel not found\n"), None);
        assert_eq!(
            name("kernel=/boot/vmlinuz-3.10\ninitrd=/x\ntitle=a\n"),
            None
        );
    }
}
