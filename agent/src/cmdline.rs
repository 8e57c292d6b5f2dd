// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's command line, as far as replant understands it.

use contract::cmdline::{Setting, words};

pub use contract::cmdline::{Mode, Start};
use ondisk::lifeboat::Address;
use std::path::Path;
use sys::{FileError, cannot};

/// Where the kernel says what it was given.
pub const PATH: &str = "/proc/cmdline";

/// The text of `path` ([`PATH`]). Invalid UTF-8 is replaced, for a person
/// may have typed any bytes.
pub fn read(path: impl AsRef<Path>) -> Result<String, FileError> {
    let bytes = std::fs::read(&path).map_err(cannot("read", &path))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Which block device a `root=` means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootSpec {
    /// `UUID=`: the file system's UUID, in lower case.
    Uuid(String),
    /// `LABEL=`: the file system's label.
    Label(String),
    /// `PARTUUID=`: the partition's GUID, in lower case.
    PartUuid(String),
    /// A path below /dev.
    Path(String),
}

impl RootSpec {
    /// Reads the value of `root=`; `None` for what names no block device.
    pub fn parse(text: &str) -> Option<RootSpec> {
        let text = text.strip_prefix("block:").unwrap_or(text);
        if let Some((tag, value)) = text.split_once('=') {
            let value = value.trim_matches('"');
            if value.is_empty() {
                return None;
            }
            return match tag.to_ascii_uppercase().as_str() {
                "UUID" => Some(RootSpec::Uuid(value.to_ascii_lowercase())),
                "LABEL" => Some(RootSpec::Label(value.to_string())),
                "PARTUUID" => Some(RootSpec::PartUuid(value.to_ascii_lowercase())),
                _ => None,
            };
        }
        let by = |dir: &str| text.strip_prefix(dir).filter(|rest| !rest.is_empty());
        if let Some(uuid) = by("/dev/disk/by-uuid/") {
            return Some(RootSpec::Uuid(uuid.to_ascii_lowercase()));
        }
        if let Some(label) = by("/dev/disk/by-label/") {
            return Some(RootSpec::Label(label.to_string()));
        }
        by("/dev/").map(|_| RootSpec::Path(text.to_string()))
    }
}

impl std::fmt::Display for RootSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RootSpec::Uuid(uuid) => write!(f, "UUID={uuid}"),
            RootSpec::Label(label) => write!(f, "LABEL={label}"),
            RootSpec::PartUuid(uuid) => write!(f, "PARTUUID={uuid}"),
            RootSpec::Path(path) => f.write_str(path),
        }
    }
}

/// The words that replant uses: its own, and those of dracut that have a meaning
/// here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cmdline {
    /// `replant=`; dracut's `rescue` is the console.
    pub mode: Mode,
    /// `root=`; where there is none, the only volume of `rd.lvm.lv=VG/LV`.
    /// (All volumes are activated in any case.)
    pub root: Option<RootSpec>,
    /// `rd.retry=`: seconds to wait for the root device.
    pub retry: Option<u64>,
    /// `replant.silence=`: seconds without a sign of life after which a program
    /// of the new system counts as hung.
    pub silence: Option<u64>,
    /// `replant.break=STEP`: stops before this step.
    pub break_before: Option<String>,
    /// `replant.json=ttyS1`: progress as JSON lines on this device.
    pub json: Option<String>,
    /// `replant.report=off`: no report is written into the old root.
    pub no_report: bool,
    /// `replant.drive=`: the BIOS's drive, where replant's loader was started.
    pub drive: Option<u8>,
    /// `replant.start=`: from where replant's loader was started (sector 0 or its
    /// file), if it was.
    pub start: Option<Start>,
    /// `replant.lifeboat=`: where the record and the state of the staging lie.
    pub lifeboat: Option<Address>,
    /// Words `replant=X`, `replant.X` and `rd.retry=X` that are unknown or have
    /// an invalid value, for a warning.
    pub unknown: Vec<String>,
    /// Modes that were named by their former names.
    pub renamed: Vec<Renamed>,
}

/// A mode that was given by its former name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// The name that was given.
    pub former: String,
    /// The mode that it means.
    pub mode: Mode,
}

impl std::fmt::Display for Renamed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "replant={} is called {} now",
            self.former,
            self.mode.word()
        )
    }
}

impl Cmdline {
    /// Reads the text of /proc/cmdline. The last of several values counts.
    pub fn parse(line: &str) -> Cmdline {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut found = Cmdline::default();
        let mut rooted = false;
        let mut volumes = std::collections::BTreeSet::new();
        for word in words(line.as_bytes()) {
            match (word.name, word.value.map(text)) {
                (b"root", Some(value)) => {
                    found.root = RootSpec::parse(&value);
                    rooted = true;
                }
                (b"rd.lvm.lv", Some(value)) => {
                    volumes.extend(value.split_once('/').and_then(|(group, volume)| {
                        // The name that the volume's node has.
                        let name = ondisk::lvm::dm_name(group, volume).ok()?;
                        Some(format!("/dev/mapper/{name}"))
                    }));
                }
                _ => {}
            }
            match Setting::read(word) {
                Some(Setting::Mode(mode)) => {
                    found.mode = mode;
                    let former = word.value.filter(|name| Mode::renamed(name).is_some());
                    found.renamed.extend(former.map(|name| Renamed {
                        former: text(name),
                        mode,
                    }));
                }
                Some(Setting::Retry(seconds)) => found.retry = Some(seconds),
                Some(Setting::Silence(seconds)) => found.silence = Some(seconds),
                Some(Setting::Break(step)) => found.break_before = Some(text(step)),
                Some(Setting::Json(device)) => found.json = Some(text(device)),
                Some(Setting::Drive(drive)) => found.drive = Some(drive),
                Some(Setting::Start(start)) => found.start = Some(start),
                Some(Setting::Lifeboat(address)) => match text(address).parse() {
                    Ok(address) => found.lifeboat = Some(address),
                    Err(_) => found.unknown.push(text(word.text)),
                },
                Some(Setting::NoReport) => found.no_report = true,
                Some(Setting::Unknown) => found.unknown.push(text(word.text)),
                // The first two are for /init.
                Some(Setting::Patience(_) | Setting::Idle(_) | Setting::Debug(_)) | None => {}
            }
        }
        // Of several volumes nobody says which is the root.
        if !rooted && volumes.len() == 1 {
            found.root = volumes.pop_first().map(RootSpec::Path);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_do_not_hide_the_others() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"x=\xff\xfe replant=migrate\n").unwrap();
        let cmdline = Cmdline::parse(&read(file.path()).unwrap());
        assert_eq!(cmdline.mode, Mode::Migrate);
    }

