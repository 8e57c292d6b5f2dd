// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the words are kept.

use super::Finding;
use super::shell::{Variables, Word};
use std::collections::BTreeMap;

/// What a group of words is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// The kernel's command line.
    Kernel,
    /// Devices that dracut shall look after.
    Devices,
    /// Modules that dracut leaves out.
    Omitted,
    /// The only modules that dracut takes.
    Only,
}

/// Words that come together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) words: Vec<Word>,
    pub(super) purpose: Use,
}

const FILES: [&str; 13] = [
    "boot/grub2/grubenv",
    "etc/cmdline",
    "etc/crypttab",
    "etc/default/grub",
    "etc/dracut.conf",
    "etc/grub.d/10_linux",
    "etc/initramfs-tools/initramfs.conf",
    "etc/kernel/cmdline",
    "etc/selinux/config",
    "usr/bin/grub2-mkconfig",
    "usr/lib/kernel/cmdline",
    "usr/sbin/grub2-mkconfig",
    "usr/sbin/new-kernel-pkg",
];
/// The directory of the entries of the Boot Loader Specification.
pub const BOOT_ENTRIES: &str = "boot/loader/entries";
/// Directories, and the ending of the files in them that count.
const DIRECTORIES: [(&str, &str); 6] = [
    (BOOT_ENTRIES, ".conf"),
    ("etc/cmdline.d", ".conf"),
    ("etc/default/grub.d", ".cfg"),
    ("etc/dracut.conf.d", ".conf"),
    ("etc/initramfs-tools/conf.d", ""),
    ("usr/lib/dracut/dracut.conf.d", ".conf"),
];

/// Whether a file (a path below the root) is one that [`super::check`] reads.
pub fn is_wanted(path: &str) -> bool {
    FILES.contains(&path)
        || DIRECTORIES
            .iter()
            .any(|(directory, end)| is_in(path, directory, end))
}

/// Whether a file is right in a directory and ends so.
pub(super) fn is_in(path: &str, directory: &str, end: &str) -> bool {
    let name = path
        .strip_prefix(directory)
        .and_then(|name| name.strip_prefix('/'));
    name.is_some_and(|name| !name.is_empty() && !name.contains('/') && name.ends_with(end))
}

type Texts<'t> = [(&'t str, &'t str)];

/// The words of all files but the boot entries.
pub(super) fn groups(texts: &Texts<'_>) -> Vec<Group> {
    let mut groups = vec![grub(texts), initramfs_tools(texts)];
    let kernel = |words| Group {
        words,
        purpose: Use::Kernel,
    };
    for (file, (path, text)) in texts.iter().enumerate() {
        // What /usr has counts only where /etc has none.
        let hidden = *path == "usr/lib/kernel/cmdline"
            && texts
                .iter()
                .any(|(other, _)| *other == "etc/kernel/cmdline");
        let is_cmdline = [
            "etc/cmdline",
            "etc/kernel/cmdline",
            "usr/lib/kernel/cmdline",
        ]
        .contains(path)
            || is_in(path, "etc/cmdline.d", ".conf");
        if is_cmdline && !hidden {
            groups.push(kernel(words(file, text)));
        }
    }
    groups.extend(dracut(texts));
    groups
}

/// The words of a text in which nothing is quoted but values; without comments.
fn words(file: usize, text: &str) -> Vec<Word> {
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(_, line)| !line.trim_start().starts_with('#'));
    lines
        .flat_map(|(at, line)| line_words(file, at + 1, line))
        .collect()
}

/// The words of one line; a value in quotes may have blanks.
pub(super) fn line_words(file: usize, line: usize, text: &str) -> Vec<Word> {
    let mut quoted = false;
    let parts = text.split(|c: char| {
        quoted ^= c == '"';
        !quoted && c.is_whitespace()
    });
    parts
        .filter(|part| !part.is_empty())
        .map(|part| Word {
            file,
            line,
            text: part.to_string(),
        })
        .collect()
}

/// Reads the files that `wanted` takes, in the order of the list.
fn sourced(texts: &Texts<'_>, wanted: impl Fn(&str) -> bool) -> Variables {
    let mut variables = Variables::default();
    for (file, (path, text)) in texts.iter().enumerate() {
        if wanted(path) {
            variables.source(file, text);
        }
    }
    variables
}

/// GRUB's own: grub-mkconfig sources the one file, then the directory's.
pub(super) fn grub_variables(texts: &Texts<'_>) -> Variables {
    let mut variables = sourced(texts, |path| path == "etc/default/grub");
    let mut parts: Vec<_> = texts.iter().enumerate().collect();
    parts.retain(|(_, (path, _))| is_in(path, "etc/default/grub.d", ".cfg"));
    parts.sort_by_key(|(_, (path, _))| *path);
    for (file, (_, text)) in parts {
        variables.source(file, text);
    }
    variables
}

