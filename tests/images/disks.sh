#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Makes the disks that the end-to-end test and the demo start from, in the
# cache, with the real tools: sgdisk and sfdisk, lvm2, mke2fs, GRUB.
#
#   disks.sh old|new        prints the path of a raw image
#
# old   the machine that is migrated: 8 GiB, MBR table, /boot, LVM with root
#       and home, GRUB in the gap before the first partition; four network
#       cards: static addresses, of IPv4 with a gateway that is in no prefix;
#       DHCP with a further address; a VLAN on a bond of two; a root and a user
#       password, ssh host keys, an administrator's key where this sshd alone
#       looks (its private half is beside the image, NAME.img.key)
# new   the appliance that becomes the package: 6 GiB in the seed's layout,
#       GPT with a BIOS boot partition, /boot, LVM with root, back and data;
#       SELinux is enforcing, and all files have their labels
#
# lvm2 works without device-mapper here (--driverloaded n), and file systems
# are mounted at their offset, so that this runs where the kernel has neither.
# Only GRUB needs to see its disk: the old system installs it itself, in QEMU.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cache=${REPLANT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/replant}
key=$(cat "$here/roots.sh" "$0" | sha256sum | cut -c1-12)
disk=$cache/disk-${1-none}-$key.img
mkdir -p "$cache"
PATH=$PATH:/usr/sbin:/sbin

