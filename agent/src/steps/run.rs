// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs the steps in their order.

use super::{AFTER, BEFORE, Context, Error, Failure, Found, Step, load};
use crate::device::BlockDevice;
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
    refuse_unknown(
        context.cmdline.break_before.as_deref(),
        Path::new(paths::BROKE),
    )?;
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

/// Who misspells the step to stop at must not lose the machine's disk. As with
/// a real stop, who goes on then is not stopped again.
fn refuse_unknown(wanted: Option<&str>, broke: &Path) -> Result<(), Failure> {
    let Some(wanted) = wanted.filter(|w| !super::names().contains(w)) else {
        return Ok(());
    };
    let error = match first_stop(broke, wanted) {
        Ok(false) => return Ok(()),
        Ok(true) => Error::NoSuchStep {
            name: wanted.into(),
        },
        Err(error) => error,
    };
    Err(Failure {
        step: BEFORE[0].name(),
        past_no_return: false,
        error: Box::new(error),
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
    let (name, bytes) = (name.trim(), loaded.staged.fingerprint.disk.bytes);
    let disk = same_disk(&devices, name, bytes).map_err(failed)?;
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

/// The disk that was written, by name and size: nothing else of it is left.
fn same_disk(devices: &[BlockDevice], name: &str, bytes: u64) -> Result<BlockDevice, Error> {
    let mut disks = devices.iter().filter(|d| d.is_disk());
    let found = disks.find(|d| d.name == name && d.bytes() == bytes);
    found.cloned().ok_or_else(|| Error::DiskGone {
        name: name.into(),
        bytes,
    })
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
fn no_return(context: &mut Context) -> Result<(), Error> {
    stop_at(context, AFTER[0])?;
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

/// Stops before a step that `replant.break=` names, once: what a person starts
/// again afterwards is another process, which reads the same command line.
fn stop_at(context: &mut Context, step: &dyn Step) -> Result<(), Error> {
    let wanted = context.cmdline.break_before.take_if(|b| b == step.name());
    if wanted.is_none() || !first_stop(Path::new(paths::BROKE), step.name())? {
        return Ok(());
    }
    Err(Error::Break(step.name()))
}

/// Whether nobody stopped at this step before; says so to the next one.
fn first_stop(path: &Path, step: &str) -> Result<bool, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) if text == step => Ok(false),
        _ => mark(path, step).map(|()| true),
    }
}

fn one(context: &mut Context, step: &dyn Step, number: usize, tries: u32) -> Result<(), Error> {
    stop_at(context, step)?;
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
    fn a_disk_that_is_gone_is_named() {
        let error = same_disk(&[], "sdb", 1 << 30).unwrap_err().to_string();
        assert!(
            error.starts_with("the disk sdb of 1073741824 bytes is not found any more"),
            "{error}"
        );
    }

    #[test]
    fn a_break_stops_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("break-done");
        assert!(first_stop(&path, "wipe").unwrap());
        assert!(!first_stop(&path, "wipe").unwrap());
        assert!(first_stop(&path, "boot").unwrap());
        assert!(first_stop(&dir.path().join("none/mark"), "wipe").is_err());
    }

    #[test]
    fn a_misspelt_break_stops_before_anything_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("break-done");
        refuse_unknown(None, &path).unwrap();
        for name in super::super::names() {
            refuse_unknown(Some(name), &path).unwrap();
        }
        let failure = refuse_unknown(Some("wpie"), &path).unwrap_err();
        assert!(!failure.past_no_return);
        let text = failure.to_string();
        assert!(
            text.contains("replant.break=wpie: there is no such step (discover, load, "),
            "{text}"
        );
        refuse_unknown(Some("wpie"), &path).unwrap();
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
