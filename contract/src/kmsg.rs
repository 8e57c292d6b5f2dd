// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's log as /dev/kmsg gives it, which both consoles print.

use core::fmt;

/// One record of /dev/kmsg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The level in the low three bits, of which 0 to 3 are errors; the facility
    /// above them.
    pub priority: u32,
    /// When it was written.
    pub stamp: Stamp,
    /// Its first line.
    pub text: &'a [u8],
}

/// Microseconds since the machine was started; printed as dmesg does it:
/// `[    1.234567]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp(pub u64);

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, rest) = (self.0 / 1_000_000, self.0 % 1_000_000);
        write!(f, "[{seconds:5}.{rest:06}]")
    }
}

impl Record<'_> {
    /// Reads `PRIORITY,SEQUENCE,MICROSECONDS,FLAGS;TEXT\n KEY=VALUE\n...`
    /// (Documentation/ABI/testing/dev-kmsg); `None` for anything else.
    pub fn parse(record: &[u8]) -> Option<Record<'_>> {
        let semicolon = record.iter().position(|b| *b == b';')?;
        let (head, text) = record.split_at_checked(semicolon)?;
        let mut fields = core::str::from_utf8(head).ok()?.split(',');
        let priority = fields.next()?.parse().ok()?;
        let stamp = Stamp(fields.nth(1)?.parse().ok()?);
        let text = text.get(1..)?.split(|b| *b == b'\n').next()?;
        Some(Record {
            priority,
            stamp,
            text,
        })
    }

    /// Whether the kernel calls it an error.
    pub fn is_error(&self) -> bool {
        self.priority & 7 <= 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records() {
        let record = Record::parse(b"6,339,5140900,-;NET: Registered\n SUBSYSTEM=x\n").unwrap();
        assert_eq!(record.stamp.to_string(), "[    5.140900]");
        assert_eq!(record.text, b"NET: Registered");
        assert!(!record.is_error());
        assert!(Record::parse(b"11,3,1,-;bad").unwrap().is_error());
        let record = Record::parse(b"0,0,18446744073709551615,-;").unwrap();
        assert_eq!(record.stamp.to_string(), "[18446744073709.551615]");
        assert_eq!(record.text, b"");
        for rubbish in ["", "x", "6,3;x", "6,3,-1,-;x", "a,3,1,-;x", "6,339,x,-;y"] {
            assert_eq!(Record::parse(rubbish.as_bytes()), None, "{rubbish}");
        }
    }
}
