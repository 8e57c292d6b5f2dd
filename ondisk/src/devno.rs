// SPDX-License-Identifier: MIT OR Apache-2.0
//! The number of a block device.

use std::fmt;
use std::str::FromStr;

/// A device number, written `major:minor`. From and into `u64` it is the
/// `dev_t` of stat(2), which the kernel's own 64-bit form agrees with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DevNo {
    /// The driver's number.
    pub major: u32,
    /// The device's number.
    pub minor: u32,
}

impl From<u64> for DevNo {
    fn from(dev: u64) -> Self {
        Self {
            major: (((dev >> 32) & 0xffff_f000) | ((dev >> 8) & 0xfff)) as u32,
            minor: (((dev >> 12) & 0xffff_ff00) | (dev & 0xff)) as u32,
        }
    }
}

impl From<DevNo> for u64 {
    fn from(DevNo { major, minor }: DevNo) -> u64 {
        let (major, minor) = (u64::from(major), u64::from(minor));
        (major & 0xffff_f000) << 32
            | (major & 0xfff) << 8
            | (minor & 0xffff_ff00) << 12
            | (minor & 0xff)
    }
}

impl fmt::Display for DevNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.major, self.minor)
    }
}

/// Text that is no `major:minor`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no device number")]
pub struct NoDevNo(String);

impl FromStr for DevNo {
    type Err = NoDevNo;

    fn from_str(text: &str) -> Result<Self, NoDevNo> {
        let pair = || {
            let (major, minor) = text.split_once(':')?;
            let (major, minor) = (major.parse().ok()?, minor.parse().ok()?);
            Some(Self { major, minor })
        };
        pair().ok_or_else(|| NoDevNo(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_stat_and_sysfs_have_them() {
        for (dev, text) in [
            (0, "0:0"),
            (0x801, "8:1"),
            (65024, "254:0"),
            // More minor numbers than a byte holds.
            (0x1230_fe45, "254:74565"),
            (u64::MAX, "4294967295:4294967295"),
        ] {
            let number = DevNo::from(dev);
            assert_eq!(number.to_string(), text);
            assert_eq!(u64::from(number), dev);
            assert_eq!(text.parse(), Ok(number));
        }
        for bad in [
            "",
            "8",
            "8:",
            ":1",
            "8:1:2",
            "-1:0",
            "8:4294967296",
            "8:1\n",
        ] {
            assert!(bad.parse::<DevNo>().is_err(), "{bad:?}");
        }
    }
}
