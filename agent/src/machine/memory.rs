// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much RAM there is (Documentation/filesystems/proc.rst, "meminfo").

use super::{Error, read};

/// The lines of `/proc/meminfo` that matter here, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemInfo {
    /// All RAM that the kernel manages.
    pub total: u64,
    /// What programs can get without swapping; `MemFree` and the caches on
    /// kernels before 3.14, which do not say.
    pub available: u64,
}

impl MemInfo {
    /// Asks the kernel.
    ///
    /// # Errors
    /// [`Error`] when /proc is not mounted or does not say it.
    pub fn read() -> Result<MemInfo, Error> {
        let path = "/proc/meminfo";
        parse(&read(path)?).map_err(|key| Error::Unexpected {
            path: path.into(),
            what: format!("has no proper line {key}"),
        })
    }
}

/// Reads the text of `/proc/meminfo`; the error is the line that is missing.
fn parse(text: &str) -> Result<MemInfo, &'static str> {
    let value = |key: &'static str| {
        text.lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))
            .and_then(|rest| {
                let kib = rest.trim().strip_suffix("kB")?.trim_end();
                kib.parse::<u64>().ok()?.checked_mul(1024)
            })
            .ok_or(key)
    };
    let total = value("MemTotal")?;
    let available = match value("MemAvailable") {
        Ok(available) => available,
        Err(_) => value("MemFree")?
            .saturating_add(value("Cached")?)
            .saturating_add(value("Buffers").unwrap_or(0)),
    };
    Ok(MemInfo { total, available })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMINFO: &str = "MemTotal:        1004908 kB\nMemFree:          101044 kB\n\
        MemAvailable:     640000 kB\nBuffers:           20000 kB\nCached:           300000 kB\n\
        SwapCached:            7 kB\n";

    #[test]
    fn of_new_and_old_kernels() {
        let new = parse(MEMINFO).unwrap();
        assert_eq!((new.total, new.available), (1004908 << 10, 640000 << 10));
        let old = parse(&MEMINFO.replace("MemAvailable", "Other")).unwrap();
        assert_eq!(old.available, (101044 + 300000 + 20000) << 10);
        let here = MemInfo::read().unwrap();
        assert!(here.total > 1 << 20 && here.available <= here.total);
    }

    #[test]
    fn what_is_malformed_is_named() {
        for (from, to, key) in [
            ("MemTotal", "Total", "MemTotal"),
            ("1004908 kB", "much", "MemTotal"),
            ("1004908", "18446744073709551615", "MemTotal"),
        ] {
            assert_eq!(parse(&MEMINFO.replace(from, to)), Err(key));
        }
        assert_eq!(parse("MemTotal: 1 kB"), Err("MemFree"));
        assert!(parse("").is_err());
    }
}
