// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers and texts from bytes.

/// Bytes that are read from the front. `None` when there are too few, or they
/// are not of the form that was asked for.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, bytes: u64) -> Option<&'a [u8]> {
        let (taken, left) = self.0.split_at_checked(usize::try_from(bytes).ok()?)?;
        self.0 = left;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, left) = self.0.split_first_chunk()?;
        self.0 = left;
        Some(*taken)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Reads a field that must be zero.
    pub(super) fn zero(&mut self) -> Option<()> {
        (self.u32()? == 0).then_some(())
    }

    pub(super) fn text(&mut self) -> Option<String> {
        let bytes = self.u32()?;
        let text = std::str::from_utf8(self.take(bytes.into())?).ok()?;
        Some(text.to_owned())
    }

    /// As many things as were announced, of `size` bytes each.
    pub(super) fn list<T>(
        &mut self,
        number: u32,
        size: u64,
        mut one: impl FnMut(&mut Reader<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut bytes = Reader(self.take(u64::from(number).checked_mul(size)?)?);
        (0..number).map(|_| one(&mut bytes)).collect()
    }

    /// Nothing is left.
    pub(super) fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}
