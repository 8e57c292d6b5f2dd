// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files with known places on the disk, through partitions and the maps of the
//! real lvm2, on Debian's kernel. What is read at those places by dd is what
//! the file has.

use harness::example::example;
use harness::{cache, hostroot};
use std::time::Duration;

/// `pins DEVICE DISK KIND OPTIONS FROM TO`: a new file system, 24 MiB in it at
/// `FROM..TO` MiB of the disk, and compared with what dd reads there.
const PROLOGUE: &str = r#"
set -eu
mkdir /tmp/mnt
for m in dm-mod ext4 xfs; do modprobe $m; done
die() { echo "FAILED: $*"; exit 1; }
make() { case $2 in xfs) mkfs.xfs -q -f $1;; *) mke2fs -q -F -t $2 -b 4096 $1;; esac; }
pins() {
  make $1 $3; mount -o $4 $1 /tmp/mnt
  $PINNED /tmp/mnt $2 24 $5 $6 >/tmp/out || die "$*: $(cat /tmp/out)"
  for name in pinned state; do
    [ "$(lsattr /tmp/mnt/$name | cut -d' ' -f1 | tr -d -c i)" = i ] || die "$name is not immutable"
    : >/tmp/raw
    sed -n "s/^run $name //p" /tmp/out | while read lba sectors; do
      [ $lba -ge $(($5 * 2048)) ] && [ $((lba + sectors)) -le $(($6 * 2048)) ] || die "$lba $sectors lies elsewhere"
      dd if=$2 bs=512 skip=$lba count=$sectors iflag=direct status=none >>/tmp/raw
    done
    sum=$(sed -n "s/^$name .*sha256 //p" /tmp/out)
    [ "$(sha256sum </tmp/raw)" = "$sum  -" ] || die "$*: another content of $name"
  done
  [ "$(grep -c '^run state' /tmp/out)" = 1 ] || die "the state is in pieces"
  [ $(($(sed -n 's/^run state \([0-9]*\) .*/\1/p' /tmp/out) % 8)) = 0 ] || die "the state is not aligned"
  echo "pins $1 $3 $4: $(grep -c '^run pinned' /tmp/out) runs"
  chattr -i /tmp/mnt/pinned /tmp/mnt/state; umount /tmp/mnt
}
# `refused WORDS DEVICE DISK`, on ext4, and nothing stays.
refused() {
  make $2 ext4; mount $2 /tmp/mnt
  if $PINNED /tmp/mnt $3 1 0 4000 >/tmp/out; then die "$* was not refused"; fi
  grep -qF -- "$1" /tmp/out || die "$*: $(cat /tmp/out)"
  [ "$(ls /tmp/mnt)" = lost+found ] || die "left: $(ls /tmp/mnt)"
  echo "refused: $(cat /tmp/out)"
  umount /tmp/mnt
}
"#;

const LAYOUTS: &str = r#"
# GPT, and data that go through the journal.
printf 'label: gpt\nsize=500M\nsize=300M\nsize=300M\n' | sfdisk -q /dev/vda
pins /dev/vda1 /dev/vda ext4 defaults 250 501
pins /dev/vda1 /dev/vda xfs defaults 250 501
pins /dev/vda2 /dev/vda ext3 defaults 600 801
pins /dev/vda2 /dev/vda ext4 data=journal 600 801
# The whole disk is no partition's.
pins /dev/vdb /dev/vdb ext4 defaults 200 400
# Linear volumes of several segments, and stripes.
wipefs -qa /dev/vda2 /dev/vda3 /dev/vdb
vgcreate -qq -s 4m vg /dev/vda2 /dev/vda3
lvcreate -qq -Wn -Zn -L 100m -n lin vg /dev/vda2
lvcreate -qq -Wn -Zn -L 40m -n between vg /dev/vda2
lvextend -qq -L +60m vg/lin /dev/vda2
lvextend -qq -L +200m vg/lin /dev/vda3
[ "$(dmsetup table vg-lin | wc -l)" = 3 ] || die "$(dmsetup table vg-lin)"
pins /dev/vg/lin /dev/vda ext4 defaults 501 1101
pins /dev/vg/lin /dev/vda xfs defaults 501 1101
# Only in the last segment.
pins /dev/vg/lin /dev/vda ext4 defaults 801 1101
lvremove -qq -y vg/lin vg/between
lvcreate -qq -Wn -Zn -L 400m -i2 -I64k -n str vg
dmsetup table vg-str | grep -q striped || die "$(dmsetup table vg-str)"
pins /dev/vg/str /dev/vda ext4 defaults 501 1101
[ "$(grep -c '^run pinned' /tmp/out)" -ge 300 ] || die "so few runs of stripes"
pins /dev/vg/str /dev/vda xfs defaults 501 1101
# What lies between is named.
modprobe dm-mirror; modprobe dm-snapshot
echo "0 200000 mirror core 1 1024 2 /dev/vg/str 0 /dev/vda1 0" | dmsetup create mirrored
dmsetup mknodes
refused "mirrored, which is a device-mapper target of type mirror" /dev/mapper/mirrored /dev/vda
dmsetup remove mirrored
vgremove -qq -ff -y vg; pvremove -qq -ff -y /dev/vda2 /dev/vda3
# Another disk below a part of it.
vgcreate -qq -s 4m two /dev/vda3 /dev/vdb
lvcreate -qq -Wn -Zn -L 100m -n both two /dev/vda3
lvextend -qq -L +100m two/both /dev/vdb
refused "lies on vdb, which is not the disk vda" /dev/two/both /dev/vda
vgremove -qq -ff -y two; pvremove -qq -ff -y /dev/vda3 /dev/vdb
# DOS with logical partitions, one of them where nothing is aligned to 4 KiB.
wipefs -qa /dev/vda
printf 'label: dos\nstart=2048,size=100M,type=83\nstart=206848,size=800M,type=5\nstart=208896,size=250M,type=83\nstart=800063,size=819200,type=83\n' |
  sfdisk -q --force /dev/vda
[ -b /dev/vda6 ] || die "$(cat /proc/partitions)"
pins /dev/vda5 /dev/vda ext4 defaults 200 352
pins /dev/vda6 /dev/vda ext4 defaults 450 791
pins /dev/vda6 /dev/vda xfs defaults 450 791
echo ALL-DONE
"#;

#[test]
fn files_are_where_they_are_said_to_be() {
    let disk = |size: u64| {
        let file = tempfile::NamedTempFile::new_in(cache::directory()).expect("a disk");
        file.as_file().set_len(size).expect("a sparse file");
        file
    };
    let disks = [disk(1200 << 20), disk(400 << 20)];
    let script = format!(
        "PINNED={}\n{}{PROLOGUE}{LAYOUTS}",
        example("pinned").display(),
        hostroot::LVM2
    );
    let limit = Duration::from_secs(1800);
    let outcome = hostroot::run(&script, &[disks[0].path(), disks[1].path()], limit);
    println!("{}", outcome.output);
    assert!(
        outcome.status == 0 && outcome.output.contains("ALL-DONE"),
        "status {}:\n{}",
        outcome.status,
        outcome.output
    );
}
