// SPDX-License-Identifier: MIT OR Apache-2.0
//! Our menu entry, as text in a file that GRUB reads while booting.
//!
//! The header of grub.cfg sets `boot_once` when it has consumed next_entry, and
//! `default` to its value. Only then does the entry migrate; chosen from the menu
//! at any time, it changes nothing. No file has to be written for that. In the
//! armed boot the entry needs no password; from the menu it asks for one where
//! the machine's GRUB has one.

/// Identifier of our entry.
pub const ID: &str = "replant-migration";

/// The first and the last line of our block contain it, in version 0.1.0, too.
const BEGIN: &[u8] = b"### BEGIN replant";
const END: &[u8] = b"### END replant ###\n";
/// The first line of our block tells how the file was without it: missing;
const NEW_FILE: &str = "### BEGIN replant ###\n";
/// existing;
const OLD_FILE: &str = "### BEGIN replant: this file was here before ###\n";
/// existing, with a last line without a line feed.
const OPEN_LINE: &str = "### BEGIN replant: the line before had no end ###\n";

/// What the entry boots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The kernel's path, seen from the file system that holds /boot.
    pub kernel: String,
    pub initramfs: String,
    /// Path of a boot sector with replant's loader, which the armed boot starts
    /// instead of the kernel.
    pub chain: Option<String>,
    /// UUID of that file system, as GRUB's `search --fs-uuid` wants it.
    pub boot_uuid: String,
    /// The kernel's command line in the armed boot.
    pub armed: String,
    /// The same when somebody chooses the entry from the menu.
    pub survey: String,
}

/// Our lines for `entry`.
pub fn block(entry: &Entry) -> String {
    format!("{NEW_FILE}{}", lines(entry))
}

fn lines(entry: &Entry) -> String {
    let menuentry = |title: &str, options: &str, body: &str| {
        format!(
            "\tmenuentry '{title}' --id {ID}{options} {{\n\
             \t\tsearch --no-floppy --fs-uuid --set=root {}\n\
             {body}\
             \t}}\n",
            entry.boot_uuid
        )
    };
    let direct = |arguments: &str| {
        format!(
            "\t\tlinux {} {arguments}\n\
             \t\tinitrd {}\n",
            entry.kernel, entry.initramfs
        )
    };
    // The chained loader has one fixed command line, which migrates, so it is not
    // offered to a person who chooses the entry from the menu.
    let armed = match &entry.chain {
        Some(sector) => format!("\t\tinsmod chain\n\t\tchainloader {sector}\n"),
        None => direct(&entry.armed),
    };
    format!(
        "if [ \"${{boot_once}}:${{default}}\" = \"true:{ID}\" ]; then\n{}else\n{}fi\n{}",
        menuentry("replant: migrate this machine", " --unrestricted", &armed),
        menuentry(
            "replant: look at this machine, change nothing",
            "",
            &direct(&entry.survey)
        ),
        String::from_utf8_lossy(END)
    )
}

/// Our block in a file is not as we wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damaged;

/// The content of a file with our block at its end, replacing an earlier block.
/// `old` is the present content, if the file exists.
pub(super) fn with(old: Option<&[u8]>, entry: &Entry) -> Result<Vec<u8>, Damaged> {
    let kept = match old {
        Some(old) => without(old)?,
        None => None,
    };
    let lines = lines(entry);
    Ok(match kept {
        None => [NEW_FILE.as_bytes(), lines.as_bytes()].concat(),
        Some(mut text) => {
            let begin = if text.last().is_none_or(|b| *b == b'\n') {
                OLD_FILE
            } else {
                text.push(b'\n');
                OPEN_LINE
            };
            [&text, begin.as_bytes(), lines.as_bytes()].concat()
        }
    })
}

/// The content of a file without our block; `None` where the file was made for
/// the block and has nothing else.
pub(super) fn without(text: &[u8]) -> Result<Option<Vec<u8>>, Damaged> {
    let mut text = text.to_vec();
    let mut ours = false;
    while let Some(from) = find(&text, BEGIN) {
        let rest = text.get(from..).unwrap_or_default();
        let length = find(rest, END).ok_or(Damaged)?.saturating_add(END.len());
        let is = |first: &str| rest.starts_with(first.as_bytes());
        ours |= is(NEW_FILE);
        let open = is(OPEN_LINE) && rest.len() == length;
        // We also added the line feed before the block.
        let from = from.saturating_sub(usize::from(open));
        let to = from.saturating_add(length).saturating_add(open.into());
        text.drain(from..to.min(text.len()));
    }
    Ok((!ours || !text.is_empty()).then_some(text))
}

