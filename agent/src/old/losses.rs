// SPDX-License-Identifier: MIT OR Apache-2.0
//! Collects what the list of losses needs of the running system: the file systems
//! on the disk, and rpm's answers.

use crate::block::{SYS, disks_below};
use crate::machine::Mount;
use crate::program::{self, Supervision};
use identity::losses::{Loss, Machine, Mounted, Rpm};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long rpm may be silent.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is not carried over from this machine, whose disk is replaced.
pub(super) fn find(mounts: &[Mount], disk: &str) -> Vec<Loss> {
    let began = Instant::now();
    let clock = || began.elapsed().as_secs();
    let has_rpm = Path::new("/usr/bin/rpm").exists() || Path::new("/bin/rpm").exists();
    let rpm: Option<&dyn Rpm> = if has_rpm { Some(&Program) } else { None };
    let below = |mount: &Mount| {
        let disks = disks_below(Path::new(SYS), mount.device).ok();
        disks.is_some_and(|disks| disks.contains(disk))
    };
    let machine = Machine {
        mounts: mounted(mounts, &below),
        rpm,
        clock: &clock,
    };
    identity::losses::find(Path::new("/"), &machine)
}

/// The mounts as the list needs them; `below` says whether one lies on the
/// disk that is replaced.
fn mounted(mounts: &[Mount], below: &dyn Fn(&Mount) -> bool) -> Vec<Mounted> {
    let real = mounts.iter().filter(|m| m.kind != "rootfs");
    let known = real.map(|mount| Mounted {
        target: mount.target.clone(),
        // A mount without a device (memory, network) is not on the disk; it
        // stays, or is temporary anyway.
        lost: below(mount),
        whole: mount.root == "/",
    });
    known.collect()
}

/// Runs the machine's own rpm.
struct Program;

impl Rpm for Program {
    fn config_files(&self) -> Result<String, String> {
        let (ended, text) = run(&["-qa", "--configfiles", "--dump"], &[]);
        ended.map_err(|e| e.to_string())?;
        Ok(text)
    }

    fn unowned(&self, paths: &[String]) -> Result<Vec<String>, String> {
        let mut unowned = Vec::new();
        for some in paths.chunks(500) {
            let (ended, text) = run(&["-qf", "--queryformat", ""], some);
            match ended {
                // The exit status is the number of paths that no package owns.
                Ok(()) | Err(program::Error::Failed { .. }) => {}
                Err(error) => return Err(error.to_string()),
            }
            unowned.extend(names(&text, some));
        }
        Ok(unowned)
    }
}

/// Runs rpm under supervision, for its database may be locked by a process that
/// hangs.
fn run(words: &[&str], paths: &[String]) -> (Result<(), program::Error>, String) {
    let mut command = Command::new("rpm");
    command
        .env("LC_ALL", "C")
        .env("PATH", program::search_path());
    command.args(words).args(paths);
    let supervision = Supervision {
        silence: PATIENCE,
        grace: Supervision::GRACE,
        disk: None,
    };
    let mut text = String::new();
    let ended = program::watch(&mut command, &supervision, &mut |line| {
        text.push_str(line);
        text.push('\n');
    });
    (ended, text)
}

/// The paths of which rpm says `file PATH is not owned by any package`.
fn names(said: &str, paths: &[String]) -> Vec<String> {
    let line = |line: &str| {
        let rest = line.trim().strip_prefix("file ")?;
        let path = rest.strip_suffix(" is not owned by any package")?;
        paths.iter().find(|p| *p == path).cloned()
    };
    said.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::parse_mounts;

    #[test]
    fn mounts_are_lost_by_the_device_below() {
        let mounts = parse_mounts(
            "1 0 0:1 / / rw - rootfs rootfs rw\n2 0 8:1 / / rw - ext4 /dev/sda1 rw\n3 0 8:17 / /srv rw - xfs /dev/sdb1 rw\n4 0 8:1 /a /b rw - ext4 /dev/sda1 rw\n5 0 0:40 / /mnt rw - nfs4 nas:/x rw\n",
        );
        let on_sda = |mount: &Mount| {
            mount.device.to_string().starts_with("8:1") && mount.device.to_string() != "8:17"
        };
        let found = mounted(&mounts, &on_sda);
        let said: Vec<(&str, bool, bool)> = found
            .iter()
            .map(|m| (m.target.as_str(), m.lost, m.whole))
            .collect();
        assert_eq!(
            said,
            [
                ("/", true, true),
                ("/srv", false, true),
                ("/b", true, false),
                ("/mnt", false, true)
            ]
        );
    }

    #[test]
    fn what_rpm_says_of_files_without_an_owner() {
        let paths = ["/etc/a b".to_owned(), "/etc/c".to_owned()];
        let said = "file /etc/a b is not owned by any package\nerror: file /etc/c: No such file or directory\n";
        assert_eq!(names(said, &paths), ["/etc/a b"]);
    }
}
