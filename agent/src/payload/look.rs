// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decodes the payload without writing it, to see what is in it.

use super::stream::{self, StreamError};
use super::xz::Limits;
use super::{Payload, Progress};
use ondisk::inventory::{Disagreement, Inventory, Report, Target};
use ondisk::manifest::Manifest;

/// Why the payload cannot be looked through.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error(transparent)]
    Disagreement(#[from] Disagreement),
}

/// Decodes the whole payload without writing it, and returns what is in it. Ends
/// early if it has more than the manifest says, so that a small file cannot make
/// this run for ever. `progress` is called for every piece of data.
pub fn look(
    payload: &Payload,
    manifest: &Manifest,
    limits: Limits,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, LookError> {
    let claims = &manifest.payload;
    let mut inventory = Inventory::new(Target::of(manifest));
    stream::read::<LookError>(payload, limits, progress, |event| {
        inventory.event(&event);
        let found = inventory.totals();
        for (what, found, claimed) in [
            ("members", found.entries, claims.entries),
            ("bytes in its files", found.bytes, claims.unpacked_bytes),
        ] {
            if found > claimed {
                return Err(LookError::Disagreement(Disagreement {
                    claimed: format!("{claimed} {what}"),
                    found: "more".into(),
                }));
            }
        }
        Ok(())
    })?;
    Ok(inventory.finish())
}
