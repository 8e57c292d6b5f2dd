// SPDX-License-Identifier: MIT OR Apache-2.0
//! `struct dm_ioctl` and what follows it, as bytes.

use super::TableLine;

/// Size of `struct dm_ioctl`; the data follow.
pub(super) const DATA_START: usize = 312;
const NAME: usize = 48;
const NAME_MAX: usize = 127;
const UUID: usize = 176;
const UUID_MAX: usize = 128;
/// Bytes of `struct dm_target_spec`; the parameters follow.
const SPEC: usize = 40;
const TYPE_MAX: usize = 15;

/// A request under construction.
pub(super) struct Request {
    bytes: Vec<u8>,
}

impl Request {
    pub(super) fn new() -> Self {
        let mut out = Self {
            bytes: vec![0; DATA_START],
        };
        out.put(0, &4u32.to_le_bytes());
        out.put(16, &(DATA_START as u32).to_le_bytes());
        out
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    fn put(&mut self, at: usize, data: &[u8]) {
        if let Some(slot) = at
            .checked_add(data.len())
            .and_then(|end| self.bytes.get_mut(at..end))
        {
            slot.copy_from_slice(data);
        }
    }

    pub(super) fn set_flags(&mut self, flags: u32) {
        self.put(28, &flags.to_le_bytes());
    }

    pub(super) fn set_name(&mut self, name: &str) -> Result<(), &'static str> {
        if name.is_empty() || name.len() > NAME_MAX || name.contains(['\0', '/']) {
            return Err("a name has 1 to 127 bytes, none of them \"/\"");
        }
        self.put(NAME, name.as_bytes());
        Ok(())
    }

    pub(super) fn set_uuid(&mut self, uuid: &str) -> Result<(), &'static str> {
        if uuid.len() > UUID_MAX || uuid.contains('\0') {
            return Err("a uuid has at most 128 bytes");
        }
        self.put(UUID, uuid.as_bytes());
        Ok(())
    }

    /// Appends the targets of a table.
    pub(super) fn set_table(&mut self, table: &[TableLine]) -> Result<(), &'static str> {
        let count = u32::try_from(table.len()).map_err(|_| "too many targets")?;
        if count == 0 {
            return Err("a table has at least one target");
        }
        self.put(20, &count.to_le_bytes());
        for line in table {
            if line.kind.is_empty() || line.kind.len() > TYPE_MAX || line.kind.contains('\0') {
                return Err("a target type has 1 to 15 bytes");
            }
            if line.params.contains('\0') {
                return Err("a NUL in a target's parameters");
            }
            let total = (SPEC + line.params.len() + 1).next_multiple_of(8);
            let next = u32::try_from(total).map_err(|_| "a target's parameters are too long")?;
            let start = self.bytes.len();
            self.bytes.resize(start.saturating_add(total), 0);
            self.put(start, &line.start.to_le_bytes());
            self.put(start + 8, &line.length.to_le_bytes());
            self.put(start + 20, &next.to_le_bytes());
            self.put(start + 24, line.kind.as_bytes());
            self.put(start + SPEC, line.params.as_bytes());
        }
        Ok(())
    }

    /// The request in a buffer of `size` bytes (at least its own length).
    pub(super) fn to_buffer(&self, size: usize) -> Vec<u8> {
        let size = size.max(self.bytes.len());
        let mut buffer = self.bytes.clone();
        buffer.resize(size, 0);
        let length = u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes();
        for (to, from) in buffer.iter_mut().skip(12).zip(length) {
            *to = from;
        }
        buffer
    }
}

/// An answer.
pub(super) struct Reply {
    bytes: Vec<u8>,
}

