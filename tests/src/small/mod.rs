// SPDX-License-Identifier: MIT OR Apache-2.0
//! A machine that is migrated in a minute of software emulation.
//!
//! `tests/images/small.sh` makes it: Debian's kernel, GRUB and lvm2, and
//! otherwise as little as replant takes for a system. Its old init does what a
//! second disk says, its new one tells what it finds. Nobody logs in.

mod end;
mod kept;

pub use end::{End, Remains};
pub use kept::Kept;

use crate::cache;
use crate::product::{self, copy_disk};
use crate::vm::{Bus, Running, Vm};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use testkit::{run, tool};

/// How long one boot may take, with all that is done in it, on a busy host.
pub const LIMIT: Duration = Duration::from_secs(900);
/// The old machine's name.
pub const HOST: &str = "oldbox";
/// What the console says when the disk starts the new system.
pub const IN_PLACE: &str = "the new system is in place";

/// The machine, with its disk in a directory of its own.
pub struct Small {
    dir: tempfile::TempDir,
    /// The disk that is replaced.
    pub disk: PathBuf,
    /// RAM in MiB.
    memory: u32,
    log: Option<PathBuf>,
}

/// A boot that has ended.
#[derive(Debug)]
pub struct Boot {
    /// What came from the console, the first serial port.
    pub console: String,
    /// What the system's init said, on the second one.
    pub said: String,
    /// How long it took.
    pub took: Duration,
}

impl Small {
    /// A fresh copy of the old machine.
    pub fn new() -> Small {
        let machine = Small::empty();
        let old = cache::make("small.sh", &["old"]);
        copy_disk(&old, &machine.disk);
        machine
    }

    /// A machine whose disk the caller makes.
    pub fn empty() -> Small {
        let dir = tempfile::tempdir_in(cache::directory()).expect("a temporary directory");
        Small {
            disk: dir.path().join("disk"),
            dir,
            memory: 512,
            log: None,
        }
    }

    /// A machine with a copy of this disk.
    pub fn with(disk: &Path) -> Small {
        let machine = Small::empty();
        copy_disk(disk, &machine.disk);
        machine
    }

    /// The package that it is migrated by.
    pub fn package() -> PathBuf {
        product::bundle("small-package", &cache::make("small.sh", &["new"]))
    }

    /// Another amount of RAM than 512 MiB.
    pub fn memory(mut self, mib: u32) -> Small {
        self.memory = mib;
        self
    }

    /// Its own directory, for further files.
    pub fn directory(&self) -> &Path {
        self.dir.path()
    }

    /// From now on all that is written to the disk is kept in this file, which
    /// is made, one boot after the other.
    pub fn record(&mut self, log: &Path) {
        std::fs::write(log, "").expect("the log");
        self.log = Some(log.into());
    }

    /// Switches it on. QEMU ends where the machine would restart.
    pub fn start(&self) -> Running {
        self.vm().start()
    }

    /// The hardware without a disk: BIOS, and two serial ports. QEMU ends where
    /// the machine would restart.
    pub fn hardware(memory_mib: u32) -> Vm {
        Vm::new()
            .quiet()
            .memory(memory_mib)
            .serials(2)
            .arg("-no-reboot")
    }

    /// The hardware with its disk.
    pub fn vm(&self) -> Vm {
        let vm = Small::hardware(self.memory);
        match &self.log {
            None => vm.disk(&self.disk, Bus::Virtio),
            Some(log) => vm.recorded(&self.disk, log),
        }
    }

    /// One boot, until it restarts.
    ///
    /// # Panics
    /// When it takes longer than [`LIMIT`].
    pub fn boot(&self) -> Boot {
        ended(self.start())
    }

    /// The old system boots, stages the package at this level of protection, and
    /// restarts.
    ///
    /// # Panics
    /// When it is not staged.
    pub fn stage(&self, level: &str) -> Boot {
        self.stage_package(&Small::package(), level)
    }

    /// The same with a package of the caller's.
    ///
    /// # Panics
    /// When it is not staged.
    pub fn stage_package(&self, package: &Path, level: &str) -> Boot {
        let run =
            format!("cd /mnt/package && ./replant stage --package . --yes --protection {level}\n");
        let medium = self.medium(package, &run, &[]);
        let boot = ended(self.vm().disk(&medium, Bus::Virtio).start());
        assert!(
            boot.said
                .contains("staged: the next boot goes into the tiny system"),
            "{}\n{}",
            boot.said,
            tail(&boot.console)
        );
        boot
    }

    /// A disk for the old system's second one: this script, which it runs with
    /// its output on the second serial port, the package in package/, and these
    /// files.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn medium(&self, package: &Path, run_script: &str, more: &[&Path]) -> PathBuf {
        let media = self.dir.path().join("media");
        std::fs::create_dir_all(media.join("package")).expect("mkdir");
        let mut unpack = Command::new("tar");
        unpack.arg("-xzf").arg(package).arg("-C");
        run(unpack.arg(media.join("package")));
        std::fs::write(media.join("run"), run_script).expect("write");
        for file in more {
            let mut copy = Command::new("cp");
            run(copy.arg("-L").arg(file).arg(&media));
        }
        let medium = self.dir.path().join("medium");
        let [from, to] = [&media, &medium].map(|path| path.to_str().expect("UTF-8"));
        let kib = tool("du", &["-sk", from]);
        let kib: u64 = kib
            .split_whitespace()
            .next()
            .expect("a size")
            .parse()
            .expect("KiB");
        let size = format!("{}m", kib / 1024 * 21 / 20 + 16);
        tool("mke2fs", &["-q", "-F", "-t", "ext2", "-d", from, to, &size]);
        std::fs::remove_dir_all(&media).expect("the media");
        medium
    }
}

impl Default for Small {
    fn default() -> Self {
        Self::new()
    }
}

/// Waits for the end of a boot.
///
/// # Panics
/// When it takes longer than [`LIMIT`].
pub fn ended(mut running: Running) -> Boot {
    let since = Instant::now();
    running.wait_exit(LIMIT);
    Boot {
        console: running.serials[0].output(),
        said: running.serials[1].output(),
        took: since.elapsed(),
    }
}

/// The last lines of a console, for a message.
pub fn tail(console: &str) -> String {
    let lines: Vec<&str> = console.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
