// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finding NetworkManager's connections.

use super::load::is_copy;
use super::{Files, keyfile};
use crate::error::Result;
use rootdir::RootDir;

const KEYFILES: &str = "etc/NetworkManager/system-connections";

/// Reads them.
pub(super) fn load(root: &RootDir, files: &mut Files) -> Result<()> {
    for name in root.list(KEYFILES)? {
        if !is_copy(&name)
            && let Some(text) = root.text(&format!("{KEYFILES}/{name}"))?
        {
            files
                .candidates
                .extend(keyfile::parse(&name, &text, &mut files.warnings));
        }
    }
    Ok(())
}
