// SPDX-License-Identifier: MIT OR Apache-2.0
//! The forms of a name.

/// How a file names a local block device. Letters are as the file has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// The file system's UUID.
    Uuid(String),
    /// The file system's label.
    Label(String),
    /// The partition's GUID.
    PartUuid(String),
    /// The partition's name.
    PartLabel(String),
    /// Another path below /dev.
    Path(String),
}

impl Name {
    /// Reads `TAG=value` or a path below /dev, as systemd's
    /// fstab_node_to_udev_node does; `None` for what is no local device.
    pub fn parse(text: &str) -> Option<Name> {
        let links = text.strip_prefix("/dev/disk/by-");
        let value = |tag: &str, link: &str| match text.strip_prefix(tag) {
            Some(value) => Some(unquote(value).to_string()),
            None => links?.strip_prefix(link).map(decode),
        };
        if let Some(uuid) = value("UUID=", "uuid/") {
            return Some(Name::Uuid(uuid));
        }
        if let Some(uuid) = value("PARTUUID=", "partuuid/") {
            return Some(Name::PartUuid(uuid));
        }
        value("LABEL=", "label/")
            .map(Name::Label)
            .or_else(|| value("PARTLABEL=", "partlabel/").map(Name::PartLabel))
            .or_else(|| text.starts_with("/dev/").then(|| Name::Path(text.into())))
    }

    /// The name with the small letters that udev's links have, if it is a
    /// UUID of an ext4 file system or of a partition in other letters: the
    /// link of this name does not exist.
    pub fn small(&self) -> Option<String> {
        match self {
            Name::Uuid(text) | Name::PartUuid(text) => {
                let small = text.to_lowercase();
                (small != *text).then_some(small)
            }
            _ => None,
        }
    }
}

/// Takes off one pair of quotes.
fn unquote(text: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(text)
}

/// Decodes the `\x20` of udev's links; other backslashes stay.
fn decode(link: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = link.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = rest
            .strip_prefix(b"\\x")
            .and_then(|hex| hex.get(..2))
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = rest.get(4..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms() {
        let text = String::from;
        for (source, name) in [
            ("UUID=\"AB-1\"", Some(Name::Uuid(text("AB-1")))),
            ("UUID='ab-1'", Some(Name::Uuid(text("ab-1")))),
            // Half a pair is a part of the name, as for systemd.
            ("UUID=\"ab", Some(Name::Uuid(text("\"ab")))),
            ("LABEL=\"", Some(Name::Label(text("\"")))),
            ("/dev/disk/by-uuid/AB", Some(Name::Uuid(text("AB")))),
            ("LABEL=Root", Some(Name::Label(text("Root")))),
            (
                "/dev/disk/by-label/a\\x20b\\x2",
                Some(Name::Label(text("a b\\x2"))),
            ),
            ("PARTUUID=AB", Some(Name::PartUuid(text("AB")))),
            ("PARTLABEL=a b", Some(Name::PartLabel(text("a b")))),
            ("/dev/VA/root", Some(Name::Path(text("/dev/VA/root")))),
            ("tmpfs", None),
            ("server:/dev/x", None),
        ] {
            assert_eq!(Name::parse(source), name, "{source}");
        }
    }

    #[test]
    fn udev_writes_uuids_in_small_letters() {
        let small = |text: &str| Name::parse(text).unwrap().small();
        assert_eq!(small("UUID=3F0f").as_deref(), Some("3f0f"));
        assert_eq!(
            small("/dev/disk/by-partuuid/AB-02").as_deref(),
            Some("ab-02")
        );
        for text in ["UUID=3f0f", "LABEL=Root", "/dev/VA/root"] {
            assert_eq!(small(text), None, "{text}");
        }
    }
}
