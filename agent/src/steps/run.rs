// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs the steps in their order.

use super::{AFTER, BEFORE, Context, Error, Failure, Found, Step, load};
use crate::paths;
use std::path::Path;
use std::time::Duration;

/// How often a step is tried after the point of no return, and the pause.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(2);

/// Migrates: all the steps.
///
/// # Errors
/// [`Failure`] names the step; whether the disk may have been written is in it.
pub fn run(context: &mut Context) -> Result<(), Failure> {
    rehearse(context)?;
    after(context)
}

/// Does what is done before the point of no return.
///
/// # Errors
/// [`Failure`]; nothing on the disk was changed.
pub fn rehearse(context: &mut Context) -> Result<(), Failure> {
    refuse_again(paths::begun())?;
    for (n, step) in BEFORE.into_iter().enumerate() {
        one(context, step, n + 1, 1).map_err(|error| Failure {
            step: step.name(),
            past_no_return: false,
            error: Box::new(error),
        })?;
    }
    Ok(())
}

/// The steps before the point of no return are done once only: later there is
/// no old root, and the payload in memory is all that is left.
fn refuse_again(begun: bool) -> Result<(), Failure> {
    if !begun {
        return Ok(());
    }
    Err(Failure {
        step: BEFORE[0].name(),
        past_no_return: true,
        error: Box::new(Error::Begun),
    })
}

/// Goes on after a failure past the point of no return: with the payload that
/// is still in RAM, from the wipe on, for every step can be done again.
///
/// # Errors
/// [`Failure`].
pub fn resume(context: &mut Context) -> Result<(), Failure> {
    let failed = |error: Error| Failure {
        step: "resume",
        past_no_return: true,
        error: Box::new(error),
    };
    let loaded = load::from_memory().map_err(failed)?;
    context
        .devices
        .coldplug()
        .map_err(Error::from)
        .map_err(failed)?;
    context
        .devices
        .ensure(&["dm-mod", "ext4"])
        .map_err(Error::from)
        .map_err(failed)?;
    let name = std::fs::read_to_string(paths::POINT_OF_NO_RETURN)
        .map_err(|source| Error::File {
            path: paths::POINT_OF_NO_RETURN.into(),
            source,
        })
        .map_err(failed)?;
    let devices = context
        .devices
        .block_devices()
        .map_err(Error::from)
        .map_err(failed)?;
    let mut disks = devices.iter().filter(|d| d.is_disk());
    let disk =
        disks.find(|d| d.name == name.trim() && d.bytes() == loaded.staged.fingerprint.disk.bytes);
    let disk = disk
        .cloned()
        .ok_or(Error::Missing("the disk"))
        .map_err(failed)?;
    let other_groups = crate::locate::groups_elsewhere(&devices, &disk);
    context.found = Some(Found {
        root: None,
        disk,
        other_groups,
    });
    context.loaded = Some(loaded);
    let preflight = BEFORE.len();
    if let Some(step) = BEFORE.into_iter().next_back() {
        one(context, step, preflight, 1).map_err(failed)?;
    }
    after(context)
}

fn after(context: &mut Context) -> Result<(), Failure> {
    for (n, step) in AFTER.into_iter().enumerate() {
        let failed = |error| Failure {
            step: step.name(),
            // When resumed, the disk was written long before the first step.
            past_no_return: n > 0 || paths::begun(),
            error: Box::new(error),
        };
        if n == 0 {
            no_return(context).map_err(failed)?;
        }
        one(context, step, BEFORE.len() + n + 1, TRIES).map_err(failed)?;
    }
    Ok(())
}

/// Tells /init, and a later `resume`, that the disk may be written from now on.
fn no_return(context: &Context) -> Result<(), Error> {
    if breaks(context, AFTER[0]) {
        return Err(Error::Break(AFTER[0].name()));
    }
    let path = Path::new(paths::POINT_OF_NO_RETURN);
    mark(path, &context.found()?.disk.name)?;
    context
        .reporter
        .line("--- point of no return: the old system is being replaced ---");
    Ok(())
}

/// Makes a file that is whole as soon as it is there.
fn mark(path: &Path, text: &str) -> Result<(), Error> {
    let part = path.with_extension("part");
    std::fs::write(&part, text)
        .and_then(|()| std::fs::rename(&part, path))
        .map_err(|source| Error::File {
            path: path.into(),
            source,
        })
}

fn breaks(context: &Context, step: &dyn Step) -> bool {
    context.cmdline.break_before.as_deref() == Some(step.name())
}

fn one(context: &mut Context, step: &dyn Step, number: usize, tries: u32) -> Result<(), Error> {
    if breaks(context, step) {
        // Only once: what is resumed by hand goes on.
        context.cmdline.break_before = None;
        return Err(Error::Break(step.name()));
    }
    let total = BEFORE.len() + AFTER.len();
    for attempt in 1..=tries {
        context.reporter.begin(number, total, step.name());
        let result = step.run(context).and_then(|()| step.verify(context));
        match result {
            Ok(()) => {
                context.reporter.end();
                return Ok(());
            }
            Err(error) if attempt < tries && error.is_transient() => {
                context.reporter.fail(&error.to_string());
                context
                    .reporter
                    .line(&format!("trying again ({attempt} of {})", tries - 1));
                std::thread::sleep(PAUSE);
            }
            Err(error) => {
                context.reporter.fail(&error.to_string());
                return Err(error);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_begun_is_not_begun_again() {
        assert!(refuse_again(false).is_ok());
        let failure = refuse_again(true).unwrap_err();
        assert!(failure.past_no_return);
        assert!(failure.to_string().ends_with("type: migrate"), "{failure}");
    }

    #[test]
    fn the_mark_is_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("point-of-no-return");
        mark(&path, "sda").unwrap();
        mark(&path, "vda").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "vda");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(mark(&dir.path().join("none/mark"), "sda").is_err());
    }
}
