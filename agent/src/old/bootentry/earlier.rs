// SPDX-License-Identifier: MIT OR Apache-2.0
//! The boot entry that version 0.1.0 had `grubby` make.
//!
//! grubby may also have made it GRUB's permanent default, and chooses another
//! default when it removes an entry. So `saved_entry` is restored afterwards, or
//! emptied if it was our entry.

use super::{Error, ID, environment};
use crate::program;
use std::path::Path;
use std::process::Command;

const KERNEL: &str = "/boot/vmlinuz-convert";
const INITRAMFS: &str = "/boot/initramfs-convert.img";

/// The name by which GRUB knows that entry, if grubby lists it.
pub(super) fn listed() -> Option<String> {
    let info = program::output(Command::new("grubby").arg(format!("--info={KERNEL}")));
    info.ok().and_then(|text| name(&text))
}

/// Takes the entry away.
pub(super) fn remove(entry: &str, grubenv: &Path) -> Result<(), Error> {
    let before = environment::value(grubenv, "saved_entry")?;
    program::output(Command::new("grubby").arg(format!("--remove-kernel={KERNEL}")))?;
    if listed().is_some() {
        return Err(Error::StillListed);
    }
    let after = environment::value(grubenv, "saved_entry")?;
    match default_again(before, after, entry) {
        Some(value) => environment::set(grubenv, "saved_entry", value.as_deref()),
        None => Ok(()),
    }
}

/// The value that `saved_entry` must get (`None` inside: unset), if it must be
/// changed.
fn default_again(
    before: Option<String>,
    after: Option<String>,
    entry: &str,
) -> Option<Option<String>> {
    let own = |name: &str| name == ID || name == entry;
    let wanted = before.filter(|name| !own(name));
    (after != wanted).then_some(wanted)
}

/// The `id` of a BLS entry, else the title, of what `grubby --info` prints.
fn name(info: &str) -> Option<String> {
    let value = |key: &str| {
        info.lines().find_map(|line| {
            let value = line.strip_prefix(key)?.strip_prefix('=')?;
            Some(value.trim().trim_matches('"').to_string())
        })
    };
    value("kernel").filter(|k| KERNEL.ends_with(k.as_str()) && k.ends_with("vmlinuz-convert"))?;
    value("initrd").filter(|i| INITRAMFS.ends_with(i.as_str()))?;
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

    /// The values are those that grubby 8.28 leaves after adding and after
    /// removing.
    #[test]
    fn the_default_that_grubby_took_is_given_back() {
        let name = |text: &str| Some(text.to_string());
        let entry = || name(ID);
        assert_eq!(default_again(None, entry(), ID), Some(None));
        assert_eq!(default_again(entry(), entry(), ID), Some(None));
        assert_eq!(default_again(name("1"), entry(), ID), Some(name("1")));
        assert_eq!(default_again(name("1"), name("1"), ID), None);
        let bls = "f0c-0-convert";
        assert_eq!(default_again(name(bls), name(bls), bls), Some(None));
        assert_eq!(default_again(None, None, ID), None);
    }
}
