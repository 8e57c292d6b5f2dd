// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much RAM there is.

use super::{Error, read};

/// `MemTotal` of /proc/meminfo, in bytes.
///
/// # Errors
/// [`Error`] when /proc is not mounted or does not say it.
pub fn total_bytes() -> Result<u64, Error> {
    let path = "/proc/meminfo";
    parse(&read(path)?).ok_or_else(|| Error::Odd {
        path: path.into(),
        what: "has no MemTotal".into(),
    })
}

fn parse(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<u64>()
        .ok()?
        .checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_meminfo() {
        assert_eq!(
            parse("MemTotal:        1014232 kB\nMemFree: 1 kB\n"),
            Some(1_038_573_568)
        );
        assert_eq!(parse("MemFree: 1 kB\n"), None);
        assert!(total_bytes().unwrap() > 1 << 20);
    }
}
