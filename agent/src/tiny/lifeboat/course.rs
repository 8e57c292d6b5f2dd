// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decides what to do, by the state and by how the machine was started.

use ondisk::lifeboat::state::Phase;
use std::fmt;

/// After this many starts without progress the old system stays for good.
const MOST_STARTS: u32 = 3;

/// How the machine was started, and what its sector 0 is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// How our loader was started; `None` if the old system's boot loader started
    /// the kernel directly.
    pub way: Option<contract::cmdline::Start>,
    /// The BIOS's number of the drive, where our loader was started.
    pub drive: Option<u8>,
    /// Whether sector 0 is our loader with its way back open.
    pub armed: bool,
    /// A person started this, so it is no start of the machine.
    pub by_hand: bool,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// Run the steps before the point of no return, to arm the machine. The state
    /// during that is this one.
    Trial(Phase),
    /// Run the same steps as a last check, and then pass the point of no return.
    Armed(Phase),
    /// Go back to the old system, for this reason.
    Back(Back),
    /// Continue the migration from the record alone.
    Resume,
    /// Finish: the disk starts the new system already.
    Release,
    /// Nothing.
    Nothing,
}

/// Why the old system starts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// Arming the machine was tried often enough.
    Trials,
    /// Beginning the migration was tried often enough.
    Starts,
    /// The machine is armed, but the firmware has started it by something else.
    NotByDisk,
    /// The machine is not armed, and was not started by the old system.
    NotArmed,
    /// The machine was started from a drive that is not its first one.
    Drive(u8),
}

/// The first drive of a BIOS, which it starts the machine from.
const FIRST_DRIVE: u8 = 0x80;

impl Course {
    /// Decides.
    pub fn of(phase: Phase, start: Start) -> Course {
        use contract::cmdline::Start::Disk;
        // A person may arm the machine again after it was given back.
        let again = start.by_hand && !start.armed;
        let by_disk = start.way == Some(Disk) && !again;
        let once_more = |phase: Phase| match start.by_hand {
            true => phase,
            false => phase.counted(),
        };
        let other_drive = start.drive.filter(|drive| *drive != FIRST_DRIVE);
        match (phase, by_disk, start.armed) {
            (Phase::Destroying { .. }, ..) => Course::Resume,
            (Phase::Switched, ..) => Course::Release,
            (Phase::Done, ..) => Course::Nothing,
            (_, false, true) | (Phase::Armed { .. }, false, false) => Course::Back(Back::NotByDisk),
            (_, true, false) => Course::Back(Back::NotArmed),
            (Phase::Trial { starts }, false, false) if starts >= MOST_STARTS && !start.by_hand => {
                Course::Back(Back::Trials)
            }
            (Phase::Armed { starts }, true, true) if starts >= MOST_STARTS && !start.by_hand => {
                Course::Back(Back::Starts)
            }
            _ if other_drive.is_some() => {
                Course::Back(Back::Drive(other_drive.unwrap_or_default()))
            }
            (Phase::Staged, false, false) => Course::Trial(once_more(Phase::Trial { starts: 0 })),
            (trial @ Phase::Trial { .. }, false, false) => Course::Trial(once_more(trial)),
            // The power failed between writing sector 0 and writing the state.
            (Phase::Staged | Phase::Trial { .. }, true, true) => {
                Course::Armed(once_more(Phase::Armed { starts: 0 }))
            }
            (armed @ Phase::Armed { .. }, true, true) => Course::Armed(once_more(armed)),
        }
    }
}

/// Whether a machine that was armed just now continues without the restart that
/// shows that the firmware starts our loader: only if the package leaves that
/// out, and the loader has at least been started from its file.
pub fn goes_on_at_once(start: Start, proof_boot: bool) -> bool {
    !proof_boot && start.way == Some(contract::cmdline::Start::File)
}

