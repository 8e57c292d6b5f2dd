// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loop devices, and lvm2 confined to them.

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use replant::block::{BlockDevice, SYS, by_number};
use tempfile::TempDir;
use testkit::{output, sparse};

/// What lvm2 says with `--driverloaded n`, whatever it does.
const DRIVER: &str =
    "WARNING: Activation disabled. No device-mapper interaction will be attempted.";

/// A sparse file behind a loop device; gone when dropped.
pub struct Loop {
    _node: testkit::Loop,
    pub path: PathBuf,
    pub file: PathBuf,
    pub size: u64,
}

impl Loop {
    /// A new file of `size` bytes in `dir`.
    pub fn new(dir: &TempDir, name: &str, size: u64) -> Self {
        Self::over(&sparse(dir.path().join(name), size))
    }

    /// A further loop device over a file.
    pub fn over(file: &Path) -> Self {
        let node = testkit::Loop::new(file);
        let size = fs::metadata(file).unwrap().len();
        Self {
            path: node.0.clone(),
            _node: node,
            file: file.to_owned(),
            size,
        }
    }

    pub fn device(&self) -> BlockDevice {
        let rdev = fs::metadata(&self.path).unwrap().rdev();
        by_number(Path::new(SYS), rdev.into()).unwrap()
    }

    /// The first MiB of the file, where all of LVM's own bytes are.
    pub fn head(&self) -> Vec<u8> {
        let mut head = Vec::new();
        let file = fs::File::open(&self.file).unwrap();
        file.take(1 << 20).read_to_end(&mut head).unwrap();
        head
    }
}

pub fn devices(loops: &[Loop]) -> Vec<BlockDevice> {
    loops.iter().map(Loop::device).collect()
}

/// lvm2 that sees some devices and nothing else of this machine.
pub struct Lvm2 {
    dir: TempDir,
}

impl Lvm2 {
    pub fn new(loops: &[Loop]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().display();
        let allow: Vec<String> = loops
            .iter()
            .map(|l| format!("\"a|^{}$|\"", l.path.display()))
            .collect();
        let filter = format!("[{}, \"r|.*|\"]", allow.join(", "));
        let conf = format!(
            "devices {{ filter={filter} global_filter={filter} use_devicesfile=0 hints=\"none\" \
             obtain_device_list_from_udev=0 external_device_info_source=\"none\" \
             multipath_component_detection=0 md_component_detection=0 }}\n\
             activation {{ udev_sync=0 udev_rules=0 monitoring=0 }}\n\
             global {{ locking_dir=\"{here}/lock\" event_activation=0 use_lvmpolld=0 notify_dbus=0 }}\n\
             backup {{ backup_dir=\"{here}/backup\" archive_dir=\"{here}/archive\" }}\n"
        );
        fs::write(dir.path().join("lvm.conf"), conf).unwrap();
        Self { dir }
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Runs `line` (words at spaces); it must succeed and may complain of
    /// nothing but what `expected` says. Its standard output.
    pub fn quiet(&self, line: &str, expected: &[&str]) -> String {
        let mut words = line.split(' ');
        let out = output(
            Command::new(words.next().unwrap())
                .args(words)
                .args(["--driverloaded", "n"])
                .env("LVM_SYSTEM_DIR", self.dir.path())
                .env("LVM_SUPPRESS_FD_WARNINGS", "1"),
        );
        let stderr = String::from_utf8_lossy(&out.stderr);
        let complaints: Vec<&str> = stderr
            .lines()
            .map(str::trim)
            .filter(|l| *l != DRIVER && !expected.iter().any(|e| l.contains(e)))
            .collect();
        assert!(
            complaints.is_empty() && out.status.success(),
            "{line}: {}: {complaints:#?}",
            out.status
        );
        String::from_utf8(out.stdout).unwrap()
    }

    /// Fields of a report, one row for each line.
    pub fn rows(&self, line: &str) -> Vec<Vec<String>> {
        let options = "--noheadings --nosuffix --units b --separator ;";
        let out = self.quiet(&format!("{line} {options}"), &[]);
        let row = |l: &str| l.trim().split(';').map(|f| f.trim().to_owned()).collect();
        out.lines().map(row).collect()
    }
}
