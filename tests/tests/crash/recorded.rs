// SPDX-License-Identifier: MIT OR Apache-2.0
//! One whole migration, and all that it wrote.

use harness::cache;
use harness::migration::{BOOT, MIGRATION, Machine, start_script, unpack_package};
use harness::product::{self, copy_disk};
use std::path::{Path, PathBuf};

/// The files of a recorded migration, in a directory of the cache.
pub struct Recorded {
    dir: PathBuf,
}

impl Recorded {
    /// The machine's disk when it was staged and switched off.
    pub fn staged(&self) -> PathBuf {
        self.dir.join("staged")
    }

    /// What was written from then until the new system was in place.
    pub fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// The disk at the end.
    pub fn migrated(&self) -> PathBuf {
        self.dir.join("migrated")
    }
}

/// The migration of the demo's machine at level `resume`. It is recorded once
/// for each build.
pub fn recorded() -> Recorded {
    let package = product::package();
    let name = package.file_name().expect("a name").to_string_lossy();
    let dir = cache::once("recorded", name.trim_end_matches(".tar.gz"), "", |dir| {
        std::fs::create_dir(dir).expect("mkdir");
        record(&Recorded { dir: dir.into() });
    });
    Recorded { dir }
}

fn record(to: &Recorded) {
    let mut machine = Machine::new();
    let mut running = machine.boot(true);
    let session = unpack_package(&running);
    start_script(&session, "--protection resume");
    running.wait_exit(BOOT);
    let said = running.serials[0].output();
    assert!(said.contains("the next boot goes into"), "{said}");
    copy_disk(&machine.disk, &to.staged());

    std::fs::write(to.log(), "").expect("the log");
    machine.record(&to.log());
    // From the old GRUB into the tiny system, which arms; then through LBA 0.
    for said in ["by replant's loader", "the new system is in place"] {
        let mut running = machine.boot(true);
        running.wait_exit(MIGRATION);
        assert!(
            running.serials[0].output().contains(said),
            "no {said:?}: {}",
            running.tail()
        );
    }
    copy_disk(&machine.disk, &to.migrated());
}

/// A machine with this disk.
pub fn machine(disk: &Path) -> Machine {
    let machine = Machine::new();
    std::fs::remove_file(&machine.disk).expect("the old disk");
    std::fs::rename(disk, &machine.disk).expect("the disk");
    machine
}
