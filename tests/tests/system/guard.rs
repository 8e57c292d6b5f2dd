// SPDX-License-Identifier: MIT OR Apache-2.0
//! What keeps the disk as it is, on Debian's kernel: how sector 0 is written,
//! what is protected below partitions and volumes, and what programs of the new
//! system can do to the disk while it refuses writes.

use harness::example::example;
use harness::hostroot;
use harness::table::table;
use ondisk::gpt::{Backup, Guid, Table};
use std::os::unix::fs::FileExt;
use std::time::Duration;

const MIB: u64 = 1 << 20;

/// BIOS boot from 1 to 3 MiB, a file system, and a physical volume.
fn layout() -> Table {
    table(
        256 * MIB,
        &[
            (1, Guid::BIOS_BOOT, 2048, 6143),
            (2, Guid::LINUX, 6144, 137_215),
            (3, Guid::LVM, 137_216, 522_239),
        ],
    )
}

/// `guard` is the example; a volume lies at 1 MiB of the third partition.
const SCRIPT: &str = r#"
set -u
modprobe dm-mod; modprobe ext4
guard() { "$GUARD" "$@"; echo "exit $?"; }
# The kernel counts a flush as a write, too.
stat() { set -- $(cat /sys/block/vda/stat); echo "$(($5 - ${16})) $7"; }

echo "== sector 0"
dd if=/dev/urandom of=/dev/vda bs=440 count=1 conv=notrunc,fsync 2>/dev/null
dd if=/dev/vda of=/tmp/all bs=1M count=1 2>/dev/null
set -- $(stat); writes=$1 sectors=$2
guard sector-0 /dev/vda
set -- $(stat); echo "writes $(($1 - writes)) sectors $(($2 - sectors))"
cmp -n 1048576 -l /dev/vda /tmp/all | wc -l
dd if=/dev/vda bs=1 skip=440 count=6 2>/dev/null; echo

echo "== protected"
echo "0 200000 linear /dev/vda3 2048" | dmsetup create lv; dmsetup mknodes
# 8 sectors at 8 MiB of the disk: 5 MiB of the second partition.
guard write /dev/vda 8388608 16384
guard write /dev/vda2 5242880 16384
guard write /dev/vda2 5246976 16384
# 100 MiB of the disk are 33 MiB of the third partition, 32 of the volume.
guard write /dev/vda3 34603008 204800
guard write /dev/mapper/lv 33554432 204800
guard write /dev/mapper/lv 33558528 204800

echo "== programs"
mke2fs -q -t ext4 /dev/mapper/lv; mke2fs -q -t ext4 /dev/vda2
mkdir /tmp/root; mount /dev/mapper/lv /tmp/root
mkdir /tmp/root/boot /tmp/root/dev /tmp/root/proc /tmp/root/sys /tmp/root/run
mount /dev/vda2 /tmp/root/boot
cp /bin/busybox /tmp/root; ln -s busybox /tmp/root/sh
sums() { for at in 0 1 2; do
    dd if=/dev/vda bs=1M skip=$at count=1 iflag=direct 2>/dev/null | sha256sum; done; }
sums >/tmp/sums
keep() { echo "-- $*"; guard keep /dev/vda "$DIR/table" /tmp/root /sh -c "$*"
    for node in /dev/vda /dev/vda1 /dev/vda2 /dev/vda3; do
        [ "$(blockdev --getro $node)" = 0 ] || echo "$node still refuses"; done
    sums | cmp - /tmp/sums; }
keep '/busybox dd if=/busybox of=/dev/vda bs=512 count=1 conv=notrunc 2>&1'
keep '/busybox dd if=/busybox of=/dev/vda1 bs=4096 count=1 oflag=direct conv=notrunc 2>&1'
keep '/busybox dd if=/busybox of=/boot/core.img bs=4096 conv=fsync 2>/dev/null &&
    /busybox cp /busybox /image && for i in 1 2 3 4 5 6 7 8 9; do /busybox mkdir /d$i; done &&
    /busybox sync && echo written'
keep '/busybox kill -9 $$'
keep '/busybox blockdev --setrw /dev/vda; /busybox printf GRUB |
    /busybox dd of=/dev/vda bs=4 seek=1 conv=notrunc 2>/dev/null; echo over'
sums >/tmp/sums
keep '/busybox blockdev --setrw /dev/vda1; /busybox blockdev --setrw /dev/vda; /busybox printf GRUB |
    /busybox dd of=/dev/vda1 bs=4 seek=9 conv=notrunc 2>/dev/null; exit 3'
umount /tmp/root/boot; umount /tmp/root
for device in /dev/vda2 /dev/mapper/lv; do e2fsck -fn $device >/dev/null 2>&1; echo "e2fsck $?"; done
mount /dev/vda2 /tmp/root; cmp /bin/busybox /tmp/root/core.img && echo "the same"
echo "== end"
"#;

#[test]
fn only_who_may_writes_what_starts_the_machine() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let disk = testkit::sparse(dir.path().join("disk"), 256 * MIB);
    let backup = Backup::of(&layout(), &[]).unwrap().encode();
    std::fs::write(dir.path().join("table"), backup).unwrap();
    let file = std::fs::File::options().write(true).open(&disk).unwrap();
    for write in layout().writes(None).unwrap() {
        file.write_all_at(&write.bytes, write.offset).unwrap();
    }
    let script = format!(
        "GUARD='{}' DIR='{}'\n{SCRIPT}",
        example("guard").display(),
        dir.path().display()
    );
    let outcome = hostroot::run(&script, &[&disk], Duration::from_secs(240));
    let output = outcome.output.replace('\r', "");
    println!("{output}");
    let part = |name: &str| {
        let from = output.find(&format!("== {name}")).expect(name);
        output[from + 3..].split("== ").next().unwrap()
    };
    // One request of a whole physical block, and what the cache had is gone.
    let sector_0 = "done\nexit 0\nwrites 1 sectors 8\n6\nsector\n";
    assert!(part("sector 0").ends_with(sector_0));

    let refused: Vec<_> = part("protected").lines().skip(1).collect();
    let device = ["vda", "vda2", "", "vda3", "mapper/lv", ""];
    let mut lines = refused.iter();
    for device in device {
        let (line, exit) = (lines.next().unwrap(), lines.next().unwrap());
        if device.is_empty() {
            assert_eq!((*line, *exit), ("done", "exit 0"));
            continue;
        }
        let words = format!("/dev/{device}: a sector would overwrite sector ");
        assert!(line.contains(&words) && *exit == "exit 1", "{line}");
    }

    let programs = part("programs");
    let mut keeps = programs.split("-- ").skip(1);
    let mut next = || keeps.next().unwrap();
    for _ in 0..2 {
        let text = next();
        assert!(text.contains("Operation not permitted"), "{text}");
        assert!(text.contains("exit 1") && !text.contains("has written"));
    }
    assert!(next().contains("| written\ndone\nexit 0\n"));
    assert!(next().contains("signal: 9"));
    for what in ["sector 0", "the BIOS boot partition"] {
        let text = next();
        let words = format!("has written {what} of /dev/vda, ");
        assert!(text.contains(&words) && text.contains("exit 1"), "{text}");
    }
    // Those two changed something, and it was put back.
    assert_eq!(programs.matches("it was put back").count(), 2);
    assert!(!programs.contains("differ"));
    assert!(!programs.contains("still refuses"));
    assert!(programs.ends_with("e2fsck 0\ne2fsck 0\nthe same\n"));
}
