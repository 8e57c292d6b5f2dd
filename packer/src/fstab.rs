// SPDX-License-Identifier: MIT OR Apache-2.0
//! /etc/fstab (fstab(5)).

use std::fmt;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What is mounted.
    pub source: String,
    /// Where, without a slash at the end.
    pub target: String,
    /// As what.
    pub kind: String,
    /// How.
    options: Vec<String>,
}

/// How a line names a local block device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Device {
    /// The file system's UUID, in lower case.
    Uuid(String),
    /// The file system's label.
    Label(String),
    /// The partition's GUID, in lower case.
    PartUuid(String),
    /// The partition's name.
    PartLabel(String),
    /// A path below /dev.
    Path(String),
}

impl Device {
    /// Reads the first field; `None` for what is no local device.
    fn parse(source: &str) -> Option<Device> {
        let links = source.strip_prefix("/dev/disk/by-");
        let value = |tag: &str, link: &str| {
            let value = source
                .strip_prefix(tag)
                .or_else(|| links?.strip_prefix(link))?;
            Some(value.trim_matches('"').to_string())
        };
        if let Some(uuid) = value("UUID=", "uuid/") {
            return Some(Device::Uuid(uuid.to_lowercase()));
        }
        if let Some(uuid) = value("PARTUUID=", "partuuid/") {
            return Some(Device::PartUuid(uuid.to_lowercase()));
        }
        value("LABEL=", "label/")
            .map(Device::Label)
            .or_else(|| value("PARTLABEL=", "partlabel/").map(Device::PartLabel))
            .or_else(|| {
                source
                    .starts_with("/dev/")
                    .then(|| Device::Path(source.into()))
            })
    }
}

impl Line {
    /// The local block device that is mounted; `None` for a network file
    /// system, a bind mount or a tmpfs.
    pub fn device(&self) -> Option<Device> {
        let bind = self.has("bind") || self.has("rbind");
        let device = Device::parse(&self.source);
        device.filter(|_| self.kind != "none" && !bind)
    }

    /// Whether the system comes up without it.
    pub fn is_optional(&self) -> bool {
        self.has("noauto") || self.has("nofail")
    }

    /// Whether it is mounted at a place, and no swap space.
    pub fn is_mount(&self) -> bool {
        self.kind != "swap" && self.target.starts_with('/')
    }

    /// Whether the type field is right for an ext4 file system.
    pub fn takes_ext4(&self) -> bool {
        self.kind
            .split(',')
            .any(|kind| kind == "ext4" || kind == "auto")
    }

    fn has(&self, option: &str) -> bool {
        self.options.iter().any(|o| o == option)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{} {} {}\"", self.source, self.target, self.kind)
    }
}

/// Reads the text; comments and lines with fewer than three fields are left out.
pub fn parse(text: &str) -> Vec<Line> {
    let unescape = |field: &str| {
        field
            .replace("\\040", " ")
            .replace("\\011", "\t")
            .replace("\\134", "\\")
    };
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let (source, target) = (fields.next()?, fields.next()?);
            let kind = fields.next()?.to_string();
            let options = fields.next().unwrap_or_default();
            let target = match target.trim_end_matches('/') {
                "" => "/",
                target => target,
            };
            Some(Line {
                source: unescape(source),
                target: unescape(target),
                kind,
                options: options.split(',').map(str::to_string).collect(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        let text = "# comment\n\n/dev/mapper/VA-root\t/ ext4 defaults 0 1\n\
            UUID=abc /boot/with\\040space/ ext4\nnone /tmp tmpfs\nbroken\n//server/x /mnt cifs\n\
            /dev/sr0 /media/cdrom0 udf,iso9660 user,noauto 0 0\n/dev/x none swap sw,nofail\n\
            /dev/shm/a /b auto bind\n";
        let lines = parse(text);
        assert_eq!(lines.len(), 7);
        assert_eq!(lines[0].target, "/");
        assert_eq!(lines[1].target, "/boot/with space");
        let is = |test: &dyn Fn(&Line) -> bool| -> String {
            lines
                .iter()
                .map(|l| if test(l) { 'x' } else { '.' })
                .collect()
        };
        assert_eq!(is(&|l| l.device().is_some()), "xx..xx.");
        assert_eq!(is(&Line::is_optional), "....xx.");
        assert_eq!(is(&Line::is_mount), "xxxxx.x");
        assert_eq!(is(&Line::takes_ext4), "xx....x");
    }

    #[test]
    fn devices_in_all_their_forms() {
        let text = String::from;
        for (source, device) in [
            ("UUID=\"AB-1\"", Some(Device::Uuid(text("ab-1")))),
            ("/dev/disk/by-uuid/AB", Some(Device::Uuid(text("ab")))),
            ("LABEL=Root", Some(Device::Label(text("Root")))),
            ("PARTUUID=AB", Some(Device::PartUuid(text("ab")))),
            ("PARTLABEL=a b", Some(Device::PartLabel(text("a b")))),
            ("/dev/VA/root", Some(Device::Path(text("/dev/VA/root")))),
            ("tmpfs", None),
            ("server:/dev/x", None),
        ] {
            assert_eq!(Device::parse(source), device, "{source}");
        }
    }
}
