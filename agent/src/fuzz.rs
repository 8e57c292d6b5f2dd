// SPDX-License-Identifier: MIT OR Apache-2.0
//! Damaged inputs for the small parsers of the tiny system. Those of the
//! identity have theirs beside them.

use crate::cmdline::Cmdline;
use crate::device::Parameters;
use crate::tiny::console::Command;
use testkit::Target;

#[test]
fn command_lines() {
    let target = Target {
        name: "kernel command lines",
        samples: [
            "BOOT_IMAGE=/vmlinuz root=UUID=0de0-a ro panic=10 replant=migrate replant.json=ttyS1 replant.break=wipe rd.retry=20 console=tty0 console=ttyS0,115200n8",
            "root=/dev/mapper/VA-root ro rd.lvm.lv=VA/root rd.lvm.vg=VA rhgb quiet",
            "root=LABEL=a\\x20b \"replant.report=off\" nvme_core.io_timeout=10 modprobe.blacklist=a,b dyndbg=\"file x +p\"",
        ]
        .map(|t| t.as_bytes().to_vec())
        .to_vec(),
        words: b" ~\"~=~root=~replant=~rd.retry=~rd.lvm.lv=~/~..~,~.~\\~\xff~\0~\n",
        hot: vec![],
        rounds: 10_000,
    };
    let tally = target.read(|bytes, _| {
        let text = String::from_utf8_lossy(bytes);
        let _ = Parameters::parse(&text);
        Cmdline::parse(&text).root.is_some()
    });
    tally.at_least(2000, 500);
}

#[test]
fn lines_of_the_console() {
    let target = Target {
        name: "lines of the console",
        samples: [
            "chroot '/a b' \"c\\\"d\" sh -c 'exit 9'",
            "mount /dev/sda1 /mnt rw # x",
            "replant migrate",
        ]
        .map(|t| t.as_bytes().to_vec())
        .to_vec(),
        words: b" ~\"~'~\\~#~rw~replant~\xff~\0~\n",
        hot: vec![],
        rounds: 10_000,
    };
    let tally = target.read(|bytes, _| Command::parse(&String::from_utf8_lossy(bytes)).is_ok());
    tally.at_least(1000, 1000);
}
