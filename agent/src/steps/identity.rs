// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 9: what makes the machine itself goes into the new system.

use super::{Context, Error, Step};
use crate::{identity, paths};
use std::path::Path;

/// Carries the saved identity over.
pub struct Identity;

impl Step for Identity {
    fn name(&self) -> &'static str {
        "identity"
    }

    fn run(&self, context: &mut Context) -> Result<(), Error> {
        let saved = Path::new(paths::PAYLOAD_DIR).join(paths::IDENTITY);
        let root = Path::new(paths::NEW_ROOT);
        let report = identity::apply(&saved, root, &context.plan()?.identity)?;
        for line in &report.done {
            context.reporter.detail(line);
        }
        for line in &report.warnings {
            context.reporter.line(&format!("warning: {line}"));
        }
        Ok(())
    }

    fn verify(&self, context: &mut Context) -> Result<(), Error> {
        if !context.plan()?.identity.machine_id {
            return Ok(());
        }
        let path = Path::new(paths::NEW_ROOT).join("etc/machine-id");
        let found = std::fs::read_to_string(&path).map_err(|source| Error::File {
            path: path.clone(),
            source,
        })?;
        if found.trim() == context.loaded()?.staged.fingerprint.machine_id {
            return Ok(());
        }
        Err(Error::Unverified {
            what: path.display().to_string(),
            found: found.trim().into(),
        })
    }
}
