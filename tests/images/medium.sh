#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Makes a second disk that carries a directory into the old machine: a
# physical volume on the whole disk, volume group GROUP, one volume "media"
# with an ext4. It belongs to the customer, not to the migration: its bytes
# must be the same afterwards.
#
#   medium.sh DIRECTORY GROUP IMAGE
set -eu
PATH=$PATH:/usr/sbin:/sbin
from=$1 group=$2 image=$3
work=$(mktemp -d)
loops=
cleanup() {
    for l in $loops; do losetup -d "$l"; done
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
need=$(($(du -sm "$from" | cut -f1) * 11 / 10 + 64))
rm -f "$image"
truncate -s $((need + 8))M "$image"
pv=$(losetup --find --show "$image")
loops=$pv
cat >"$work/lvm.conf" <<END
devices { filter = [ "a|^$pv\$|", "r|.*|" ] use_devicesfile = 0 scan = [ "/dev" ] }
activation { udev_sync = 0 udev_rules = 0 monitoring = 0 }
backup { backup = 0 archive = 0 }
END
lvm() {
    LVM_SYSTEM_DIR=$work LVM_SUPPRESS_FD_WARNINGS=1 command lvm "$@" --driverloaded n >/dev/null 2>"$work/log" || {
        cat "$work/log" >&2
        exit 1
    }
}
lvm pvcreate -q "$pv"
lvm vgcreate -q "$group" "$pv"
lvm lvcreate -y -an -Zn -Wn -n media -l 100%FREE "$group"
# The first extent lies behind 1 MiB of metadata.
volume=$(losetup --find --show --offset 1048576 --sizelimit $((need / 4 * 4 * 1048576)) "$image")
loops="$volume $loops"
mke2fs -q -F -t ext4 -d "$from" "$volume"
echo "$image"
