// SPDX-License-Identifier: MIT OR Apache-2.0
//! /proc/self/mountinfo (Documentation/filesystems/proc.rst, 3.5).

use super::{Error, read};
use ondisk::DevNo;

/// A mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Its device's number.
    pub device: DevNo,
    pub target: String,
    pub kind: String,
    /// What was mounted, `/dev/...` for a block device.
    pub source: String,
    /// Which directory of the file system is mounted.
    pub root: String,
    /// Options of the file system itself, as `rw,logdev=/dev/sdb1`.
    pub options: String,
}

/// What is mounted now, in the order of mounting.
///
/// # Errors
/// [`Error::File`] when /proc is not mounted.
pub fn mounts() -> Result<Vec<Mount>, Error> {
    Ok(parse(&read("/proc/self/mountinfo")?))
}

/// Reads the text of mountinfo; lines of another form are left out.
pub fn parse(text: &str) -> Vec<Mount> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Mount> {
    let (left, right) = line.split_once(" - ")?;
    let mut left = left.split(' ').skip(2);
    let device = left.next()?.parse().ok()?;
    let root = unescape(left.next()?);
    let target = unescape(left.next()?);
    let mut right = right.split(' ');
    Some(Mount {
        device,
        target,
        kind: right.next()?.to_string(),
        source: unescape(right.next()?),
        root,
        options: right.next().map(unescape).unwrap_or_default(),
    })
}

/// The kernel writes space, tab, line feed and backslash as `\ooo`.
fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let octal = bytes.get(at + 1..at + 4).filter(|_| byte == b'\\');
        let value = octal
            .filter(|digits| digits.iter().all(u8::is_ascii_digit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match value {
            Some(value) => {
                out.push(value);
                at += 4;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_mountinfo() {
        let text = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/mapper/old--vg-root rw\n\
            35 22 8:1 /sub /mnt/a\\040b\\134 rw - xfs /dev/sda1 rw\nrubbish\n\
            36 22 0:5 / /dev rw master:2 propagate_from:1 - devtmpfs udev rw,size=1k\n";
        let found = parse(text);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].device.to_string(), "254:0");
        assert_eq!(found[0].source, "/dev/mapper/old--vg-root");
        assert_eq!(
            (found[1].target.as_str(), found[1].root.as_str()),
            ("/mnt/a b\\", "/sub")
        );
        assert_eq!(found[2].kind, "devtmpfs");
        assert_eq!(found[2].options, "rw,size=1k");
        assert!(mounts().unwrap().iter().any(|m| m.target == "/"));
        // What is no escape stays.
        for odd in ["\\", "a\\04", "\\+12", "\\777", "\\é40"] {
            assert_eq!(unescape(odd), odd);
        }
    }

    #[test]
    fn damaged_tables() {
        let line = b"35 22 8:1 /sub /mnt/a\\040b\\134 rw shared:1 - xfs /dev/sda1 rw\n";
        let target = testkit::Target {
            name: "mountinfo",
            samples: vec![line.repeat(2)],
            words: b" ~\\~\\777~:~ - ~\n~\xff~\0",
            hot: vec![],
            rounds: 5000,
        };
        let whole = |bytes: &[u8], _: &mut _| parse(&String::from_utf8_lossy(bytes)).len() == 2;
        target.read(whole).at_least(100, 100);
    }
}
