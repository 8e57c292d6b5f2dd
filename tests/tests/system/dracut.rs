// SPDX-License-Identifier: MIT OR Apache-2.0
//! Debian's dracut, as the judge of which words of the kernel's command line a
//! new system may have, and of how it is told about its root volume.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use harness::cache;
use ondisk::gpt::{Guid, Table};
use ondisk::manifest::{Filesystem, Size, Volume, VolumeGroup};
use ondisk::naming::Made;
use ondisk::words;
use std::path::{Path, PathBuf};
use std::process::Command;

fn shell(script: &str, at: &Path, words: &str) -> String {
    let mut command = Command::new("bash");
    command
        .args(["-euc", script, "bash", words])
        .current_dir(at);
    testkit::run(&mut command)
}

/// Its package, unpacked.
fn dracut() -> PathBuf {
    cache::once("dracut", "1", "", |path| {
        std::fs::create_dir(path).unwrap();
        let script = "apt-get -qq download dracut-core >&2
             dpkg-deb -x dracut-core_*.deb . && rm dracut-core_*.deb
             mkdir programs
             for name in dracut-getarg dracut-getargs; do
                 ln -s ../usr/lib/dracut/dracut-util programs/$name
             done";
        shell(script, path, "");
    })
}

/// Runs the part of dracut that reads these words while booting. Of its
/// library, only what waits is replaced, by a line.
fn waits_for(words: &str) -> Vec<String> {
    let script = "PATH=$PWD/programs:$PATH
        modules=usr/lib/dracut/modules.d
        set +eu
        . $modules/99base/dracut-lib.sh
        words=$1
        getcmdline() { printf '%s\\n' \"$words\"; }
        info() { :; }
        wait_for_dev() { echo \"$2\"; }
        . $modules/90lvm/parse-lvm.sh
        exit 0";
    let out = shell(script, &dracut(), words);
    out.lines().map(String::from).collect()
}

/// The words that are refused where VA/root is all that is made.
fn refused(text: &str) -> Vec<String> {
    let table = Table::new(1 << 30, 512, Guid([7; 16])).unwrap();
    let groups = [VolumeGroup {
        name: "VA".into(),
        partitions: vec![2],
        extent_size: Size::Bytes(4 << 20),
        volumes: vec![Volume {
            name: "root".into(),
            size: Size::Rest,
        }],
    }];
    let filesystems = [Filesystem::new("VA/root", "/")];
    let made = Made {
        table: &table,
        groups: &groups,
        filesystems: &filesystems,
    };
    let found = words::check([("etc/kernel/cmdline", text)].into_iter(), &made);
    let refused = found.into_iter().filter(|f| f.refused);
    refused.map(|f| f.word).collect()
}

#[test]
fn what_dracut_would_wait_for_in_vain_is_refused() {
    let stale = "ro rd.lvm.lv=rl/root rd.lvm.lv=rl/swap";
    assert_eq!(waits_for(stale), ["/dev/rl/root", "/dev/rl/swap"]);
    assert_eq!(refused(stale), ["rd.lvm.lv=rl/root", "rd.lvm.lv=rl/swap"]);
    // The names that older ones had, and a whole group.
    let older = "rd_LVM_LV=rl/root rd.lvm.vg=rl";
    assert_eq!(waits_for(older), ["/dev/rl", "/dev/rl/root"]);
    assert_eq!(refused(older).len(), 2);
    // That it is named twice, by the new system and by the boot step, is fine.
    let own = "ro rd.lvm.lv=VA/root rd.lvm.lv=VA/root";
    assert_eq!(waits_for(own), ["/dev/VA/root", "/dev/VA/root"]);
    assert_eq!(refused(own), [""; 0]);
    // Without a name it activates nothing.
    assert_eq!(waits_for("ro root=/dev/mapper/VA-root"), [""; 0]);
}

#[test]
fn the_root_volume_is_in_the_initramfs_whatever_the_configuration_says() {
    let dir = tempfile::tempdir().unwrap();
    let conf = dir.path().join("conf");
    std::fs::create_dir(&conf).unwrap();
    let write = |name: &str, text: &str| std::fs::write(conf.join(name), text).unwrap();
    let words = |arguments: &str| {
        let script = format!(
            "export dracutbasedir=$PWD/usr/lib/dracut
             usr/bin/dracut --force --no-hostonly --no-kernel --no-compress --modules base \
                 --conf /dev/null --confdir \"$1/conf\" {arguments} \"$1/image\" >&2
             cd \"$1\"
             cpio -i --quiet --to-stdout etc/cmdline.d/01-default.conf <image"
        );
        shell(&script, &dracut(), dir.path().to_str().unwrap())
    };
    write(
        "90-replant-root.conf",
        "kernel_cmdline+=\" rd.lvm.lv=VA/root \"\n",
    );
    assert!(words("").contains(" rd.lvm.lv=VA/root "));
    write("99-own.conf", "kernel_cmdline=\"quiet\"\n");
    assert!(
        !words("").contains("rd.lvm.lv"),
        "a later file takes it back"
    );
    let given = words("--kernel-cmdline rd.lvm.lv=VA/root");
    assert!(
        given.contains("quiet") && given.contains("rd.lvm.lv=VA/root"),
        "{given}"
    );
}
