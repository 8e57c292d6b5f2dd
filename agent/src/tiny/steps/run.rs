// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs the steps in their order.

use super::mark::{self, Mark, Sign, replace};
use super::{AFTER, BEFORE, Context, Discovered, Error, Failure, Step, load, panics, record};
use crate::block::BlockDevice;
use crate::disk::Disk;
use crate::{paths, stop};
use ondisk::lifeboat::state::Phase;
use std::path::Path;
use std::time::Duration;

/// How often a step is tried after the point of no return, and the pause.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(2);

/// Runs the steps before the point of no return.
pub fn rehearse(context: &mut Context) -> Result<(), Failure> {
    refuse_again(paths::begun())?;
    refuse_unknown(
        context.cmdline.break_before.as_deref(),
        Path::new(paths::BROKE),
    )?;
    let failed = |step: &dyn Step, error| Failure {
        step: step.name(),
        past_no_return: false,
        error: Box::new(error),
    };
    if let (Some(address), None) = (context.cmdline.lifeboat, &context.lifeboat) {
        record::find(context, address).map_err(|error| failed(BEFORE[0], error))?;
    }
    for step in BEFORE {
        one(context, step, 1).map_err(|error| failed(step, error))?;
    }
    Ok(())
}

/// Refuses to run the steps before the point of no return once it is passed: the
/// old root is gone, and the package in memory is all that is left.
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

/// Refuses an unknown name in `replant.break=`, because a typing error must not
/// cost the disk. As with a real stop, the second attempt is not stopped.
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

/// Continues after a failure past the point of no return, with the payload that
/// is still in RAM. It starts at `wipe`, because every step can be repeated.
pub(super) fn resume(context: &mut Context) -> Result<(), Failure> {
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
    let missing = || failed(Error::Missing("the mark"));
    let mut mark = Mark::load(mark::path())
        .map_err(failed)?
        .ok_or_else(missing)?;
    let devices = context
        .devices
        .block_devices()
        .map_err(Error::from)
        .map_err(failed)?;
    let disk = same_disk(&devices, &mark).map_err(failed)?;
    // A boot step that was killed may have left the write protection on.
    let protected = Disk::open(disk.path()).and_then(|disk| disk.write_protect(false));
    protected.map_err(Error::from).map_err(failed)?;
    if disk.name != mark.name {
        context.reporter.line(&format!(
            "the disk that was {} is {} now",
            mark.name,
            disk.describe()
        ));
        mark.name = disk.name.clone();
    }
    let id = mark.id().clone();
    let mounts = crate::machine::mounts()
        .map_err(Error::from)
        .map_err(failed)?;
    let mut others = crate::locate::others(&devices, &disk, &mounts);
    // Arrays of the old disk are lost already; what is on it now was made by us.
    others.wholes.clear();
    context.found = Some(Discovered {
        root: None,
        disk,
        id,
        others,
    });
    context.loaded = Some(loaded);
    context.mark = Some(mark);
    if let Some(step) = BEFORE.into_iter().next_back() {
        one(context, step, 1).map_err(failed)?;
    }
    after(context)
}

/// Finds the disk that the migration was writing to, whatever its name is now.
/// The strongest sign counts, because another disk may have a copy of the old
/// table.
fn same_disk(devices: &[BlockDevice], mark: &Mark) -> Result<BlockDevice, Error> {
    let mut known: Vec<(Sign, &BlockDevice)> = Vec::new();
    let mut others = Vec::new();
    for device in devices.iter().filter(|d| d.is_disk()) {
        let open = Disk::open(device.path());
        match open.and_then(|disk| mark.recognize(&disk)) {
            Ok(Ok(sign)) => known.push((sign, device)),
            Ok(Err(why)) => others.push(format!("{} {why}", device.name)),
            Err(error) => others.push(error.to_string()),
        }
    }
    one_of(known, others, mark)
}

fn one_of(
    mut known: Vec<(Sign, &BlockDevice)>,
    others: Vec<String>,
    mark: &Mark,
) -> Result<BlockDevice, Error> {
    let best = known.iter().map(|(sign, _)| *sign).max();
    known.retain(|(sign, _)| Some(*sign) == best);
    match known.as_slice() {
        [(_, disk)] => Ok((*disk).clone()),
        [] => Err(Error::DiskGone {
            name: mark.name.clone(),
            bytes: mark.id().bytes,
            others,
        }),
        several => Err(Error::DisksAlike {
            disks: several.iter().map(|(_, d)| d.describe()).collect(),
        }),
    }
}

pub(super) fn after(context: &mut Context) -> Result<(), Failure> {
    for (n, step) in (0..).zip(AFTER) {
        let failed = |error| Failure {
            step: step.name(),
            // When resumed, the disk was written long before the first step.
            past_no_return: n > 0 || paths::begun(),
            error: Box::new(error),
        };
        if n == 0 {
            no_return(context).map_err(failed)?;
        }
        reached(context, n + 1).map_err(failed)?;
        one(context, step, TRIES).map_err(failed)?;
    }
    Ok(())
}

