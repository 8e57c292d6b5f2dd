// SPDX-License-Identifier: MIT OR Apache-2.0
//! `replant status`: what is staged, and how the last try ended.

use super::bootentry::{Loader, armed_entry};
use super::error::file;
use super::{Error, Staged};
use crate::paths;
use crate::report::quote;
use std::path::Path;

/// Prints what is staged on this machine.
///
/// # Errors
/// When the record cannot be read.
pub fn status(json: bool) -> Result<(), Error> {
    let dir = Path::new("/").join(paths::STAGED_DIR);
    let path = dir.join(paths::STAGED);
    let staged = match std::fs::read_to_string(&path) {
        Ok(text) => Some(Staged::parse(&text)?),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => return Err(file(&path)(e)),
    };
    let armed = match Loader::detect(Path::new("/")) {
        Ok(loader) => armed_entry(&loader.environment())?,
        Err(_) => None,
    };
    let report = std::fs::read_to_string(dir.join(paths::FAILURE_REPORT)).ok();
    let reason = report
        .as_deref()
        .and_then(|r| r.lines().nth(1))
        .unwrap_or_default();
    if json {
        println!(
            "{{\"staged\":{},\"armed\":{},\"root\":{},\"last_failure\":{}}}",
            staged.is_some(),
            armed.is_some(),
            staged.as_ref().map_or("null".into(), |s| quote(&s.root)),
            if report.is_some() {
                quote(reason)
            } else {
                "null".into()
            },
        );
        return Ok(());
    }
    match &staged {
        None => println!("nothing is staged"),
        Some(staged) => println!(
            "staged: root {}, disk of {} bytes with the table \"{}\"",
            staged.root, staged.fingerprint.disk.bytes, staged.fingerprint.disk.table
        ),
    }
    match &armed {
        Some(entry) => println!("the next boot is {entry}"),
        None => println!("the next boot is an ordinary one"),
    }
    if report.is_some() {
        println!("the last migration stopped: {reason}");
        println!("its log is {}", dir.join(paths::FAILURE_REPORT).display());
    }
    Ok(())
}
