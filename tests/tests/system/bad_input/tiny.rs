// SPDX-License-Identifier: MIT OR Apache-2.0
//! In the tiny system, with a disk that is compared byte for byte.

use super::assert_says;
use harness::cache::{self, Kernel};
use harness::image::{Loop, Mount, overlay, volumes, written};
use harness::migration::Machine;
use harness::product::{self, copy_disk};
use harness::vm::{Bus, Vm};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use testkit::{run, tool};

const ROOT: &str = "root=UUID=0de00000-0000-4000-8000-000000000001 rd.retry=5";
const QUIET: &str = "replant.report=off";
const AGAIN: &str = "; stage the package again on the old system";
const LIMIT: Duration = Duration::from_secs(300);

/// A machine that must be refused.
struct Case {
    name: &'static str,
    /// Raw images of its disks, which are not written.
    disks: Vec<PathBuf>,
    memory: u32,
    append: String,
    words: &'static [&'static str],
}

impl Case {
    fn new(name: &'static str, disks: &[&Path], words: &'static [&'static str]) -> Case {
        Case {
            name,
            disks: disks.iter().map(|d| d.to_path_buf()).collect(),
            memory: 1024,
            append: format!("{ROOT} {QUIET}"),
            words,
        }
    }

    /// Boots the tiny system until it restarts the machine; the disks as they
    /// are then, as overlays.
    fn boot(&self, dir: &Path) -> Vec<PathBuf> {
        let mut vm = Vm::new()
            .quiet()
            .memory(self.memory)
            .kernel(&Kernel::generic().vmlinuz(), &product::initramfs())
            .append("console=ttyS0 panic=10 quiet ro replant=migrate")
            .append(&self.append)
            .arg("-no-reboot");
        let name = |n: usize| dir.join(format!("{}-{n}.qcow2", self.name));
        let images: Vec<PathBuf> = (0..self.disks.len()).map(name).collect();
        for (base, image) in self.disks.iter().zip(&images) {
            overlay(base, image);
            vm = vm.drive(
                image,
                Bus::Virtio,
                "format=qcow2,cache=unsafe,discard=unmap",
            );
        }
        let mut running = vm.start();
        running.wait_exit(LIMIT);
        let said = running.serials[0].output();
        let mut lines = said.split(['\n', '\r']);
        let line = lines.find(|line| line.contains(self.words[0]));
        let line = line.unwrap_or_else(|| panic!("{}: {}", self.name, running.tail()));
        assert_says(self.name, line, self.words);
        let message = line.matches(self.words[0]).count();
        assert!(message == 1 && line.len() < 400, "{}: {line}", self.name);
        let rest = ["nothing on the disk was changed", "the old system starts"];
        for words in rest {
            assert!(said.contains(words), "{}: {}", self.name, running.tail());
        }
        eprintln!("{}: {}", self.name, line.trim());
        images
    }

    fn changes_nothing(&self, dir: &Path) {
        for image in self.boot(dir) {
            assert_eq!(written(&image), [], "{}: {image:?}", self.name);
        }
    }
}

/// Starts the tiny system on the staged machine with all sorts of defects.
pub fn refuses(machine: &Machine) {
    let staged = &machine.disk;
    let dir = machine.directory();
    let root = volumes(dir, staged, 1, "old-vg")
        .into_iter()
        .find(|volume| volume.name == "root")
        .expect("old-vg/root")
        .segments[0];
    let damaged = |name: &str, edit: &str| {
        let disk = dir.join(name);
        copy_disk(staged, &disk);
        let volume = Loop::part(&disk, root.0, root.1);
        let mount = Mount::new(volume.name(), dir.join("edit"), "rw");
        let script = format!("set -e; cd {}/etc; {edit}", mount.0.display());
        tool("sh", &["-c", &script]);
        disk
    };
    let cut = damaged("cut", "truncate -s 1000000 upd/va.tar.xz");
    let cases = cases(machine, &cut, &damaged);
    // They mostly wait, for the countdown; all at once is too much RAM.
    for some in cases.chunks(4) {
        std::thread::scope(|scope| {
            for case in some {
                scope.spawn(|| case.changes_nothing(dir));
            }
        });
    }
    the_report_is_all_that_is_written(&cut, dir, (root.0, root.1));
}

fn cases(machine: &Machine, cut: &Path, damaged: &dyn Fn(&str, &str) -> PathBuf) -> Vec<Case> {
    let (staged, dir) = (machine.disk.as_path(), machine.directory());
    let medium = |group: &str| {
        let (from, image) = (dir.join("empty"), dir.join(group));
        std::fs::create_dir_all(&from).expect("mkdir");
        let script = cache::source().join("tests/images/medium.sh");
        let words = [script.as_path(), &from, Path::new(group), &image];
        tool("sh", &words.map(|w| w.to_str().expect("UTF-8")));
        image
    };
    let clone = dir.join("clone");
    std::os::unix::fs::symlink(staged, &clone).expect("a link");
    let old = cache::make("disks.sh", &["old"]);
    vec![
        Case::new(
            "not-staged",
            &[&old],
            &[
                "this machine was not staged: /etc/upd/staged.toml is missing on /dev/",
                "; run upgrade_to_tiny_system.sh",
            ],
        ),
        Case {
            append: QUIET.into(),
            ..Case::new(
                "no-root",
                &[staged],
                &[
                    "this boot was not staged: root= is missing",
                    "run upgrade_to_tiny_system.sh",
                ],
            )
        },
        Case {
            memory: 384,
            ..Case::new(
                "little-memory",
                &[staged],
                &[
                    "not enough memory: payload ",
                    " + decoder 80 MiB + ",
                    "; give the machine ",
                    " MiB more",
                ],
            )
        },
        Case::new(
            "clone",
            &[staged, &clone],
            &[
                "volume group old-vg cannot be used: physical volume ",
                "is on several devices: /dev/vda2, /dev/vdb2",
                "; detach all but one",
            ],
        ),
        Case::new(
            "same-group",
            &[staged, &medium("old-vg")],
            &[
                "volume group old-vg cannot be used: two volume groups have this name",
                " on /dev/vda2",
                " on /dev/vdb",
                "; rename one with vgrename",
            ],
        ),
        Case::new(
            "group-exists",
            &[staged, &medium("VA")],
            &[
                "a volume group \"VA\" already exists on /dev/vdb",
                "; rename it (vgrename VA NEWNAME)",
            ],
        ),
        Case::new(
            "missing",
            &[&damaged("missing", "rm upd/va.tar.xz")],
            &["/etc/upd/va.tar.xz is missing", AGAIN],
        ),
        Case::new(
            "cut",
            &[cut],
            &["/etc/upd/va.tar.xz is cut: it has 1000000 bytes", AGAIN],
        ),
        Case::new(
            "changed",
            &[&damaged(
                "changed",
                "printf X | dd of=upd/va.tar.xz bs=1 seek=5000000 conv=notrunc status=none",
            )],
            &["/etc/upd/va.tar.xz is damaged: its SHA-256 is ", AGAIN],
        ),
        Case::new(
            "manifest",
            &[&damaged("manifest", "echo >>upd/migration.toml")],
            &[
                "/etc/upd/migration.toml is not the file that was staged",
                AGAIN,
            ],
        ),
        Case::new(
            "other-machine",
            &[&damaged(
                "other-machine",
                "tr 0-9a-f 1-9a-f0 <machine-id >x; mv x machine-id",
            )],
            &[
                "the package was staged for another machine: ",
                "; run upgrade_to_tiny_system.sh on this one",
            ],
        ),
    ]
}

/// Without replant.report=off the old root gets the report, nothing else is
/// written, and its file system is clean.
fn the_report_is_all_that_is_written(disk: &Path, dir: &Path, root: (u64, u64)) {
    let mut case = Case::new("report", &[disk], &["va.tar.xz is cut"]);
    case.append = ROOT.into();
    let image = &case.boot(dir)[0];
    let ranges = written(image);
    assert!(!ranges.is_empty(), "the report was not written");
    for (start, length) in ranges {
        let within = root.0 <= start && start + length <= root.0 + root.1;
        assert!(within, "bytes {start} to {}", start + length);
    }
    let raw = dir.join("reported");
    let mut convert = Command::new("qemu-img");
    run(convert.args(["convert", "-O", "raw"]).arg(image).arg(&raw));
    let volume = Loop::part(&raw, root.0, root.1);
    tool("e2fsck", &["-fn", volume.name()]);
    let mount = Mount::new(volume.name(), dir.join("edit"), "ro");
    let report = mount.0.join("etc/upd/report.txt");
    let report = std::fs::read_to_string(report).expect("report.txt");
    let mut lines = report.lines();
    assert_eq!(
        lines.next(),
        Some("The migration stopped, and nothing was changed.")
    );
    assert_says("report", lines.next().unwrap_or(""), &case.words[..1]);
}