    #[test]
    fn the_staged_entry() {
        let line = Cmdline::parse(
            "BOOT_IMAGE=/replant/linux root=UUID=0DE0-A ro panic=10 replant=migrate \
             replant.json=/dev/ttyS1 replant.break=wipe rd.retry=20 \"replant.report=off\" \
             replant.silence=9 replant.patience=20 replant.drive=81 replant.start=disk \
             replant.lifeboat=000102030405060708090a0b0c0d0e0f,9,7,16,8\n",
        );
        assert_eq!((line.drive, line.start), (Some(0x81), Some(Start::Disk)));
        let lifeboat = line.lifeboat.unwrap();
        assert_eq!((lifeboat.record, lifeboat.state), ([9, 7], [16, 8]));
        assert_eq!(line.mode, Mode::Migrate);
        assert_eq!(line.root, Some(RootSpec::Uuid("0de0-a".into())));
        assert_eq!(line.json.as_deref(), Some("ttyS1"));
        assert_eq!(line.break_before.as_deref(), Some("wipe"));
        assert_eq!((line.retry, line.silence), (Some(20), Some(9)));
        assert!(line.no_report && line.unknown.is_empty());
    }

    #[test]
    fn a_field_engineer_at_the_grub_prompt() {
        let line = Cmdline::parse("root=/dev/mapper/VA-root ro rd.lvm.lv=VA/root");
        assert_eq!(line.mode, Mode::Survey);
        assert_eq!(
            line.root,
            Some(RootSpec::Path("/dev/mapper/VA-root".into()))
        );
        assert_eq!(Cmdline::parse("x rescue y").mode, Mode::Console);
        assert_eq!(Cmdline::parse("replant=console").mode, Mode::Console);
        let odd = Cmdline::parse(
            "rd.retry=9 replant=migrat replant.jsn=a rd.retry=1m replant.silence=x replant.patience= \
             replant.lifeboat=1,2 replant.lifeboat=",
        );
        assert_eq!(odd.unknown.len(), 7);
        assert_eq!(
            odd.unknown.get(5).map(String::as_str),
            Some("replant.lifeboat=1,2")
        );
        assert_eq!(odd.lifeboat, None);
        assert_eq!((odd.mode, odd.retry), (Mode::Survey, Some(9)));
        assert_eq!(Cmdline::parse("").mode, Mode::Survey);
    }

    #[test]
    fn former_names_of_modes_are_understood_and_named() {
        let line = Cmdline::parse("replant=report replant=verify");
        assert_eq!((line.mode, line.unknown.len()), (Mode::Rehearse, 0));
        let said: Vec<String> = line.renamed.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "replant=report is called replant=survey now",
                "replant=verify is called replant=rehearse now"
            ]
        );
        let line = Cmdline::parse("replant=rehearse rescue replant.report=off");
        assert!(line.renamed.is_empty() && line.no_report);
    }

    #[test]
    fn the_only_volume_of_dracut_stands_in_for_a_missing_root() {
        let root = |text: &str| Cmdline::parse(text).root.map(|spec| spec.to_string());
        let volume = Some("/dev/mapper/my--vg-root".to_string());
        assert_eq!(root("ro rd.lvm.lv=my-vg/root"), volume);
        assert_eq!(root("rd.lvm.lv=my-vg/root rd.lvm.lv=my-vg/root"), volume);
        assert_eq!(
            root("rd.lvm.lv=VA/usr root=UUID=ab rd.lvm.lv=VA/x"),
            Some("UUID=ab".into())
        );
        for none in [
            "rd.lvm.lv=VA/root rd.lvm.lv=VA/swap",
            "rd.lvm.lv=VA",
            "rd.lvm.lv=VA/../root",
            "rd.lvm.lv=VA/root root=nfs:10.0.0.1",
        ] {
            assert_eq!(root(none), None, "{none}");
        }
    }

    #[test]
    fn root_in_all_its_forms() {
        for (text, spec) in [
            ("LABEL=old root", Some(RootSpec::Label("old root".into()))),
            ("PARTUUID=AB-01", Some(RootSpec::PartUuid("ab-01".into()))),
            ("/dev/disk/by-uuid/ABC", Some(RootSpec::Uuid("abc".into()))),
            ("/dev/sda1", Some(RootSpec::Path("/dev/sda1".into()))),
            ("nfs:10.0.0.1", None),
            ("UUID=", None),
            ("/dev/", None),
        ] {
            assert_eq!(RootSpec::parse(text), spec, "{text}");
        }
        let quoted = Cmdline::parse("root=\"LABEL=old root\"");
        assert_eq!(quoted.root, Some(RootSpec::Label("old root".into())));
    }
}
