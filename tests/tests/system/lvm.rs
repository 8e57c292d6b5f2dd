// SPDX-License-Identifier: MIT OR Apache-2.0
//! Volume groups with a real device-mapper and the real lvm2, in both directions.

use harness::example::example;
use harness::{cache, hostroot};
use std::time::Duration;

/// `quiet` fails on any complaint.
const PROLOGUE: &str = r#"
set -eu
modprobe dm-mod
die() { echo "FAILED: $*"; exit 1; }
quiet() { "$@" >/tmp/out 2>/tmp/err || die "$*: $(cat /tmp/out /tmp/err)"
          [ ! -s /tmp/err ] || die "$* complains: $(cat /tmp/err)"; }
# Our code must fail, with these words in its message.
fails() { words=$1; shift; if $PROBE "$@" >/tmp/out; then die "$* did not fail"; fi
          grep -qF -- "$words" /tmp/out || die "$*: $(cat /tmp/out)"; }
tables() { dmsetup table | sort; dmsetup info -c --noheadings -o name,uuid,readonly | sort; }
none() { [ "$(dmsetup ls)" = "No devices found" ] || die "left: $(dmsetup ls)"; }
same() { diff -u /tmp/theirs /tmp/ours || die "tables differ"; }
sfdisk -q /dev/vda <<END
label: gpt
size=1G
size=600M
size=600M
END
"#;

/// Tables of all that we activate are lvm2's own, and each side removes what the other made.
const READ: &str = r#"
PVS="/dev/vda1 /dev/vdb"
vgcreate -qq -s 4m my-vg--1 $PVS
lvcreate -qq -Wn -Zn -L 200m -n lin-a my-vg--1 /dev/vda1
lvcreate -qq -Wn -Zn -L 100m -n b.c_d+e my-vg--1 /dev/vda1
lvextend -qq -L +200m my-vg--1/lin-a /dev/vda1
lvcreate -qq -Wn -Zn -L 200m -i2 -I64k -n str my-vg--1
lvextend -qq -i1 -L +1200m my-vg--1/b.c_d+e
lvcreate -qq -Wn -Zn -L 40m -pr -n readonly my-vg--1
tables >/tmp/theirs
[ "$(grep -c . /tmp/theirs)" -ge 10 ] || die "too few tables"
quiet vgchange -qq -an; none
$PROBE activate my-vg--1 --all rw $PVS
tables >/tmp/ours; same
# Once more: nothing changes.
$PROBE activate my-vg--1 --all rw $PVS >/tmp/again
tables >/tmp/ours; same
for lv in lin-a b.c_d+e str readonly; do
  [ "$(readlink -f /dev/my-vg--1/$lv)" = "/dev/mapper/my--vg----1-$(echo $lv | sed s/-/--/g)" ] || die "link $lv"
done
[ "$(stat -c '%a %u %g' /dev/mapper/my--vg----1-str)" = "660 0 6" ] || die "mode"
[ "$(blockdev --getro /dev/my-vg--1/readonly)" = 1 ] || die "readonly is writable"
# lvm2 knows them by their uuid, and removes them.
[ "$(lvs --noheadings -o lv_active | grep -c active)" = 4 ] || die "$(lvs -o+lv_active)"
quiet vgchange -qq -an; none
# We remove lvm2's, by group and by disk, with what stands on them.
quiet vgchange -qq -ay
$PROBE remove-group my-vg--1 $PVS; none
[ ! -e /dev/my-vg--1 ] || die "links stay"
quiet vgchange -qq -ay
echo "0 8192 linear /dev/my-vg--1/str 0" | dmsetup create top
number=$(dmsetup info -c --noheadings -o major,minor --separator : top)
echo "0 4096 linear $number 0" | dmsetup create on-top
dmsetup mknodes; [ -b /dev/mapper/top ] || die "no node"
$PROBE remove-disk /dev/vda >/tmp/out; cat /tmp/out
grep -q "^removed .*on-top.* top.* my--vg----1-str" /tmp/out || die "order"
[ "$(dmsetup ls | cut -f1)" = my--vg----1-readonly ] || die "what is on the other disk alone stays"
[ ! -e /dev/mapper/top ] || die "node stays"
$PROBE remove-disk /dev/vda
$PROBE remove-disk /dev/vdb; none
# Read-only by request; writable later; not back while it is open.
$PROBE activate my-vg--1 lin-a ro $PVS | grep -q " ro$" || die "not read-only"
if dd if=/dev/zero of=/dev/my-vg--1/lin-a bs=4096 count=1 oflag=direct 2>/dev/null; then die "written"; fi
$PROBE activate my-vg--1 lin-a rw $PVS | grep -q " rw$" || die "not writable"
dd if=/dev/zero of=/dev/my-vg--1/lin-a bs=4096 count=1 oflag=direct 2>/dev/null
sleep 100 9<>/dev/my-vg--1/lin-a & sleeper=$!
until [ -e /proc/$sleeper/fd/9 ]; do sleep 0.1; done
fails "in use for writing" activate my-vg--1 lin-a ro $PVS
fails 'device-mapper device "my--vg----1-lin--a" is still in use' remove-group my-vg--1 $PVS
kill $sleeper; wait $sleeper || true
$PROBE remove-group my-vg--1 $PVS; none
# Somebody else's device of that name, and another table.
echo "0 8 error" | dmsetup create my--vg----1-str
fails 'has a device "my--vg----1-str" already' activate my-vg--1 str rw $PVS
dmsetup remove my--vg----1-str
$PROBE activate my-vg--1 str rw $PVS
dmsetup suspend my--vg----1-str; echo "0 8 error" | dmsetup load my--vg----1-str; dmsetup resume my--vg----1-str
fails "is mapped as" activate my-vg--1 str rw $PVS
dmsetup remove my--vg----1-str
# Left over by somebody who was interrupted between create and load.
uuid=$(grep -o "LVM-.*" /tmp/theirs | grep -m1 . | cut -d: -f1)
name=$(grep "$uuid" /tmp/theirs | cut -d: -f1)
dmsetup create "$name" --notable --uuid "$uuid"
$PROBE activate my-vg--1 --all rw $PVS >/tmp/out
tables >/tmp/ours; same
$PROBE remove-disk /dev/vdb
$PROBE remove-disk /dev/vda; none
"#;

