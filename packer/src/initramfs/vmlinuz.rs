// SPDX-License-Identifier: MIT OR Apache-2.0
//! The header of an x86 kernel image.
//!
//! Source: the kernel's Documentation/arch/x86/boot.rst.

/// Offset of `HdrS`.
const MAGIC: usize = 0x202;
/// Offset of the 16 bit number that, plus 0x200, is where the version's text is.
const KERNEL_VERSION: usize = 0x20e;

/// The kernel's version, as `uname -r` prints it.
pub fn version(image: &[u8]) -> Result<String, &'static str> {
    if image.get(MAGIC..MAGIC + 4) != Some(b"HdrS") {
        return Err("it has no header of an x86 Linux kernel");
    }
    let at = match image.get(KERNEL_VERSION..KERNEL_VERSION + 2) {
        Some([low, high]) => usize::from(u16::from_le_bytes([*low, *high])),
        _ => return Err("its header is cut off"),
    };
    if at == 0 {
        return Err("its header has no version");
    }
    let text = image.get(at + 0x200..).ok_or("its version is cut off")?;
    // `6.1.0-13-amd64 (debian-kernel@lists.debian.org) #1 SMP ...`, ended by NUL.
    let end = text
        .iter()
        .take(256)
        .position(|byte| matches!(byte, 0 | b' '));
    let word = end
        .and_then(|end| text.get(..end))
        .ok_or("its version has no end")?;
    match std::str::from_utf8(word) {
        Ok(word) if !word.is_empty() && !word.contains('/') => Ok(word.to_owned()),
        _ => Err("its version is not a text"),
    }
}

/// Whether a kernel of this version has openat2, without which the payload is
/// not unpacked: since Linux 5.6.
pub fn is_recent(version: &str) -> bool {
    let mut numbers = version.split(|c: char| !c.is_ascii_digit());
    let mut next = || numbers.next().and_then(|n| n.parse().ok()).unwrap_or(0u32);
    (next(), next()) >= (5, 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(text: &[u8]) -> Vec<u8> {
        let mut image = vec![0; 0x400];
        image[MAGIC..MAGIC + 4].copy_from_slice(b"HdrS");
        image[KERNEL_VERSION..KERNEL_VERSION + 2].copy_from_slice(&0x200u16.to_le_bytes());
        image.extend_from_slice(text);
        image
    }

    #[test]
    fn versions() {
        let debian = image(b"6.1.0-13-amd64 (debian-kernel@lists.debian.org) #1 SMP\0");
        assert_eq!(version(&debian).unwrap(), "6.1.0-13-amd64");
        assert_eq!(version(&image(b"5.14\0")).unwrap(), "5.14");
        for bad in [&b"5.14"[..], b"../x\0", b"\0", b"\xff\0", b""] {
            assert!(version(&image(bad)).is_err(), "{bad:?}");
        }
        assert!(version(b"MZ").is_err());
        let recent = ["5.6.0", "5.14.0-70.el9", "6.1.0-13-amd64", "10.0"].map(is_recent);
        assert_eq!(recent, [true; 4]);
        assert_eq!(
            ["5.5.19", "4.18.0-553.el8", "3.10.0", "x"].map(is_recent),
            [false; 4]
        );
        assert!(version(&debian[..0x20f]).is_err());
        assert!(version(&debian[..0x300]).is_err());
    }
}