impl Reply {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?;
        bytes.try_into().ok().map(u32::from_le_bytes)
    }

    fn u64(&self, at: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(8)?)?;
        bytes.try_into().ok().map(u64::from_le_bytes)
    }

    /// The string at `at`, up to its NUL.
    fn text(&self, at: usize) -> Option<String> {
        let rest = self.bytes.get(at..)?;
        let end = rest.iter().position(|b| *b == 0)?;
        Some(String::from_utf8_lossy(rest.get(..end)?).into_owned())
    }

    pub(super) fn flags(&self) -> Option<u32> {
        self.u32(28)
    }

    pub(super) fn target_count(&self) -> Option<u32> {
        self.u32(20)
    }

    pub(super) fn open_count(&self) -> Option<i32> {
        self.u32(24).map(u32::cast_signed)
    }

    pub(super) fn dev(&self) -> Option<u64> {
        self.u64(40)
    }

    pub(super) fn name(&self) -> Option<String> {
        self.text(NAME)
    }

    pub(super) fn uuid(&self) -> Option<String> {
        self.text(UUID)
    }

    /// `struct dm_name_list`: records that name the distance to the next one.
    pub(super) fn names(&self) -> Option<Vec<String>> {
        let mut out = Vec::new();
        let mut at = usize::try_from(self.u32(16)?).ok()?;
        if at.checked_add(12)? > self.bytes.len() || self.u64(at)? == 0 {
            return Some(out);
        }
        loop {
            out.push(self.text(at.checked_add(12)?)?);
            match usize::try_from(self.u32(at.checked_add(8)?)?).ok()? {
                0 => return Some(out),
                next => at = at.checked_add(next)?,
            }
        }
    }

    /// `struct dm_target_spec`s; here `next` counts from the first one.
    pub(super) fn table(&self) -> Option<Vec<TableLine>> {
        let base = usize::try_from(self.u32(16)?).ok()?;
        let count = self.target_count()?;
        let mut out = Vec::new();
        let mut at = base;
        for _ in 0..count {
            let kind = self.bytes.get(at.checked_add(24)?..at.checked_add(SPEC)?)?;
            let kind = kind.split(|b| *b == 0).next()?;
            out.push(TableLine {
                start: self.u64(at)?,
                length: self.u64(at.checked_add(8)?)?,
                kind: String::from_utf8_lossy(kind).into_owned(),
                params: self.text(at.checked_add(SPEC)?)?.trim_end().to_owned(),
            });
            at = base.checked_add(usize::try_from(self.u32(at.checked_add(20)?)?).ok()?)?;
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(start: u64, length: u64, kind: &str, params: &str) -> TableLine {
        TableLine {
            start,
            length,
            kind: kind.into(),
            params: params.into(),
        }
    }

    /// The bytes that the kernel's own documentation and a real load agree on.
    #[test]
    fn a_linear_target_has_56_bytes() {
        let mut r = Request::new();
        r.set_name("vg0-root").unwrap();
        r.set_table(&[line(0, 8388608, "linear", "7:0 2048")])
            .unwrap();
        let b = r.to_buffer(0);
        assert_eq!(b.len(), 312 + 56);
        assert_eq!(b[..12], [4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(b[12..24], [0x70, 1, 0, 0, 0x38, 1, 0, 0, 1, 0, 0, 0]);
        assert_eq!(&b[48..57], b"vg0-root\0");
        assert_eq!(
            b[312..336],
            [
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 56, 0, 0, 0
            ]
        );
        assert_eq!(&b[336..352], b"linear\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(&b[352..], b"7:0 2048\0\0\0\0\0\0\0\0");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut r = Request::new();
        assert!(r.set_name("").is_err());
        assert!(r.set_name("a/b").is_err());
        assert!(r.set_name(&"n".repeat(128)).is_err());
        assert!(r.set_name(&"n".repeat(127)).is_ok());
        assert!(r.set_uuid(&"u".repeat(129)).is_err());
        assert!(r.set_table(&[]).is_err());
        assert!(r.set_table(&[line(0, 8, "sixteen-bytes-xx", "")]).is_err());
        assert!(r.set_table(&[line(0, 8, "linear", "7:0 0\0")]).is_err());
    }

    /// A status answer counts `next` from the first record, not from the last.
    #[test]
    fn a_table_is_read_back() {
        let mut b = vec![0u8; 312];
        b[16..20].copy_from_slice(&312u32.to_le_bytes());
        b[20..24].copy_from_slice(&2u32.to_le_bytes());
        for (start, next, kind, params) in [
            (0u64, 56u32, &b"linear"[..], &b"7:0 2048"[..]),
            (2048, 104, b"zero", b""),
        ] {
            let at = b.len();
            b.resize(at + if kind == b"zero" { 48 } else { 56 }, 0);
            b[at..at + 8].copy_from_slice(&start.to_le_bytes());
            b[at + 8..at + 16].copy_from_slice(&2048u64.to_le_bytes());
            b[at + 20..at + 24].copy_from_slice(&next.to_le_bytes());
            b[at + 24..at + 24 + kind.len()].copy_from_slice(kind);
            b[at + 40..at + 40 + params.len()].copy_from_slice(params);
        }
        let want = [
            line(0, 2048, "linear", "7:0 2048"),
            line(2048, 2048, "zero", ""),
        ];
        assert_eq!(Reply::new(b.clone()).table().unwrap(), want);
        b.truncate(400);
        assert!(Reply::new(b).table().is_none());
    }
}