/// Notes on the disk that this step begins, and failures are counted from there.
/// Before the first step it is written in any case, so that neither copy of the
/// state says any more that the old system exists.
fn reached(context: &mut Context, step: u32) -> Result<(), Error> {
    let Some(lifeboat) = &mut context.lifeboat else {
        return Ok(());
    };
    let phase = lifeboat.phase().reached(step);
    if phase != lifeboat.phase() || step == 1 {
        lifeboat.write_state(phase)?;
    }
    Ok(())
}

/// Writes the mark, for /init and for a later `resume`: from now on the disk may
/// be written to, and this is how to recognise it.
fn no_return(context: &mut Context) -> Result<(), Error> {
    stop_at(context, AFTER[0])?;
    let mark = match context.mark.take() {
        Some(mark) => mark,
        None => {
            let (found, plan) = (context.found()?, context.plan()?);
            let disk = Disk::open_writable(&plan.disk)?;
            let mark = match &context.lifeboat {
                Some(boat) => Mark::of(&found.disk.name, &disk, plan, boat)?,
                None => {
                    let mut number = [0; 16];
                    crate::random::fill(&mut number);
                    Mark::new(&found.disk.name, &disk, plan, number)?
                }
            };
            if let Some(why) = mark.id().differs(&found.id) {
                let disk = plan.disk.clone();
                return Err(Error::OtherDisk { disk, why });
            }
            mark
        }
    };
    mark.store(mark::path())?;
    context.mark = Some(mark);
    if let Some(lifeboat) = &mut context.lifeboat
        && let Phase::Armed { .. } = lifeboat.phase()
    {
        lifeboat.write_state(Phase::Destroying {
            step: 0,
            failures: 0,
        })?;
    }
    for failed in panics::put_back(Path::new("/proc/sys/kernel")) {
        context.reporter.line(&format!("warning: {failed}"));
    }
    context
        .reporter
        .line("--- point of no return: the old system is being replaced ---");
    if context.lifeboat.is_some() {
        context
            .reporter
            .line("the machine may be switched off at any time: it goes on by itself");
    }
    Ok(())
}

/// Stops before a step that `replant.break=` names, but only once: a person then
/// continues in another process, which reads the same command line.
fn stop_at(context: &mut Context, step: &dyn Step) -> Result<(), Error> {
    let wanted = context.cmdline.break_before.take_if(|b| b == step.name());
    if wanted.is_none() || !first_stop(Path::new(paths::BROKE), step.name())? {
        return Ok(());
    }
    Err(Error::Break(step.name()))
}

/// Whether this is the first stop at this step. Notes it, so that the next one is
/// not.
fn first_stop(path: &Path, step: &str) -> Result<bool, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) if text == step => Ok(false),
        _ => replace(path, step).map(|()| true),
    }
}

pub(super) fn one(context: &mut Context, step: &dyn Step, tries: u32) -> Result<(), Error> {
    stop_at(context, step)?;
    let steps = || super::steps(context.lifeboat.is_some());
    let total = steps().count();
    let number = 1 + steps().take_while(|s| s.name() != step.name()).count();
    for attempt in 1..=tries {
        context.reporter.begin(number, total, step.name());
        let result = stop::check()
            .map_err(|_| Error::Stopped)
            .and_then(|()| step.run(context))
            .and_then(|()| step.confirm(context));
        match result {
            Ok(()) => {
                context.reporter.end();
                return Ok(());
            }
            // The real cause is the stop, whatever error it has led to.
            Err(error) if stop::requested() => {
                context.reporter.detail(&error.to_string());
                context.reporter.fail(&Error::Stopped.to_string());
                return Err(Error::Stopped);
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
    fn the_disk_with_the_best_sign_is_the_one() {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("disk");
        let file = std::fs::File::create(&image).unwrap();
        file.set_len(1 << 20).unwrap();
        let (_, plan) = crate::plan::sample();
        let disk = Disk::open(&image).unwrap();
        let mark = Mark::new("sdb", &disk, &plan, [7; 16]).unwrap();
        let blocks = ["sda", "sdb"].map(crate::block::tests::sample);
        let [a, b] = &blocks;
        let choose = |known: &[(Sign, &BlockDevice)]| {
            one_of(known.to_vec(), vec!["sda is small".into()], &mark)
                .map(|disk| disk.name)
                .map_err(|e| e.to_string())
        };
        use Sign::{NewTable, OldTable};
        assert_eq!(
            choose(&[(Sign::Mark, a), (OldTable, b)]).as_deref(),
            Ok("sda")
        );
        assert_eq!(
            choose(&[(OldTable, a), (NewTable, b)]).as_deref(),
            Ok("sdb")
        );
        let alike = choose(&[(OldTable, a), (OldTable, b)]).unwrap_err();
        assert!(
            alike.contains("cannot be told from others: /dev/sda ("),
            "{alike}"
        );
        let gone = choose(&[]).unwrap_err();
        let words = "the disk sdb of 1048576 bytes is not found any more (sda is small)";
        assert!(gone.starts_with(words), "{gone}");
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
}
