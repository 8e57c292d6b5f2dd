// SPDX-License-Identifier: MIT OR Apache-2.0
//! The course of a migration that survives a power cut, decided by its state on
//! the disk.

use super::run::{after, one, rehearse};
use super::{
    ARM, Context, Discovered, Error, Failure, Mark, Next, RELEASE, Step, discover, elsewhere, load,
    mark, record,
};
use crate::disk::{Disk, DiskId};
use crate::tiny::Power;
use crate::tiny::lifeboat::{self, Back, Contents, Course, Start, goes_on_at_once};
use crate::{paths, stop};
use ondisk::lifeboat::Address;
use ondisk::lifeboat::state::Phase;

/// Continues from the state that is on the disk.
pub(super) fn run(context: &mut Context, address: Address, by_hand: bool) -> Result<Next, Failure> {
    record::find(context, address).map_err(|error| unknown(context, error))?;
    let start = start(context, by_hand).map_err(|error| unknown(context, error))?;
    let phase = context.lifeboat_mut().map_err(before)?.phase();
    let say = format!("the migration is {phase}");
    context.reporter.detail(&say);
    let course = Course::of(phase, start);
    if let Some(from) = context.elsewhere.take_if(|_| course != Course::Resume) {
        context.reporter.line(&format!(
            "{from} is not used: the payload comes from elsewhere only once the disk is being rewritten"
        ));
    }
    match course {
        Course::Trial(phase) | Course::Armed(phase) => {
            count(context, phase).map_err(before)?;
            rehearse(context)?;
            step(context, ARM)?;
            if matches!(course, Course::Trial(_)) {
                let manifest = context.loaded().map(|loaded| &loaded.manifest);
                let proof_boot = manifest.map_err(before)?.has_proof_boot();
                if !goes_on_at_once(start, proof_boot) {
                    return Ok(Next::Again);
                }
                context.reporter.line(
                    "the package leaves the restart out that proves replant's loader: going on at once",
                );
            }
            after(context)?;
            release(context)
        }
        Course::Back(back) => Err(back_to_the_old_system(context, back)),
        Course::Resume => {
            let gone = resume(context).map_err(past);
            let gone = gone.and_then(|()| after(context));
            if let (Err(_), Some(from)) = (&gone, context.elsewhere.clone()) {
                context.loaded = None;
                elsewhere::close(context, &from);
            }
            gone?;
            release(context)
        }
        Course::Release => {
            from_record(context).map_err(past)?;
            release(context)
        }
        Course::Nothing => Ok(Next::Nothing),
    }
}

fn start(context: &mut Context, by_hand: bool) -> Result<Start, Error> {
    let (way, drive) = (context.cmdline.start, context.cmdline.drive);
    let armed = context.lifeboat_mut()?.sector_0_is_armed()?;
    Ok(Start {
        way,
        drive,
        armed,
        by_hand,
    })
}

/// Counts a start before anything else is done, so that it counts however it
/// ends.
fn count(context: &mut Context, phase: Phase) -> Result<(), Error> {
    let lifeboat = context.lifeboat_mut()?;
    match lifeboat.phase() == phase {
        true => Ok(()),
        false => Ok(lifeboat.write_state(phase)?),
    }
}

fn before(error: Error) -> Failure {
    Failure {
        step: "resume",
        past_no_return: false,
        error: Box::new(error),
    }
}

fn past(error: Error) -> Failure {
    Failure {
        past_no_return: true,
        ..before(error)
    }
}

/// The failure for a state that could not be read. If the old system's boot
/// loader has started this, the old system still exists; otherwise nobody knows.
fn unknown(context: &Context, error: Error) -> Failure {
    use contract::cmdline::Start::Disk;
    if paths::begun() {
        return past(error);
    }
    match context.cmdline.start {
        Some(Disk) => before(Error::Unknown(Box::new(error))),
        _ => before(error),
    }
}

/// Runs a step that is in neither of the two lists.
fn step(context: &mut Context, step: &dyn Step) -> Result<(), Failure> {
    one(context, step, 1).map_err(|error| Failure {
        step: step.name(),
        past_no_return: false,
        error: Box::new(error),
    })
}

