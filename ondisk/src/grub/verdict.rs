// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether GRUB will start the new system, evaluated from what it will read.

use super::Files;
use super::config::{Boot, ConfigError, Entry, First, Note, Outcome, Start, boot};

/// Whether the value of `root=` names the new root.
type IsRoot<'a> = Option<&'a dyn Fn(&str) -> bool>;

/// Checks what GRUB starts when nobody touches a key; `is_root` says whether
/// the value of `root=` names the new root. What a person should know, for
/// the machine may still come up.
///
/// # Errors
/// Why the new system would not start, as the rest of a sentence.
pub fn verdict(
    files: &dyn Files,
    start: &Start,
    is_root: &dyn Fn(&str) -> bool,
) -> Result<Vec<String>, String> {
    let boot = match boot(files, start) {
        Ok(boot) => boot,
        Err(error @ (ConfigError::Missing(_) | ConfigError::Hangs(_))) => {
            return Err(error.to_string());
        }
        // The evaluation has limits that GRUB does not have.
        Err(error) => return Ok(vec![format!("what GRUB will start is not known: {error}")]),
    };
    judge(&boot, Some(is_root))
}

/// The same of what was evaluated already. Without `is_root` the kernels'
/// command lines are not looked at.
///
/// # Errors
/// As [`verdict`].
pub fn judge(boot: &Boot, is_root: IsRoot<'_>) -> Result<Vec<String>, String> {
    let mut warnings = Vec::new();
    match &boot.first {
        First::Prompt => return Err("has no entry: GRUB would stop at its prompt".into()),
        First::Ends(command) => {
            return Err(format!(
                "ends GRUB with \"{command}\" before its menu appears"
            ));
        }
        First::Waits(path) => {
            warnings.push(
                "GRUB will wait in its menu until somebody chooses an entry: no timeout is set"
                    .into(),
            );
            if let Some(entry) = at(&boot.menu, path) {
                starts(&entry.title, &entry.outcome, is_root)?;
            }
        }
        First::Entry(started) => {
            starts(&started.title, &started.outcome, is_root)?;
            if started.asks {
                warnings.push(format!(
                    "GRUB will ask for a password before it starts \"{}\"",
                    started.title
                ));
            }
        }
    }
    for entry in boot.entries() {
        let kernel = entry.outcome.kernel.is_some() || !entry.outcome.missing.is_empty();
        if kernel && let Err(why) = starts(&entry.title, &entry.outcome, is_root) {
            warnings.push(format!("of GRUB's entries, {why}"));
        }
    }
    let odd = |note: &&Note| matches!(note, Note::Syntax { .. } | Note::Unknown(_));
    warnings.extend(boot.notes.iter().filter(odd).map(|note| note.to_string()));
    Ok(warnings)
}

/// The entry at a place in the menu.
fn at<'a>(menu: &'a [Entry], path: &[usize]) -> Option<&'a Entry> {
    let (first, rest) = path.split_first()?;
    let entry = menu.get(*first)?;
    if rest.is_empty() {
        return Some(entry);
    }
    at(&entry.children, rest)
}

/// Whether an entry starts a kernel that finds the new root.
fn starts(title: &str, outcome: &Outcome, is_root: IsRoot<'_>) -> Result<(), String> {
    let fails = |why: &str| Err(format!("\"{title}\" {why}"));
    if let Some(missing) = outcome.missing.first() {
        return fails(&format!("wants {missing}, which does not exist"));
    }
    let Some(kernel) = outcome.kernel.as_ref().filter(|_| outcome.boots) else {
        return fails("starts no kernel");
    };
    if kernel.initrds.is_empty() {
        return fails("gives its kernel no initramfs");
    }
    let Some(is_root) = is_root else {
        return Ok(());
    };
    match kernel.value("root") {
        None => fails("gives its kernel no root="),
        Some(root) if !is_root(root) => fails(&format!(
            "gives its kernel root={root}, which is not the new root"
        )),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grub::Tree;
    use crate::grub::config::Dialect;

    const BLS: &str = "title EL\nlinux /vmlinuz-1\ninitrd /initramfs-1.img\noptions ";

    fn judged(config: &str, options: &str, files: &[&str]) -> Result<Vec<String>, String> {
        let mut tree = Tree::new().with("/boot", "/grub2/grub.cfg", config).with(
            "/boot",
            "/loader/entries/a-1.conf",
            format!("{BLS}{options}\n"),
        );
        for file in files {
            tree = tree.with("/boot", file, "x");
        }
        let start = Start {
            device: "/boot".into(),
            directory: "/grub2".into(),
            dialect: Dialect::El9,
        };
        verdict(&tree, &start, &|root| root == "UUID=right")
    }

    const FILES: [&str; 2] = ["/vmlinuz-1", "/initramfs-1.img"];

    #[test]
    fn entries_of_a_directory() {
        // As EL's grub.cfg has it, which the entries rely on.
        let config = "function load_video {\ntrue\n}\nset timeout=5\nif [ -z \"$kernelopts\" ]; then\n\
            set kernelopts=\"root=UUID=right ro\"\nfi\ninsmod blscfg\nblscfg\n";
        assert_eq!(judged(config, "root=UUID=right ro", &FILES), Ok(vec![]));
        assert_eq!(judged(config, "$kernelopts quiet", &FILES), Ok(vec![]));
        let why = judged(config, "root=UUID=old ro", &FILES).unwrap_err();
        assert_eq!(
            why,
            "\"EL\" gives its kernel root=UUID=old, which is not the new root"
        );
        let why = judged(config, "ro quiet", &FILES).unwrap_err();
        assert!(why.contains("no root="), "{why}");
        for (left, missing) in [(0, "initramfs-1.img"), (1, "vmlinuz-1")] {
            let why = judged(config, "root=UUID=right", &FILES[left..=left]).unwrap_err();
            assert!(why.contains(missing), "{why}");
        }
        assert!(judged("set timeout=5\n", "", &FILES).is_err());
    }

    #[test]
    fn what_a_person_should_know() {
        let entry = "menuentry a {\nlinux /vmlinuz-1 root=UUID=right\ninitrd /initramfs-1.img\n}\n";
        let other = "menuentry b {\nlinux /vmlinuz-1 root=UUID=old\ninitrd /initramfs-1.img\n}\n";
        let with = |config: &str| judged(config, "", &FILES);
        assert_eq!(with(&format!("set timeout=5\n{entry}")), Ok(vec![]));
        let warnings = |config: String| with(&config).unwrap().join("; ");
        assert!(warnings(entry.into()).contains("no timeout"));
        let of_other = warnings(format!("set timeout=5\n{entry}{other}"));
        assert!(of_other.contains("\"b\" gives its kernel root=UUID=old"));
        let asks = warnings(format!("set timeout=5\nset superusers=root\n{entry}"));
        assert!(asks.contains("ask for a password"), "{asks}");
        let odd = warnings(format!("set timeout=5\n{entry}fi\n"));
        assert!(odd.contains("does not expect \"fi\""), "{odd}");
        // The other one starts by itself.
        assert!(with(&format!("set timeout=5\nset default=b\n{entry}{other}")).is_err());
        assert!(with(&format!("set timeout=5\nset default=b\n{other}{entry}")).is_err());
        assert!(with(&format!("set default=1\n{entry}{other}")).is_err());
    }
}
