// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parses /proc/mounts (proc(5)): one line for each mount, the oldest first.

use core::ffi::CStr;

use heapless::Vec;

/// Longest path of a mount point, in bytes, that is handled.
pub const PATH: usize = 1024;

/// One mount.
#[derive(Debug)]
pub struct Mount {
    /// The mount point without the escapes of the file, and a NUL.
    point: Vec<u8, PATH>,
    /// Whether a disk is behind it, to which data must be written out.
    pub on_device: bool,
}

impl Mount {
    /// The mount point, an absolute path.
    pub fn point(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.point).unwrap_or(c"/")
    }
}

/// Mount points that the shutdown itself needs.
const KEPT: [&[u8]; 6] = [b"/", b"/dev", b"/dev/pts", b"/proc", b"/sys", b"/run"];

/// The mounts of `text` from the last mounted to the first, without those that
/// /init keeps up to the end (/, /dev, /dev/pts, /proc, /sys, /run).
///
/// A line that is no mount, or whose path is not shorter than [`PATH`], is skipped.
pub fn reversed(text: &[u8]) -> impl Iterator<Item = Mount> {
    text.split(|b| *b == b'\n').rev().filter_map(|line| {
        let mut fields = line.split(|b| *b == b' ');
        let on_device = fields.next()?.starts_with(b"/dev/");
        let mut point = unescape(fields.next()?)?;
        if !point.starts_with(b"/") || KEPT.contains(&point.as_slice()) {
            return None;
        }
        point.push(0).ok()?;
        Some(Mount { point, on_device })
    })
}

/// Takes the `\040` escapes (space, tab, newline, backslash, hash) out.
fn unescape(field: &[u8]) -> Option<Vec<u8, PATH>> {
    let mut path = Vec::new();
    let mut rest = field;
    while let Some((first, tail)) = rest.split_first() {
        let (byte, tail) = match (first, tail) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', more @ ..]) => {
                (((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'), more)
            }
            _ => (*first, tail),
        };
        path.push(byte).ok()?;
        rest = tail;
    }
    // A path with a NUL cannot be handed to the kernel.
    (!path.contains(&0)).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "rootfs / rootfs rw 0 0\n\
        dev /dev devtmpfs rw,nosuid 0 0\n\
        proc /proc proc rw 0 0\n\
        tmpfs /run tmpfs rw 0 0\n\
        tmpfs /run/payload tmpfs rw,size=1g 0 0\n\
        /dev/mapper/a\\040b /mnt/new\\040root ext4 rw 0 0\n\
        proc /mnt/new\\040root/proc proc rw 0 0\n\
        /dev/sda1 /mnt/back\\134slash ext4 rw 0 0\n";

    fn points(text: &[u8]) -> Vec<String, 64> {
        reversed(text)
            .map(|m| m.point().to_str().unwrap().to_string())
            .collect()
    }

    #[test]
    fn last_first_and_the_kept_ones_out() {
        assert_eq!(
            points(TEXT.as_bytes()),
            [
                "/mnt/back\\slash",
                "/mnt/new root/proc",
                "/mnt/new root",
                "/run/payload"
            ]
        );
        let devices: Vec<bool, 8> = reversed(TEXT.as_bytes()).map(|m| m.on_device).collect();
        assert_eq!(devices, [true, false, true, false]);
    }

    #[test]
    fn malformed_lines_are_skipped() {
        assert!(points(b"").is_empty());
        assert!(points(b"\n\nx\nnone relative tmpfs\n").is_empty());
        let long = format!("a /{} b c\n", "x".repeat(PATH));
        assert!(points(long.as_bytes()).is_empty());
        assert_eq!(points(b"a /x\\04 b\na /y\\777 b"), ["/y\\777", "/x\\04"]);
        assert!(points(b"a /x\\000 b").is_empty(), "no NUL");
    }

    #[test]
    fn mutations() {
        let mut random = testkit::Random(42);
        for _ in 0..20_000 {
            let mut text = TEXT.as_bytes().to_vec();
            for _ in 0..random.below(6) + 1 {
                let at = random.below(text.len());
                text[at] = [random.next() as u8, b'\\', b' ', b'\n'][random.below(4)];
            }
            text.truncate(random.below(text.len() + 1));
            for mount in reversed(&text) {
                assert!(mount.point.starts_with(b"/") && mount.point.len() > 2);
                assert_eq!(mount.point().count_bytes() + 1, mount.point.len());
            }
        }
    }
}
