// SPDX-License-Identifier: MIT OR Apache-2.0
//! Step 9: applies the saved identity to the new system.

use super::{Context, Error, Step, heirs, rest};
use crate::{losses, paths};
use rootdir::RootDir;
use std::path::Path;

/// Applies the saved identity.
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
        let losses = identity::load(&saved)?.losses;
        if !losses.is_empty() {
            let (count, log) = (losses.len(), "/var/log/replant/migration.log");
            context.reporter.line(&format!(
                "{count} things of the old system are not carried over; the new system's {log} names them"
            ));
        }
        for loss in &losses {
            context.reporter.detail(&losses::line(loss));
        }
        if context.lifeboat.is_some() {
            // For a power cut between `switch` and the end of `release`.
            let tasks = heirs::tasks(context.plan()?)?;
            if !rest::place(&RootDir::open(root)?, &tasks)? {
                context.reporter.line("warning: the new system has no systemd: if the power goes at the very end, remove the volume replant-pinned by hand");
            }
        }
        Ok(())
    }

    fn confirm(&self, context: &mut Context) -> Result<(), Error> {
        let saved = Path::new(paths::PAYLOAD_DIR).join(paths::IDENTITY);
        let host = identity::load(&saved)?.host;
        let carried = context.plan()?.identity.machine_id;
        let wanted = host.machine_id.filter(|_| carried);
        has_machine_id(Path::new(paths::NEW_ROOT), wanted.as_deref())
    }
}

/// Compares with the saved machine-id and not with the fingerprint, which has the
/// old file's text as it was, even if that was no valid id.
fn has_machine_id(root: &Path, wanted: Option<&str>) -> Result<(), Error> {
    let Some(wanted) = wanted else {
        return Ok(());
    };
    let file = "etc/machine-id";
    let root = RootDir::open(root)?;
    let found = root.text(file)?;
    let found = found.as_deref().unwrap_or("no file").trim();
    if found == wanted {
        return Ok(());
    }
    Err(Error::Unverified {
        what: root.full(file).display().to_string(),
        found: found.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity::Policy;

    #[test]
    fn an_old_id_that_is_none_does_not_stop_the_migration() {
        testkit::needs!("root");
        let dir = tempfile::tempdir().unwrap();
        let (old, new, saved) = (
            dir.path().join("old"),
            dir.path().join("new"),
            dir.path().join("saved"),
        );
        for root in [&old, &new] {
            std::fs::create_dir_all(root.join("etc")).unwrap();
        }
        let migrate = |id: &str| {
            std::fs::write(old.join("etc/machine-id"), id).unwrap();
            std::fs::write(new.join("etc/machine-id"), "uninitialized\n").unwrap();
            identity::save(&old, None, &saved).unwrap();
            identity::apply(&saved, &new, &Policy::default()).unwrap();
            let host = identity::load(&saved).unwrap().host;
            has_machine_id(&new, host.machine_id.as_deref())
        };
        migrate("0123456789ABCDEF0123456789ABCDEF\n").unwrap();
        migrate("01234567-89ab-cdef-0123-456789abcdef\n").unwrap();
        let error = has_machine_id(&new, Some("other")).unwrap_err().to_string();
        assert!(error.contains("is not as it was written"), "{error}");
    }
}
