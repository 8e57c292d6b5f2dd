// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a person is told about an image.

use super::select::Selection;

/// What was picked and what is missing; with `list` every module with its
/// size.
pub fn text(selection: &Selection, version: &str, list: bool) -> String {
    let total: usize = selection
        .modules
        .iter()
        .map(|module| module.bytes.len())
        .sum();
    let count = selection.modules.len();
    let mut lines = vec![format!(
        "kernel {version}: {count} modules, {} unpacked",
        mebibytes(total as u64)
    )];
    for purpose in &selection.purposes {
        let mut parts = Vec::new();
        if !purpose.picked.is_empty() {
            parts.push(purpose.picked.join(" "));
        }
        if !purpose.builtin.is_empty() {
            parts.push(format!("built in: {}", purpose.builtin.join(" ")));
        }
        if !purpose.missing.is_empty() {
            parts.push(format!("missing: {}", purpose.missing.join(" ")));
        }
        lines.push(format!("  {}: {}", purpose.name, parts.join("; ")));
    }
    for missing in &selection.soft {
        let by = missing
            .by
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        lines.push(format!(
            "  {by} would like {}, which is missing",
            missing.wanted
        ));
    }
    if list {
        let modules = selection.modules.iter();
        lines.extend(modules.map(|m| format!("{:>9} {}", m.bytes.len(), m.path)));
    }
    lines.join("\n") + "\n"
}

/// A number of bytes in MiB with two digits behind the point.
pub fn mebibytes(bytes: u64) -> String {
    let hundredths = bytes.saturating_mul(100) >> 20;
    format!("{}.{:02} MiB", hundredths / 100, hundredths % 100)
}