/// The failure by which the disk is given back. The old root is looked for, so
/// that the report can be written there; an error of that is not the reason and
/// is ignored.
fn back_to_the_old_system(context: &mut Context, back: Back) -> Failure {
    let found = discover::Discover.run(context);
    let recognized = found.and_then(|()| load::Load.run(context));
    if let Err(error) = recognized {
        context.reporter.detail(&error.to_string());
    }
    before(Error::Back(back))
}

/// Continues past the point of no return, where only the record knows the old
/// system.
fn resume(context: &mut Context) -> Result<(), Error> {
    // First, so that /init and the console know it even if the rest fails.
    mark::announce()?;
    from_record(context)?;
    mend(context)?;
    context.loaded = Some(load::recorded(context)?);
    let text = context.plan()?.to_string();
    context.reporter.line(&text);
    Ok(())
}

/// Restores damaged copies of files that lie on the disk twice. What cannot be
/// restored does not stop the migration: the running system is in memory already.
fn mend(context: &mut Context) -> Result<(), Error> {
    let reporter = context.reporter.clone();
    reporter.activity("comparing the copies on the disk");
    let lifeboat = context.lifeboat_mut()?;
    let (repairs, starts) = (lifeboat.mend(), lifeboat.starts());
    stop::check().map_err(|_| Error::Stopped)?;
    match repairs {
        Ok(repairs) => {
            for repair in repairs {
                reporter.line(&repair.to_string());
            }
        }
        Err(error) => reporter.line(&format!(
            "warning: the copies on the disk could not be compared: {error}"
        )),
    }
    if let Err(error) = mark::must_stay(!starts) {
        reporter.line(&format!("warning: {error}"));
    }
    if !starts {
        reporter.note(Power::Needed.note());
        reporter.line("warning: DO NOT switch the machine off: the loader would find no whole copy of all that it needs to go on");
    }
    Ok(())
}

/// Takes disk, plan and mark from the record, without looking at the disk's old
/// contents.
fn from_record(context: &mut Context) -> Result<(), Error> {
    let boat = context.lifeboat.as_ref();
    let boat = boat.ok_or(Error::Missing("the record"))?;
    let devices = context.devices.block_devices()?;
    let device = devices.iter().find(|device| device.path() == boat.path());
    let device = device.ok_or(Error::Missing("the disk"))?.clone();
    let disk = Disk::open(device.path())?;
    // A boot step that was killed may have left the write protection on.
    disk.write_protect(false)?;
    let id = DiskId::of(&disk)?;
    let mounts = crate::machine::mounts()?;
    let mut others = crate::locate::others(&devices, &device, &mounts);
    // Arrays of the old disk are lost already; what is on it now was made by us.
    others.wholes.clear();
    let contents = Contents::of(boat.record())?;
    let plan = lifeboat::plan(boat.record(), &contents, &device.name, &others)?;
    let mark = Mark::of(&device.name, &disk, &plan, boat)?;
    mark.store(mark::path())?;
    context.mark = Some(mark);
    context.plan = Some(plan);
    context.found = Some(Discovered {
        root: None,
        disk: device,
        id,
        others,
    });
    Ok(())
}

/// Releases the space that was kept. The disk starts the new system by now, which
/// can finish this itself; so no error here keeps it from starting.
fn release(context: &mut Context) -> Result<Next, Failure> {
    let lifeboat = context.lifeboat_mut().map_err(past)?;
    if lifeboat.phase() != Phase::Switched {
        let switched = lifeboat.write_state(Phase::Switched);
        switched.map_err(|error| past(error.into()))?;
    }
    match one(context, RELEASE, 3) {
        Ok(()) => Ok(Next::New),
        Err(error @ (Error::Break(_) | Error::Stopped)) => Err(Failure {
            step: RELEASE.name(),
            ..past(error)
        }),
        Err(error) => {
            context.reporter.line(&format!(
                "warning: {error}; the new system gives back the room on its disk that is left"
            ));
            Ok(Next::New)
        }
    }
}
