// SPDX-License-Identifier: MIT OR Apache-2.0
//! /etc/fstab (fstab(5)).

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What is mounted.
    pub source: String,
    /// Where.
    pub target: String,
    /// As what.
    pub kind: String,
}

impl Line {
    /// Whether the source is a local block device rather than a network file
    /// system, a bind mount or a tmpfs.
    pub fn is_device(&self) -> bool {
        let tagged = ["UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=", "/dev/"];
        self.kind != "none" && tagged.iter().any(|tag| self.source.starts_with(tag))
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
            Some(Line {
                source: unescape(source),
                target: unescape(target),
                kind,
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
            UUID=abc /boot/with\\040space ext4\nnone /tmp tmpfs\nbroken\n//server/x /mnt cifs\n";
        let lines = parse(text);
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0].target, "/");
        assert_eq!(lines[1].target, "/boot/with space");
        let devices: Vec<bool> = lines.iter().map(Line::is_device).collect();
        assert_eq!(devices, [true, true, false, false]);
    }
}
