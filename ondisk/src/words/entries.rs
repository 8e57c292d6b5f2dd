// SPDX-License-Identifier: MIT OR Apache-2.0
//! Boot entries after the Boot Loader Specification, as EL8 and later have
//! them: each has a kernel's command line of its own.

use super::Finding;
use super::judge::{Fault, Judge, finding};
use super::shell::Word;
use super::sources::{BOOT_ENTRIES, Group, Use, grub_variables, is_in, is_wanted, line_words};
use crate::grub::Env;
use crate::naming::{Made, Meaning, Name};

type Texts<'t> = [(&'t str, &'t str)];

/// The options of each entry, by the entry's place in the list.
fn options(texts: &Texts<'_>) -> Vec<(usize, Vec<Word>)> {
    let mut found = Vec::new();
    for (file, (path, text)) in texts.iter().enumerate() {
        if !is_in(path, BOOT_ENTRIES, ".conf") {
            continue;
        }
        let mut words = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim_start();
            let rest = line.strip_prefix("options").unwrap_or_default();
            if rest.starts_with([' ', '\t']) {
                words.extend(line_words(file, at + 1, rest));
            }
        }
        found.push((file, words));
    }
    found
}

/// EL's script of the menu, and a program of an older EL by which it decides.
const SCRIPT: &str = "etc/grub.d/10_linux";
const OLD_TOOL: &str = "usr/sbin/new-kernel-pkg";
/// GRUB's environment block where entries are used.
const ENVIRONMENT: &str = "boot/grub2/grubenv";

/// The files besides /etc/default/grub.d and the entries themselves that
/// [`stale_entries`] reads.
pub const ENTRY_FILES: [&str; 4] = [ENVIRONMENT, "etc/default/grub", SCRIPT, OLD_TOOL];

/// Whether GRUB makes its menu of the entries.
fn are_used(texts: &Texts<'_>) -> bool {
    let text = |wanted: &str| texts.iter().find(|(path, _)| *path == wanted);
    let script = text(SCRIPT).map(|(_, text)| *text);
    if script.is_some_and(|script| !script.contains("GRUB_ENABLE_BLSCFG")) {
        return false;
    }
    let variables = grub_variables(texts);
    match variables.get("GRUB_ENABLE_BLSCFG").last() {
        Some(word) => word.text == "true",
        // From EL 9 on.
        None => {
            let by_itself = |script: &str| script.contains("-z \"${GRUB_ENABLE_BLSCFG}\"");
            script.is_some_and(by_itself) && text(OLD_TOOL).is_none()
        }
    }
}

/// Where GRUB makes its menu of the entries, what its `default` is set to, as
/// it stands in a script of GRUB: `0`, `${saved_entry}`.
pub fn entries_default<'t>(texts: impl Iterator<Item = (&'t str, &'t str)>) -> Option<String> {
    let texts: Vec<_> = texts.collect();
    if !are_used(&texts) {
        return None;
    }
    let variables = grub_variables(&texts);
    let words = variables.get("GRUB_DEFAULT").iter();
    let words: Vec<&str> = words.map(|word| word.text.as_str()).collect();
    Some(match words.join(" ").as_str() {
        "" => "0".into(),
        "saved" => "${saved_entry}".into(),
        other => other.into(),
    })
}

/// Whether a text of grub2-mkconfig knows `--update-bls-cmdline`, by which it
/// writes the options of all entries anew.
pub fn menu_can_update(mkconfig: &str) -> bool {
    mkconfig.contains("--update-bls-cmdline")
}

/// The first entry that does not name the root, which is on the file system of
/// `/` in `made`; none where GRUB does not use the entries, or where they have
/// their options from the variable `kernelopts`. That is set by grub.cfg, with
/// the right root, unless grubenv has one, which must name the root then.
pub fn stale_entries<'t>(
    texts: impl Iterator<Item = (&'t str, &'t str)>,
    made: &Made,
) -> Option<&'t str> {
    let texts: Vec<_> = texts.collect();
    if !are_used(&texts) {
        return None;
    }
    let environment = texts.iter().position(|(path, _)| *path == ENVIRONMENT);
    let stored = environment.and_then(|file| {
        let (_, text) = texts.get(file)?;
        let value = Env::parse(text.as_bytes()).ok()?.get("kernelopts")?;
        Some(line_words(file, 1, &value))
    });
    let stored_is_right = stored.is_none_or(|words| names_root(&words, made));
    let stale = |words: &[Word]| match is_variable(words) {
        true => !stored_is_right,
        false => !names_root(words, made),
    };
    let all = options(&texts);
    let (file, _) = all.iter().find(|(_, words)| stale(words))?;
    texts.get(*file).map(|(path, _)| *path)
}

fn is_variable(words: &[Word]) -> bool {
    words.iter().any(|w| w.text == "$kernelopts")
}

/// Whether the last `root=`, which counts, is the root.
fn names_root(words: &[Word], made: &Made) -> bool {
    let mut roots = words.iter().filter_map(|w| w.text.strip_prefix("root="));
    let name = roots.next_back().and_then(Name::parse);
    name.is_some_and(|name| match made.meaning(&name) {
        Meaning::Filesystem(found) => found.mount == "/",
        _ => false,
    })
}

/// Judges the entries, unless the boot step writes them anew.
pub(super) fn check(texts: &Texts<'_>, judge: &Judge<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut mkconfig = texts
        .iter()
        .filter(|(path, _)| is_wanted(path) && path.ends_with("/grub2-mkconfig"));
    let anew = mkconfig.any(|(_, text)| menu_can_update(text))
        && stale_entries(texts.iter().copied(), judge.made).is_some();
    if !are_used(texts) || anew {
        return found;
    }
    for (file, words) in options(texts) {
        if !is_variable(&words) && !words.iter().any(|w| w.text.starts_with("root=")) {
            let options = Word {
                file,
                line: 1,
                text: "no root= in its options".into(),
            };
            let what = "and this grub2-mkconfig does not write one into boot entries: the kernel would not find its root; write it into the appliance's entry (grubby --update-kernel=ALL --args=root=...)";
            found.push(finding(texts, &options, Fault::Refused(what.into())));
        }
        let group = Group {
            words,
            purpose: Use::Kernel,
        };
        found.extend(judge.group(texts, &group));
    }
    found
}
