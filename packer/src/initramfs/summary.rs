// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a person is told about an image.

use super::select::Selection;

/// Prints what was picked and what is missing; with `list` every module with
/// its size.
pub fn print(selection: &Selection, version: &str, list: bool) {
    let total: usize = selection
        .modules
        .iter()
        .map(|module| module.bytes.len())
        .sum();
    let count = selection.modules.len();
    println!(
        "kernel {version}: {count} modules, {} unpacked",
        mebibytes(total as u64)
    );
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
        println!("  {}: {}", purpose.name, parts.join("; "));
    }
    for missing in &selection.soft {
        let by = missing
            .by
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        println!("  {by} would like {}, which is missing", missing.wanted);
    }
    if list {
        for module in &selection.modules {
            println!("{:>9} {}", module.bytes.len(), module.path);
        }
    }
}

/// A number of bytes in MiB with two digits behind the point.
pub fn mebibytes(bytes: u64) -> String {
    let hundredths = bytes.saturating_mul(100) >> 20;
    format!("{}.{:02} MiB", hundredths / 100, hundredths % 100)
}