/// Types that only lvm2 activates are refused by name, on a running group.
const REFUSED: &str = r#"
lvcreate -qq -an -Wn -Zn --type zero -L 8m -n nothing my-vg--1
# In the tiny system the kernel finds no modprobe.
rmmod dm-zero 2>/dev/null || true
echo /bin/false >/proc/sys/kernel/modprobe
fails "TABLE_LOAD of \"my--vg----1-nothing\" failed" activate my-vg--1 nothing rw $PVS
none
echo /sbin/modprobe >/proc/sys/kernel/modprobe
modprobe dm-zero
$PROBE activate my-vg--1 nothing rw $PVS
dmsetup table my--vg----1-nothing | grep -q "^0 16384 zero" || die "no zero"
$PROBE remove-group my-vg--1 $PVS
modprobe dm-snapshot; modprobe dm-raid; modprobe raid1; modprobe dm-thin-pool
lvremove -qq -y my-vg--1/b.c_d+e
lvcreate -qq -s -L 20m -n snap my-vg--1/lin-a
lvcreate -qq -Wn -Zn --type raid1 -m1 -L 20m --nosync -n mirrored my-vg--1
lvcreate -qq --type thin-pool -L 60m -n pool my-vg--1 >/tmp/out 2>&1 || die "$(cat /tmp/out)"
lvcreate -qq --thin -V 40m -n thin my-vg--1/pool >/tmp/out 2>&1 || die "$(cat /tmp/out)"
vgchange -qq -an; none
fails "is the origin of the snapshot snap" activate my-vg--1 lin-a rw $PVS
fails "is a snapshot of lin-a" activate my-vg--1 snap rw $PVS
fails "segment type thin," activate my-vg--1 thin rw $PVS
fails "segment type thin-pool," activate my-vg--1 pool rw $PVS
fails "segment type raid1," activate my-vg--1 mirrored rw $PVS
fails "is a part of mirrored" activate my-vg--1 mirrored_rimage_0 rw $PVS
none
$PROBE activate my-vg--1 --all rw $PVS >/tmp/out
[ "$(grep -c "^refused" /tmp/out)" -ge 4 ] || die "$(cat /tmp/out)"
dmsetup ls | grep -q str || die "str is not active"
if dmsetup ls | grep -q "lin--a"; then die "the origin is mapped"; fi
# A whole tree of lvm2's comes down in order.
$PROBE remove-group my-vg--1 $PVS
quiet vgchange -qq -ay
$PROBE remove-disk /dev/vda; $PROBE remove-disk /dev/vdb
# A volume of zeros stands on no disk.
[ "$(dmsetup ls | cut -f1)" = my--vg----1-nothing ] || die "left: $(dmsetup ls)"
$PROBE remove-group my-vg--1 $PVS; none
vgremove -qq -ff -y my-vg--1
"#;

