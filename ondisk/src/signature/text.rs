// SPDX-License-Identifier: MIT OR Apache-2.0
//! UUIDs and labels as text.

use crate::manifest::uuid_text;

/// `8-4-4-4-12`; none when all bytes are zero.
pub(super) fn uuid(bytes: [u8; 16]) -> Option<String> {
    (bytes != [0; 16]).then(|| uuid_text(&bytes))
}

/// The same for a GUID: its first three fields are little-endian.
pub(super) fn guid(bytes: [u8; 16]) -> Option<String> {
    let [a, b, c, d, e, f, g, h, rest @ ..] = bytes;
    let [i, j, k, l, m, n, o, p] = rest;
    uuid([d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p])
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