/// Whether lines of ours are in a file.
pub(super) fn is_in(text: &[u8]) -> bool {
    find(text, BEGIN).is_some()
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::old::bootentry) fn entry() -> Entry {
        Entry {
            kernel: "/replant/linux".into(),
            initramfs: "/replant/initramfs".into(),
            chain: None,
            boot_uuid: "0de0".into(),
            armed: "panic=10 replant=migrate".into(),
            survey: "panic=10 replant=survey".into(),
        }
    }

    #[test]
    fn comes_and_goes_without_a_trace() {
        for old in [
            None,
            Some(&b""[..]),
            Some(b"set mine=1\n"),
            Some(b"set mine=1"),
            Some(b"\n"),
            Some(b"latin1 \xe4\xff\0\n"),
        ] {
            let once = with(old, &entry()).unwrap();
            assert!(is_in(&once) && once.starts_with(old.unwrap_or_default()));
            let twice = with(Some(&once), &entry()).unwrap();
            assert_eq!(once, twice);
            assert_eq!(without(&twice).unwrap().as_deref(), old);
        }
        assert_eq!(without(b"set mine=1").unwrap().unwrap(), b"set mine=1");
    }

    #[test]
    fn what_somebody_wrote_behind_it_stays() {
        for (old, rest) in [
            (None, &b"set last=1\n"[..]),
            (Some(&b"a=1"[..]), b"a=1\nset last=1\n"),
            (Some(b"a=1\n"), b"a=1\nset last=1\n"),
        ] {
            let mut text = with(old, &entry()).unwrap();
            text.extend(b"set last=1\n");
            assert_eq!(without(&text).unwrap().unwrap(), rest);
        }
        // Without its last line, where our block ends is not known.
        let text = with(Some(b"a=1\n"), &entry()).unwrap();
        let cut = &text[..text.len() - 5];
        assert_eq!(without(cut), Err(Damaged));
        assert_eq!(with(Some(cut), &entry()), Err(Damaged));
    }

    /// Version 0.1.0 wrote this.
    #[test]
    fn an_earlier_versions_entry_is_taken_out() {
        let old = b"### BEGIN replant ###\nmenuentry 'replant: migrate this machine' --id \
            replant-migration --unrestricted {\n\tlinux /vmlinuz-convert replant=migrate\n}\n\
            ### END replant ###\n";
        assert_eq!(without(old), Ok(None));
        let behind = [b"set mine=1\n", &old[..]].concat();
        assert_eq!(without(&behind).unwrap().unwrap(), b"set mine=1\n");
    }

    #[test]
    fn migrates_only_in_the_boot_that_was_armed() {
        let text = block(&entry());
        let (armed, survey) = text.split_once("\nelse\n").unwrap();
        let condition = "if [ \"${boot_once}:${default}\" = \"true:replant-migration\" ]; then\n";
        assert!(armed.contains(condition), "{text}");
        assert!(armed.contains("--id replant-migration --unrestricted {"));
        assert!(armed.contains("linux /replant/linux panic=10 replant=migrate\n"));
        assert!(survey.contains("--id replant-migration {"), "{text}");
        assert!(survey.contains("linux /replant/linux panic=10 replant=survey\n"));
        assert!(!survey.contains("migrate\n"), "{text}");
        assert_eq!(text.matches("--fs-uuid --set=root 0de0\n").count(), 2);
        assert_eq!(text.matches("initrd /replant/initramfs\n").count(), 2);
    }

    /// Only in that boot is the loader started, whose command line is fixed.
    #[test]
    fn the_loader_is_chained_only_in_the_boot_that_was_armed() {
        let text = block(&Entry {
            chain: Some("/replant/stage1.bin".into()),
            ..entry()
        });
        let (armed, survey) = text.split_once("\nelse\n").unwrap();
        assert!(armed.contains("\t\tchainloader /replant/stage1.bin\n"));
        assert!(!armed.contains("linux "), "{text}");
        assert!(survey.contains("linux /replant/linux panic=10 replant=survey\n"));
        assert!(survey.contains("initrd /replant/initramfs\n"));
        assert!(!survey.contains("chain"), "{text}");
        assert!(!text.contains("migrate\n"), "{text}");
    }
}