/// lvm2 on what we wrote: no complaint, active, formatted, grown, and read by us again.
const OURS: &str = r#"
PVS="/dev/vda2 /dev/vda3"
$PROBE create vg-new root=300,back=200,data=rest $PVS
for pv in $PVS; do quiet pvck $pv; done
quiet vgck vg-new
quiet vgs; quiet pvs; quiet lvs -o+devices
quiet vgcfgbackup vg-new
[ "$(pvs --noheadings -o pv_in_use | grep -c used)" = 2 ] || die "$(pvs -o+pv_in_use)"
quiet vgchange -qq -ay vg-new
tables >/tmp/theirs
quiet vgchange -qq -an vg-new; none
$PROBE activate vg-new --all rw $PVS
tables >/tmp/ours; same
mkfs.ext4 -q /dev/vg-new/root; mkdir -p /tmp/mnt; mount /dev/vg-new/root /tmp/mnt
cp /etc/passwd /tmp/mnt/
before=$(df --output=size /tmp/mnt | tail -1)
quiet lvremove -qq -y vg-new/data
# resize2fs prints its version as a complaint.
lvextend -r -L +100m vg-new/root >/tmp/out 2>&1 || die "$(cat /tmp/out)"
if grep -i warning /tmp/out; then die "lvextend complains"; fi
after=$(df --output=size /tmp/mnt | tail -1)
[ "$after" -gt "$((before + 90000))" ] || die "did not grow: $before $after"
fails 'device-mapper device "vg--new-root" is still in use' remove-disk /dev/vda
umount /tmp/mnt
lvcreate -qq -Wn -Zn -an -L 100m -n added vg-new 2>/dev/null
dmsetup table | sort >/tmp/grown
$PROBE remove-disk /dev/vda; none
e2fsck -fn /dev/vda2 >/dev/null 2>&1 && die "a file system on a PV"
$PROBE activate vg-new root rw $PVS; $PROBE activate vg-new back rw $PVS
dmsetup table | sort >/tmp/ours; cp /tmp/grown /tmp/theirs; same
e2fsck -fn /dev/vg-new/root >/dev/null 2>&1 || die "e2fsck"
mount /dev/vg-new/root /tmp/mnt; cmp /etc/passwd /tmp/mnt/passwd; umount /tmp/mnt
# In use: nothing is written.
sha256sum /dev/vda2 >/tmp/before
fails "/dev/vda2 is in use: device-mapper map" create vg-other root=100 /dev/vda2
sha256sum /dev/vda2 | cmp - /tmp/before
$PROBE remove-disk /dev/vda; none
quiet vgck vg-new
"#;

const DM: &str = "$PROBE dm\n";

fn run(parts: &[&str]) -> String {
    let disk = |size: u64| {
        let file = tempfile::NamedTempFile::new_in(cache::directory()).expect("a disk");
        file.as_file().set_len(size).expect("a sparse file");
        file
    };
    let disks = [disk(4 << 30), disk(2 << 30)];
    let script = format!(
        "PROBE={}\n{}{PROLOGUE}{}\necho ALL-DONE\n",
        example("lvm-probe").display(),
        hostroot::LVM2,
        parts.concat()
    );
    let limit = Duration::from_secs(600);
    let outcome = hostroot::run(&script, &[disks[0].path(), disks[1].path()], limit);
    assert!(
        outcome.status == 0 && outcome.output.contains("ALL-DONE"),
        "status {}:\n{}",
        outcome.status,
        outcome.output
    );
    outcome.output
}

#[test]
fn what_lvm2_made_is_activated_as_lvm2_does() {
    run(&[READ, REFUSED]);
}

#[test]
fn what_we_made_is_used_by_lvm2() {
    run(&[OURS]);
}

#[test]
fn every_ioctl_answers_as_expected() {
    let output = run(&[DM]).replace('\r', "");
    for line in [
        "create false",
        "same name: device-mapper DEV_CREATE of \"probe\" failed: Device or resource busy (os error 16); a device of this name or uuid exists",
        "same uuid: device-mapper DEV_CREATE of \"probe2\" failed",
        "slash: device-mapper DEV_CREATE of \"a/b\": a name has 1 to 127 bytes",
        "no target: device-mapper TABLE_LOAD of \"probe\" failed: Invalid argument",
        "gap: device-mapper TABLE_LOAD of \"probe\" failed: Invalid argument",
        "missing: device-mapper DEV_REMOVE of \"not-there\" failed",
        "empty table []",
        "resume 2000",
        "same table true",
        "listed true",
        "gone None",
    ] {
        assert!(output.contains(line), "{line}\n---\n{output}");
    }
}
