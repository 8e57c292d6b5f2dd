// SPDX-License-Identifier: MIT OR Apache-2.0
//! The file that stands last in the tiny system's initramfs.

use std::fmt;

/// Where it stands in the image, relative to its root. The kernel keeps what
/// it unpacked before a damaged byte and starts `/init` all the same, so only
/// this file, written last, shows that everything arrived.
pub const MARKER: &str = "etc/replant-image";

/// What the file says: lines `key=value`; unknown keys are skipped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marker {
    /// Version of the kernel whose modules are in the image, as in `uname -r`.
    pub kernel: String,
    /// Number of kernel modules in the image.
    pub modules: usize,
}

impl Marker {
    /// Reads the file. `None` if it is not such a file, or cut off: its last
    /// line is `complete`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix("\ncomplete\n")?;
        let value = |key: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once('='));
            lines.find_map(|(name, value)| (name == key).then_some(value))
        };
        Some(Self {
            kernel: value("kernel")?.to_owned(),
            modules: value("modules")?.parse().ok()?,
        })
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "kernel={}\nmodules={}\ncomplete",
            self.kernel, self.modules
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_a_cut_is_seen() {
        let marker = Marker {
            kernel: "6.1.0-1-amd64".into(),
            modules: 80,
        };
        let text = marker.to_string();
        assert_eq!(Marker::parse(&text), Some(marker));
        for end in 0..text.len() {
            assert_eq!(Marker::parse(&text[..end]), None, "{end}");
        }
        assert_eq!(Marker::parse("modules=1\ncomplete\n"), None);
    }
}