impl fmt::Display for Back {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Back::Trials => write!(
                f,
                "the tiny system was started {MOST_STARTS} times and could not prepare the disk; look at the report, then stage the package again"
            ),
            Back::Starts => write!(
                f,
                "the machine was started {MOST_STARTS} times by replant's loader and did not come to the migration; look at the report, then stage the package again"
            ),
            Back::NotByDisk => f.write_str(
                "replant's loader is in the disk's first sector, but the firmware started the machine otherwise: make this disk the first one in the firmware's boot order, then stage the package again",
            ),
            Back::NotArmed => f.write_str(
                "replant's loader has started the machine, but the disk's first sector is another one: is a copy of this disk attached? Stage the package again",
            ),
            Back::Drive(drive) => write!(
                f,
                "the firmware has started the machine from drive {drive:#04x}, which is not its first one: make this disk the first one in the firmware's boot order, then stage the package again"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::cmdline::Start::{Disk, File};

    fn start(way: Option<contract::cmdline::Start>, armed: bool) -> Start {
        Start {
            way,
            drive: way.map(|_| 0x80),
            armed,
            by_hand: false,
        }
    }

    #[test]
    fn before_the_point_of_no_return() {
        use Phase::{Armed, Staged, Trial};
        for way in [None, Some(File)] {
            let of = |phase, armed| Course::of(phase, start(way, armed));
            assert_eq!(of(Staged, false), Course::Trial(Trial { starts: 1 }));
            let second = Course::Trial(Trial { starts: 2 });
            assert_eq!(of(Trial { starts: 1 }, false), second);
            assert_eq!(of(Trial { starts: 3 }, false), Course::Back(Back::Trials));
            for phase in [Staged, Trial { starts: 9 }, Armed { starts: 0 }] {
                assert_eq!(of(phase, true), Course::Back(Back::NotByDisk));
            }
            let armed = Armed { starts: 1 };
            assert_eq!(of(armed, false), Course::Back(Back::NotByDisk));
        }
        let of = |phase, armed| Course::of(phase, start(Some(Disk), armed));
        for phase in [Staged, Trial { starts: 3 }, Armed { starts: 0 }] {
            assert_eq!(of(phase, true), Course::Armed(Armed { starts: 1 }));
            assert_eq!(of(phase, false), Course::Back(Back::NotArmed));
        }
        let third = Course::Armed(Armed { starts: 3 });
        assert_eq!(of(Armed { starts: 2 }, true), third);
        assert_eq!(of(Armed { starts: 3 }, true), Course::Back(Back::Starts));
    }

    #[test]
    fn past_it_nothing_leads_back() {
        for way in [None, Some(File), Some(Disk)] {
            for armed in [false, true] {
                let start = Start {
                    drive: Some(0x81),
                    ..start(way, armed)
                };
                let destroying = Phase::Destroying {
                    step: 0,
                    failures: 99,
                };
                assert_eq!(Course::of(destroying, start), Course::Resume);
                assert_eq!(Course::of(Phase::Switched, start), Course::Release);
                assert_eq!(Course::of(Phase::Done, start), Course::Nothing);
            }
        }
    }

    #[test]
    fn what_a_person_starts_is_no_start_of_the_machine() {
        let start = |way, armed| Start {
            by_hand: true,
            ..start(way, armed)
        };
        let trial = Phase::Trial { starts: 3 };
        assert_eq!(
            Course::of(trial, start(Some(File), false)),
            Course::Trial(trial)
        );
        let armed = Phase::Armed { starts: 3 };
        assert_eq!(
            Course::of(armed, start(Some(Disk), true)),
            Course::Armed(armed)
        );
    }

    #[test]
    fn only_a_loader_that_has_started_this_needs_no_other_proof() {
        for (way, proof_boot, at_once) in [
            (Some(File), false, true),
            (Some(File), true, false),
            // GRUB has started the kernel itself: nobody saw the loader work.
            (None, false, false),
            (None, true, false),
        ] {
            assert_eq!(goes_on_at_once(start(way, false), proof_boot), at_once);
        }
    }

    #[test]
    fn another_drive_than_the_first_is_not_armed() {
        let start = Start {
            drive: Some(0x81),
            ..start(Some(File), false)
        };
        let back = Course::of(Phase::Staged, start);
        assert_eq!(back, Course::Back(Back::Drive(0x81)));
        assert!(Back::Drive(0x81).to_string().contains("drive 0x81"));
    }
}
