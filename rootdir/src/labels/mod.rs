// SPDX-License-Identifier: MIT OR Apache-2.0
//! SELinux labels of the new system's files.
//!
//! The tiny system has no policy: what is made in it, by replant or by a
//! program of the new system, has no label, and an enforcing policy keeps
//! everybody from such a file. The files of the payload bring their labels
//! along, a file that is replaced keeps its own ([`RootDir`]), and all that has
//! none gets the one that the new system's file_contexts gives it, as
//! restorecon would.

#[cfg(test)]
mod tests;
mod walk;

pub use ondisk::selinux::MARKER;
pub use walk::{Count, complete, count, tree};

use crate::{Error, RootDir};
use ondisk::selinux::{Config, FileContexts, Texts};
use std::sync::Arc;

/// How many invalid lines of file_contexts are named.
const NAMED: usize = 5;

/// The labels that the new system's policy gives.
#[derive(Debug)]
pub struct Labels {
    /// Which label a path has, for [`RootDir::with_labels`].
    pub contexts: Arc<FileContexts>,
    /// Rules of its files that cannot be followed, as messages.
    pub warnings: Vec<String>,
    /// Whether the first boot gives labels when [`MARKER`] asks for them.
    pub autorelabel: bool,
}

impl Labels {
    /// Reads the policy's files; none if the new system has no SELinux, or has
    /// switched it off.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn read(root: &RootDir) -> Result<Option<Labels>, Error> {
        let Some(text) = root.text("etc/selinux/config")? else {
            return Ok(None);
        };
        let config = Config::parse(&text);
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
        let directory = format!("etc/selinux/{}", config.policy);
        let named = config.policy.bytes().all(plain) && !config.policy.starts_with('.');
        if !config.on || !named || root.list(&format!("{directory}/policy"))?.is_empty() {
            return Ok(None);
        }
        let file = |name: &str| -> Result<String, Error> {
            let text = root.text(&format!("{directory}/contexts/files/{name}"))?;
            Ok(text.unwrap_or_default())
        };
        let (main, homedirs) = (file("file_contexts")?, file("file_contexts.homedirs")?);
        let (local, subs) = (file("file_contexts.local")?, file("file_contexts.subs")?);
        let subs_dist = file("file_contexts.subs_dist")?;
        let (contexts, problems) = FileContexts::parse(&Texts {
            main: &main,
            homedirs: &homedirs,
            local: &local,
            subs: &subs,
            subs_dist: &subs_dist,
        });
        let mut warnings: Vec<String> = problems
            .iter()
            .take(NAMED)
            .map(|problem| format!("SELinux: {problem}; the line is not followed"))
            .collect();
        if problems.len() > NAMED {
            let more = problems.len() - NAMED;
            warnings.push(format!("SELinux: {more} more lines are not followed"));
        }
        if main.is_empty() {
            warnings.push(format!(
                "SELinux: {directory}/contexts/files/file_contexts is missing; \
                 what is made here gets no label"
            ));
        }
        Ok(Some(Labels {
            contexts: Arc::new(contexts),
            warnings,
            autorelabel: config.autorelabel,
        }))
    }
}
