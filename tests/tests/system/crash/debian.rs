// SPDX-License-Identifier: MIT OR Apache-2.0
//! The demo's machine: what is asked of the small one, and two cuts after which
//! it goes on by itself, to the end.

use super::judged;
use super::started::{Subject, as_foretold};
use harness::crash::boots::{Boots, what_boots};
use harness::crash::cut::Medium;
use harness::crash::log::WriteLog;
use harness::migration::{BOOT, MIGRATION, Machine, ROOT_PASSWORD};
use harness::product::copy_disk;
use harness::recorded::recorded;
use harness::session::Session;
use std::fs::File;
use testkit::Random;

/// Places in the list of steps after the point of no return, from 1.
const UNPACK: u64 = 5;
const BOOT_STEP: u64 = 7;

/// A disk as a cut in this step of the migration leaves it; the step is the one
/// that the state on the disk names.
fn cut_in(step: u64, seed: u64, to: &std::path::Path) {
    let recorded = recorded();
    let log = WriteLog::open(&recorded.log());
    copy_disk(&recorded.staged(), to);
    let mut options = File::options();
    let open = options.read(true).write(true).open(to).expect("the disk");
    let mut medium = Medium::new(&log, open);
    let mut random = Random(seed);
    // Some way into the step: so many flushes after its first one.
    let mut left = random.below(20);
    while medium.advance() {
        let boots = what_boots(&medium.prefix(0));
        let Boots::Tiny { knows, .. } = boots else {
            continue;
        };
        if (knows.phase, knows.step) != (4, step) {
            assert!(knows.step <= step, "step {step} has too few flushes");
            continue;
        }
        if left > 0 && medium.pending() < 1000 {
            left -= 1;
            continue;
        }
        let cut = medium.part(8, &mut random);
        cut.write_to(&File::options().write(true).open(to).expect("the disk"));
        return;
    }
    panic!("the migration never was in step {step}");
}

/// Starts the machine after the cut, and looks whether it becomes the new one.
fn goes_on(step: u64) {
    let dir = tempfile::tempdir_in(harness::cache::directory()).expect("a directory");
    let disk = dir.path().join("disk");
    cut_in(step, 1, &disk);
    let machine = Machine::with_disk(&disk);
    let mut running = machine.boot(true);
    running.wait_exit(MIGRATION);
    let said = running.serials[0].output();
    assert!(
        said.contains("the new system is in place"),
        "{}",
        running.tail()
    );

    let mut running = machine.boot_to_login();
    let mut session = Session::login(&running, "oldbox", "root", ROOT_PASSWORD, 0, BOOT);
    assert_eq!(session.run("hostname"), "oldbox");
    // Nothing is left of what was pinned.
    let volumes = session.run("lvs --noheadings -o lv_name VA | sort | xargs");
    assert_eq!(volumes, "back data root");
    let free = session.run("vgs --noheadings -o vg_free_count VA | xargs");
    assert_eq!(free, "0", "free extents");
    let (size, device) = (
        session.run("stat -f -c '%b %S' / | awk '{print $1 * $2}'"),
        session.run("blockdev --getsize64 /dev/VA/root"),
    );
    let number = |text: &str| text.parse::<f64>().expect("a number");
    assert!(
        number(&size) > number(&device) * 0.95,
        "the root has {size} of {device} bytes"
    );
    session.send("systemctl poweroff");
    running.wait_exit(BOOT);
}

#[test]
#[ignore = "make crash"]
fn no_cut_leaves_a_disk_that_starts_nothing() {
    judged::starts_always(&recorded());
}

#[test]
#[ignore = "make crash"]
fn without_the_flush_before_the_switch_there_are_bricks() {
    judged::needs_the_flush_before_the_switch(&recorded());
}

#[test]
#[ignore = "make crash"]
fn with_a_boot_sector_that_comes_too_early_there_are_bricks() {
    judged::needs_the_boot_sector_to_come_last(&recorded());
}

#[test]
#[ignore = "make crash"]
fn before_the_point_of_no_return_the_old_system_is_not_touched() {
    judged::leaves_the_old_system_alone(&recorded());
}

#[test]
#[ignore = "make crash"]
fn what_the_judge_foretells_is_what_starts() {
    as_foretold(&Subject {
        recorded: recorded(),
        // Of the kernel's command lines that both systems' GRUBs give.
        old: "root=/dev/mapper/old--vg-root",
        new: "security=selinux",
        start: |disk, look| {
            let machine = Machine::with_disk(disk);
            look(&machine.vm().quiet().arg("-no-reboot").start())
        },
    });
}

#[test]
#[ignore = "make crash"]
fn a_cut_while_files_are_unpacked() {
    goes_on(UNPACK);
}

#[test]
#[ignore = "make crash"]
fn a_cut_while_the_boot_loader_is_installed() {
    goes_on(BOOT_STEP);
}