sector=512
mounts= loops= work=
cleanup() {
    for m in $mounts; do umount "$m" 2>/dev/null || umount -l "$m" || true; done
    for l in $loops; do losetup -d "$l" 2>/dev/null || true; done
    [ -z "$work" ] || rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

attach() { # FILE OFFSET-BYTES SIZE-BYTES -> $loop
    loop=$(losetup --find --show --offset "$2" --sizelimit "$3" "$1")
    loops="$loop $loops"
}

at() { # LOOP DIRECTORY
    mkdir -p "$2"
    mount "$1" "$2"
    mounts="$2 $mounts"
}

lvm() { # COMMAND ARGS, on the loop device in $pv alone
    mkdir -p "$work/lvm"
    cat >"$work/lvm/lvm.conf" <<END
devices { filter = [ "a|^$pv\$|", "r|.*|" ] use_devicesfile = 0 scan = [ "/dev" ] }
activation { udev_sync = 0 udev_rules = 0 monitoring = 0 }
backup { backup = 0 archive = 0 }
END
    LVM_SYSTEM_DIR=$work/lvm LVM_SUPPRESS_FD_WARNINGS=1 \
        command lvm "$@" --driverloaded n 2>>"$work/lvm.log" || {
        cat "$work/lvm.log" >&2
        return 1
    }
}

volume() { # GROUP NAME SIZE(lvcreate's words) -> nothing
    lvm lvcreate -y -an -Zn -Wn -n "$2" $3 "$1" >/dev/null
}

place() { # GROUP NAME PV-OFFSET-BYTES -> $offset $size (bytes) of a one-segment volume
    extent=$(lvm vgs --noheadings --nosuffix --units b -o vg_extent_size "$1" | tr -d ' ')
    start=$(lvm pvs --noheadings --nosuffix --units b -o pe_start "$pv" | tr -d ' ')
    range=$(lvm lvs --noheadings -o seg_pe_ranges "$1/$2" | tr -d ' ')
    range=${range##*:}
    offset=$(($3 + start + ${range%-*} * extent))
    size=$(((${range#*-} - ${range%-*} + 1) * extent))
}

format() { # UUID MKE2FS-ARGS... on $loop
    uuid=$1
    shift
    mke2fs -q -F -t ext4 -U "$uuid" "$@" "$loop"
}

password() { # ROOT-DIR USER PASSWORD
    printf '%s:%s\n' "$2" "$3" | chroot "$1" chpasswd
}

console='GRUB_TIMEOUT=1
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="console=tty0 console=ttyS0,115200"
GRUB_TERMINAL="console serial"
GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"
GRUB_DISABLE_OS_PROBER=true'

make_old() {
    tar=$(sh "$here/roots.sh" old)
    image=$work/disk
    truncate -s 8G "$image"
    printf 'label: dos\nlabel-id: 0x5eed0001\n2048,1048576,83,*\n1050624,,8e\n' |
        sfdisk -q "$image"
    lvm_at=$((1050624 * sector))
    attach "$image" $lvm_at $((8 * 1024 * 1024 * 1024 - lvm_at)); pv=$loop
    lvm pvcreate -q "$pv" >/dev/null
    lvm vgcreate -q old-vg "$pv" >/dev/null
    volume old-vg root '-L 5g'
    volume old-vg home '-L 512m'
    place old-vg root $lvm_at; attach "$image" $offset $size
    format 0de00000-0000-4000-8000-000000000001 -L old-root
    at "$loop" "$work/root"
    place old-vg home $lvm_at; attach "$image" $offset $size
    format 0de00000-0000-4000-8000-000000000002 -L old-home
    mkdir "$work/root/home"
    at "$loop" "$work/root/home"
    attach "$image" $((2048 * sector)) $((1048576 * sector))
    format 0de00000-0000-4000-8000-000000000003
    at "$loop" "$work/root/boot"
    r=$work/root
    tar xpf "$tar" -C "$r" --numeric-owner --xattrs --xattrs-include='*'

    echo oldbox >"$r/etc/hostname"
    printf '127.0.0.1 localhost\n127.0.1.1 oldbox.example oldbox\n' >"$r/etc/hosts"
    cat >"$r/etc/fstab" <<END
/dev/mapper/old--vg-root / ext4 errors=remount-ro 0 1
UUID=0de00000-0000-4000-8000-000000000003 /boot ext4 defaults,x-systemd.device-timeout=600 0 2
/dev/mapper/old--vg-home /home ext4 defaults,x-systemd.device-timeout=600 0 2
END
    cat >"$r/etc/network/interfaces" <<END
auto lo
iface lo inet loopback

allow-hotplug ens3
iface ens3 inet static
    address 10.0.2.77/32
    gateway 10.0.2.2
    dns-nameservers 10.0.2.3 192.0.2.53
    dns-search example
iface ens3 inet6 static
    address fec0::77/64
    gateway fec0::2
    accept_ra 0
END
    # The others by another program, as on machines that grew.
    cd "$r/etc/systemd/network"
    printf '[Match]\nName=ens4\n[Network]\nDHCP=ipv4\nAddress=198.51.100.7/24\n' >ens4.network
    printf '[NetDev]\nName=bond0\nKind=bond\n[Bond]\nMode=active-backup\nMIIMonitorSec=150ms\n' >bond0.netdev
    printf '[Match]\nName=ens5 ens6\n[Network]\nBond=bond0\n' >ports.network
    printf '[Match]\nName=bond0\n[Network]\nVLAN=bond0.7\nLinkLocalAddressing=no\n' >bond0.network
    printf '[NetDev]\nName=bond0.7\nKind=vlan\n[VLAN]\nId=7\n' >bond0.7.netdev
    printf '[Match]\nName=bond0.7\n[Network]\nAddress=192.0.2.7/24\n' >bond0.7.network
    cd "$here"
    chroot "$r" systemctl -q enable systemd-networkd
    chroot "$r" systemctl -q mask systemd-networkd-wait-online
    printf 'search example\nnameserver 10.0.2.3\nnameserver 192.0.2.53\n' >"$r/etc/resolv.conf"
    chroot "$r" useradd -u 1000 -m -s /bin/bash -G sudo anna
    password "$r" root old-root-secret
    password "$r" anna old-anna-secret
    echo "$console" >"$r/etc/default/grub"
    rm -f "$r"/etc/ssh/ssh_host_*
    chroot "$r" ssh-keygen -q -A
    ssh-keygen -q -t ed25519 -N '' -C anna -f "$work/key"
    mkdir "$r/etc/ssh/keys"
    cp "$work/key.pub" "$r/etc/ssh/keys/anna"
    echo 'AuthorizedKeysFile /etc/ssh/keys/%u' >"$r/etc/ssh/sshd_config.d/keys.conf"
    chroot "$r" systemd-machine-id-setup >/dev/null 2>&1
    mount -t proc proc "$r/proc"; mounts="$r/proc $mounts"
    chroot "$r" update-initramfs -u >/dev/null
    mkdir -p "$work/boot"
    cp "$r"/boot/vmlinuz-* "$work/boot/vmlinuz"
    cp "$r"/boot/initrd.img-* "$work/boot/initrd"
    cat >"$r/install-grub" <<'END'
#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t tmpfs run /run
mount /dev/vda1 /boot &&
grub-install /dev/vda && update-grub && rm /install-grub && umount /boot && echo GRUB-IS-INSTALLED
sync; mount -o remount,ro /
echo o >/proc/sysrq-trigger; sleep 60
END
    chmod 755 "$r/install-grub"
    cleanup_mounts
    # An hour: longer than the slowest machine takes, shorter than for ever.
    timeout 3600 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 1024 -no-reboot \
        -display none -monitor none -nic none -serial "file:$work/serial" \
        -drive "if=virtio,format=raw,cache=unsafe,discard=unmap,file=$image" \
        -kernel "$work/boot/vmlinuz" -initrd "$work/boot/initrd" \
        -append 'root=/dev/mapper/old--vg-root rw init=/install-grub console=ttyS0 panic=-1' </dev/null
    grep -q GRUB-IS-INSTALLED "$work/serial" || {
        tail -n 40 "$work/serial" >&2
        echo "disks.sh: GRUB was not installed on the old disk" >&2
        exit 1
    }
}

make_new() {
    tar=$(sh "$here/roots.sh" new)
    image=$work/disk
    truncate -s 6G "$image"
    sgdisk -a 2048 -n 1:2048:6143 -t 1:EF02 -c '1:BIOS boot partition' \
        -n 2:6144:1054719 -t 2:8300 -c '2:Linux filesystem' \
        -n 3:1054720:0 -t 3:8E00 -c '3:Linux LVM' "$image" >/dev/null
    lvm_at=$((1054720 * sector))
    attach "$image" $lvm_at $(((6 * 1024 * 1024 * 2 - 34 + 1) * sector - lvm_at)); pv=$loop
    lvm pvcreate -q "$pv" >/dev/null
    lvm vgcreate -q VA "$pv" >/dev/null
    volume VA data '-L 512m'
    volume VA back '-L 512m'
    volume VA root '-l 100%FREE'
    r=$work/root
    place VA root $lvm_at; attach "$image" $offset $size
    format 0e000000-0000-4000-8000-000000000001 -L root
    at "$loop" "$r"
    mkdir "$r/boot" "$r/data" "$r/back"
    n=2
    for v in data back; do
        place VA $v $lvm_at; attach "$image" $offset $size
        format 0e000000-0000-4000-8000-00000000000$n -L $v
        at "$loop" "$r/$v"
        n=$((n + 1))
    done
    attach "$image" $((6144 * sector)) $((1048576 * sector))
    format 0e000000-0000-4000-8000-000000000004
    at "$loop" "$r/boot"
    tar xpf "$tar" -C "$r" --numeric-owner --xattrs --xattrs-include='*'

    echo appliance >"$r/etc/hostname"
    printf '127.0.0.1 localhost\n127.0.1.1 appliance\n' >"$r/etc/hosts"
    cat >"$r/etc/fstab" <<END
/dev/mapper/VA-root / ext4 defaults 0 1
UUID=0e000000-0000-4000-8000-000000000004 /boot ext4 defaults,x-systemd.device-timeout=600 0 2
/dev/mapper/VA-data /data ext4 defaults,x-systemd.device-timeout=600 0 2
/dev/mapper/VA-back /back ext4 noauto 0 2
END
    printf 'auto lo\niface lo inet loopback\n' >"$r/etc/network/interfaces"
    chroot "$r" systemctl -q enable systemd-networkd
    chroot "$r" systemctl -q mask systemd-networkd-wait-online
    password "$r" root factory-default
    echo "$console" >"$r/etc/default/grub"
    # An emulator clears pages that once held code so slowly that the kernel
    # sees soft lockups: it need not clear each page that it takes, nor load
    # what the emulated processor offers and nobody here uses. The network
    # cards have other names than in the old system.
    words='security=selinux selinux=1 init_on_alloc=0 net.ifnames=0'
    echo "GRUB_CMDLINE_LINUX=\"\$GRUB_CMDLINE_LINUX $words\"" >>"$r/etc/default/grub"
    printf 'blacklist kvm_amd\nblacklist kvm_intel\n' >"$r/etc/modprobe.d/emulated.conf"
    # gzip -9, dracut's own choice, takes five sixths of its time.
    echo 'compress="gzip -1"' >"$r/etc/dracut.conf.d/10-compress.conf"
    sed -i 's/^SELINUX=.*/SELINUX=enforcing/' "$r/etc/selinux/config"
    # What a hard test wants in a payload: capabilities, an ACL whose bytes
    # hold a line feed, a sparse file, links, a device, a strange name.
    mkdir -p "$r/opt/rich"
    truncate -s 64M "$r/opt/rich/sparse"
    printf middle | dd of="$r/opt/rich/sparse" bs=1M seek=32 conv=notrunc status=none
    ln "$r/opt/rich/sparse" "$r/opt/rich/hard"
    ln -s ../../etc/hostname "$r/opt/rich/soft"
    mknod "$r/opt/rich/device" c 1 3
    mkfifo "$r/opt/rich/fifo"
    printf '\303\244\n' >"$r/opt/rich/$(printf 'n\303\244me with space')"
    setfattr -n user.note -v 'a value' "$r/opt/rich"
    setfacl -m u:10:rw "$r/opt/rich/sparse"
    install -m 755 "$r/bin/true" "$r/opt/rich/capable"
    setcap cap_net_raw+ep "$r/opt/rich/capable"
    chmod 4711 "$r/opt/rich/capable"
    setcap cap_net_raw+ep "$r/opt/rich/capable"
    touch -d '1969-12-31 23:59:58.25 UTC' "$r/opt/rich/capable"
    # As restorecon would in the running appliance, and one by hand.
    mount -t proc proc "$r/proc"; mounts="$r/proc $mounts"
    # It does not go from one file system into another.
    chroot "$r" setfiles -F -m -e /proc /etc/selinux/default/contexts/files/file_contexts \
        / /boot /data /back >/dev/null
    setfattr -n security.selinux -v system_u:object_r:tmp_t:s0 "$r/opt/rich/fifo"
    cleanup_mounts
}

cleanup_mounts() {
    for m in $mounts; do umount "$m"; done
    mounts=
    for l in $loops; do losetup -d "$l"; done
    loops=
}

case ${1-} in
old | new) ;;
*)
    echo "usage: disks.sh old|new" >&2
    exit 2 ;;
esac
# Of several runs at once, one makes the disk and the others wait.
exec 9>"$disk.lock"
flock 9
if [ ! -s "$disk" ]; then
    work=$(mktemp -d "$cache/disk.XXXXXX")
    "make_$1" >&2
    [ ! -e "$work/key" ] || mv "$work/key" "$disk.key"
    mv "$work/disk" "$disk"
fi
echo "$disk"