fn grub(texts: &Texts<'_>) -> Group {
    let variables = grub_variables(texts);
    let mut words = Vec::new();
    for (_, found) in variables.matching(|name| name.starts_with("GRUB_CMDLINE_LINUX")) {
        words.extend(found.iter().cloned());
    }
    // With these, grub-mkconfig does not look which device the root is on.
    for name in ["GRUB_DEVICE", "GRUB_DEVICE_UUID", "GRUB_DEVICE_PARTUUID"] {
        words.extend(named(&variables, name));
    }
    Group {
        words,
        purpose: Use::Kernel,
    }
}

/// The words of a variable, each with its name in front.
fn named<'a>(variables: &'a Variables, name: &'a str) -> impl Iterator<Item = Word> + 'a {
    variables.get(name).iter().map(move |word| Word {
        text: format!("{name}={}", word.text),
        ..word.clone()
    })
}

/// initramfs-tools: its file, then the directory's in the order of their names.
fn initramfs_tools(texts: &Texts<'_>) -> Group {
    let mut variables = sourced(texts, |path| path == "etc/initramfs-tools/initramfs.conf");
    let mut parts: Vec<_> = texts.iter().enumerate().collect();
    parts.retain(|(_, (path, _))| is_in(path, "etc/initramfs-tools/conf.d", ""));
    parts.sort_by_key(|(_, (path, _))| *path);
    for (file, (_, text)) in parts {
        variables.source(file, text);
    }
    Group {
        words: named(&variables, "RESUME").collect(),
        purpose: Use::Kernel,
    }
}

/// dracut: its file, then those of both directories in the order of their
/// names; of one name, that in /etc.
pub(super) fn dracut_variables(texts: &Texts<'_>) -> Variables {
    let mut variables = sourced(texts, |path| path == "etc/dracut.conf");
    let mut parts = BTreeMap::new();
    for directory in ["usr/lib/dracut/dracut.conf.d", "etc/dracut.conf.d"] {
        for (file, (path, text)) in texts.iter().enumerate() {
            if is_in(path, directory, ".conf") {
                parts.insert(path.rsplit('/').next(), (file, *text));
            }
        }
    }
    for (file, text) in parts.into_values() {
        variables.source(file, text);
    }
    variables
}

fn dracut(texts: &Texts<'_>) -> Vec<Group> {
    let variables = dracut_variables(texts);
    let group = |names: &[&str], purpose| {
        let words = names.iter().flat_map(|name| variables.get(name));
        Group {
            words: words.cloned().collect(),
            purpose,
        }
    };
    vec![
        group(&["kernel_cmdline"], Use::Kernel),
        group(&["add_device", "fstab_lines"], Use::Devices),
        group(&["omit_dracutmodules"], Use::Omitted),
        group(&["dracutmodules"], Use::Only),
    ]
}

/// Files that name volumes, or forbid what is to be done, in other words.
pub(super) fn other_files(texts: &Texts<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, text) in texts {
        match *path {
            "etc/crypttab" => found.extend(crypttab(path, text)),
            "etc/selinux/config" => found.extend(selinux(path, text)),
            _ => {}
        }
    }
    found
}

/// No encrypted device is made. A line for swap or /tmp makes a new one of
/// whatever is at its path, at every boot.
fn crypttab(path: &str, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let mut fields = line.split_whitespace();
        let (Some(name), Some(device)) = (fields.next(), fields.next()) else {
            continue;
        };
        if name.starts_with('#') {
            continue;
        }
        let options = fields.nth(1).unwrap_or_default();
        let has = |names: &[&str]| options.split(',').any(|o| names.contains(&o));
        let destroys = options
            .split(',')
            .any(|o| ["swap", "tmp"].contains(&o.split_once('=').map_or(o, |(name, _)| name)));
        let what = if destroys {
            "which would overwrite whatever has this name on the new disk, at every boot; take the line out of the appliance's file"
        } else if has(&["noauto", "nofail"]) {
            continue;
        } else {
            "and no encrypted device is made: the new system waits for it while booting; take the line out of the appliance's file, or give it the option nofail"
        };
        found.push(Finding {
            file: path.to_string(),
            line: at + 1,
            word: format!("{name} on {device}"),
            what: what.into(),
            refused: destroys,
        });
    }
    found
}

/// The relabelling of the first boot (selinux-autorelabel).
fn selinux(path: &str, text: &str) -> Option<Finding> {
    let mut variables = Variables::default();
    variables.source(0, text);
    let is = |name: &str, value: &str| {
        let words = variables.get(name);
        words.last().filter(|word| word.text == value)
    };
    let word = is("AUTORELABEL", "0").filter(|_| is("SELINUX", "disabled").is_none())?;
    Some(Finding {
        file: path.to_string(),
        line: word.line,
        word: "AUTORELABEL=0".into(),
        what: "so that the new system's first boot stops in a shell on the console instead of labelling the files; set AUTORELABEL=1".into(),
        refused: false,
    })
}
