// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which kernels the tiny system can use.

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

    #[test]
    fn versions() {
        let recent = ["5.6.0", "5.14.0-70.el9", "6.1.0-13-amd64", "10.0"].map(is_recent);
        assert_eq!(recent, [true; 4]);
        assert_eq!(
            ["5.5.19", "4.18.0-553.el8", "3.10.0", "x"].map(is_recent),
            [false; 4]
        );
    }
}
