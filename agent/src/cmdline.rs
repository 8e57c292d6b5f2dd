// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's command line, as far as replant understands it.

/// What the tiny system does without being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Says what it finds and opens the console.
    #[default]
    Report,
    /// Does all that a migration does before the point of no return.
    Verify,
    /// Migrates, if the machine was staged.
    Migrate,
    /// Opens the console at once.
    Console,
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

/// The words that concern replant, dracut's where they mean something here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cmdline {
    /// `replant=`; dracut's `rescue` is the console.
    pub mode: Mode,
    /// `root=`; where there is none, the only volume of `rd.lvm.lv=VG/LV`.
    /// (All volumes are activated in any case.)
    pub root: Option<RootSpec>,
    /// `rd.retry=`: seconds to wait for the root device.
    pub retry: Option<u64>,
    /// `replant.break=STEP`: stops before this step.
    pub break_before: Option<String>,
    /// `replant.json=ttyS1`: progress as JSON lines on this device.
    pub json: Option<String>,
    /// `replant.report=off`: no report is written into the old root.
    pub no_report: bool,
    /// Words `replant=X`, `replant.X` and `rd.retry=X` that nobody knows, for a
    /// warning.
    pub unknown: Vec<String>,
}

impl Cmdline {
    /// Reads the text of /proc/cmdline. The last of several values counts.
    pub fn parse(text: &str) -> Cmdline {
        let mut line = Cmdline::default();
        let mut rooted = false;
        let mut volumes = std::collections::BTreeSet::new();
        for word in words(text) {
            let (key, value) = match word.split_once('=') {
                Some((key, value)) => (key, Some(value)),
                None => (word.as_str(), None),
            };
            match (key, value) {
                ("replant", Some("report")) => line.mode = Mode::Report,
                ("replant", Some("verify")) => line.mode = Mode::Verify,
                ("replant", Some("migrate")) => line.mode = Mode::Migrate,
                ("replant", Some("console")) | ("rescue" | "emergency", None) => {
                    line.mode = Mode::Console;
                }
                ("root", Some(value)) => {
                    line.root = RootSpec::parse(value);
                    rooted = true;
                }
                ("rd.lvm.lv", Some(value)) => {
                    volumes.extend(value.split_once('/').and_then(|(group, volume)| {
                        // The name that the volume's node has.
                        let name = ondisk::lvm::dm_name(group, volume).ok()?;
                        Some(format!("/dev/mapper/{name}"))
                    }));
                }
                ("rd.retry", Some(value)) => match value.parse() {
                    Ok(seconds) => line.retry = Some(seconds),
                    Err(_) => line.unknown.push(word),
                },
                ("replant.break", Some(step)) => line.break_before = Some(step.to_string()),
                ("replant.json", Some(device)) => {
                    line.json = Some(device.trim_start_matches("/dev/").to_string());
                }
                ("replant.report", Some("off")) => line.no_report = true,
                ("replant.debug", _) => {}
                _ if key == "replant" || key.starts_with("replant.") => line.unknown.push(word),
                _ => {}
            }
        }
        // Of several volumes nobody says which is the root.
        if !rooted && volumes.len() == 1 {
            line.root = volumes.pop_first().map(RootSpec::Path);
        }
        line
    }
}

/// Splits at white space outside double quotes, as the kernel does; the
/// quotes are taken off.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_staged_entry() {
        let line = Cmdline::parse(
            "BOOT_IMAGE=/vmlinuz-convert root=UUID=0DE0-A ro panic=10 replant=migrate \
             replant.json=/dev/ttyS1 replant.break=wipe rd.retry=20 \"replant.report=off\"\n",
        );
        assert_eq!(line.mode, Mode::Migrate);
        assert_eq!(line.root, Some(RootSpec::Uuid("0de0-a".into())));
        assert_eq!(line.json.as_deref(), Some("ttyS1"));
        assert_eq!(line.break_before.as_deref(), Some("wipe"));
        assert_eq!(line.retry, Some(20));
        assert!(line.no_report && line.unknown.is_empty());
    }

    #[test]
    fn a_field_engineer_at_the_grub_prompt() {
        let line = Cmdline::parse("root=/dev/mapper/VA-root ro rd.lvm.lv=VA/root");
        assert_eq!(line.mode, Mode::Report);
        assert_eq!(
            line.root,
            Some(RootSpec::Path("/dev/mapper/VA-root".into()))
        );
        assert_eq!(Cmdline::parse("x rescue y").mode, Mode::Console);
        assert_eq!(Cmdline::parse("replant=console").mode, Mode::Console);
        let odd = Cmdline::parse("rd.retry=9 replant=migrat replant.jsn=a rd.retry=1m");
        assert_eq!(odd.unknown.len(), 3);
        assert_eq!((odd.mode, odd.retry), (Mode::Report, Some(9)));
        assert_eq!(Cmdline::parse("").mode, Mode::Report);
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
