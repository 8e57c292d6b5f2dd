// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checks the payload's boot entries, if GRUB makes its menu of them: nothing in
//! the boot step makes an entry, so those of the payload must suffice.

use super::Findings;
use super::boot::Programs;
use super::sight::{Readable, Sight};
use super::texts::Texts;
use crate::grub::config::{Boot, ConfigError, Start, boot};
use crate::grub::{Changed, judge};
use crate::words::{BOOT_ENTRIES, entries_default};
use std::collections::BTreeMap;

/// What to do about it, whatever it is.
const REMEDY: &str = "make an entry for each kernel there is, and for no other, in the new system (kernel-install add VERSION /lib/modules/VERSION/vmlinuz), and capture it again";

/// Refuses entries by which GRUB would not start one of the kernels.
pub(super) fn check(sight: Sight<'_>, texts: &Texts, kernels: &[String], refusals: &mut Findings) {
    let tree = sight.tree;
    let programs = Programs::choose(&|path| tree.stands_at(path.as_bytes()));
    // The package's own commands may make entries.
    let own = !sight.target.boot.commands.is_empty();
    if own || programs.menu != Some("grub2-mkconfig") || kernels.is_empty() {
        return;
    }
    let Some(default) = entries_default(texts.iter()) else {
        return;
    };
    let mut unread = texts.unread(BOOT_ENTRIES).peekable();
    if unread.peek().is_some() {
        for (path, why) in unread {
            refusals.push(path.as_bytes(), format!(
                "{why}, and is one of the entries of GRUB's menu, which must be files that can be looked at; make it a short file of its own in the new system, and capture it again"
            ));
        }
        return;
    }
    let files = Readable {
        sight,
        texts,
        made: made(sight, kernels),
    };
    let start = start(sight, texts);
    let files = Changed::new(&files, BTreeMap::new()).with(start.config(), config(&default));
    let refused =
        |why: &dyn std::fmt::Display| format!("would not start the new system: {why}; {REMEDY}");
    let boot = match boot(&files, &start) {
        Ok(boot) => boot,
        Err(why @ ConfigError::Hangs(_)) => {
            refusals.push(BOOT_ENTRIES.as_bytes(), refused(&why));
            return;
        }
        // The evaluation has limits that GRUB does not have.
        Err(_) => return,
    };
    // Their words are compared with the layout, see `crate::agreement`.
    if let Err(why) = judge(&boot, None) {
        refusals.push(BOOT_ENTRIES.as_bytes(), refused(&why));
    } else if !starts_any(&boot, kernels) {
        refusals.push(
            BOOT_ENTRIES.as_bytes(),
            format!(
                "has no entry that starts {}; {REMEDY}",
                kernels.join(" or ")
            ),
        );
    }
}

/// The initramfs of each kernel.
fn made(sight: Sight<'_>, kernels: &[String]) -> Vec<String> {
    let is_there = |path: &str| sight.tree.resolve(path.as_bytes()).is_some();
    let paths = kernels.iter();
    paths
        .map(|kernel| Programs::initramfs_of(kernel, &is_there))
        .collect()
}

/// Where GRUB will begin.
fn start(sight: Sight<'_>, texts: &Texts) -> Start {
    const DIRECTORY: &str = "/boot/grub2";
    let device = sight.mount(DIRECTORY.trim_start_matches('/').as_bytes());
    Start {
        device: device.into(),
        directory: DIRECTORY.strip_prefix(device).map_or_else(
            || DIRECTORY.into(),
            |inside| format!("/{}", inside.trim_start_matches('/')),
        ),
        dialect: texts.dialect(),
    }
}

/// What grub2-mkconfig will write, as far as it bears on the choice of an entry.
fn config(default: &str) -> String {
    format!(
        "if [ -s $prefix/grubenv ]; then\nload_env\nfi\n\
         if [ \"${{next_entry}}\" ]; then\nset default=\"${{next_entry}}\"\n\
         else\nset default=\"{default}\"\nfi\n\
         set timeout=1\nfunction load_video {{\ntrue\n}}\ninsmod blscfg\nblscfg\n"
    )
}

/// Whether an entry starts one of these kernels.
fn starts_any(boot: &Boot, kernels: &[String]) -> bool {
    boot.entries().iter().any(|entry| {
        let kernel = entry.outcome.kernel.as_ref();
        let name = kernel.map(|kernel| kernel.place.name());
        let version = name.and_then(|name| name.strip_prefix("vmlinuz-"));
        entry.outcome.boots && version.is_some_and(|v| kernels.iter().any(|k| k == v))
    })
}
