// SPDX-License-Identifier: MIT OR Apache-2.0
//! UUIDs and labels as text.

use crate::gpt::Guid;

/// `8-4-4-4-12`; none when all bytes are zero.
pub(super) fn uuid(bytes: [u8; 16]) -> Option<String> {
    (bytes != [0; 16]).then(|| crate::uuid::text(&bytes))
}

/// The same for a GUID: its first three fields are little-endian.
pub(super) fn guid(bytes: [u8; 16]) -> Option<String> {
    uuid(Guid(bytes).written())
}

/// Text up to the first NUL, without blanks at the end; none when empty.
pub(super) fn label(bytes: &[u8]) -> Option<String> {
    let end = bytes
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(bytes.len());
    let text = String::from_utf8_lossy(bytes.get(..end)?);
    let text = text.trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}
