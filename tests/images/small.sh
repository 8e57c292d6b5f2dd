#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Makes a small machine, whose whole migration takes a minute without KVM, in
# the cache. Kernel, GRUB, lvm2 and all that is called in the boot step are
# Debian's; what is small is around them: busybox, an init that is a script, an
# initramfs that is always the same.
#
#   small.sh old|new [MIB]  prints the path of the result
#
# old   raw image of 1 GiB, or of so many MiB: MBR table, /boot, LVM with the root, GRUB in the gap
#       before the first partition. Its init runs the script "run" of a second
#       disk, if there is one
# new   directory with va.sgdisk, va.tar.xz and layout.toml: a GPT with a BIOS
#       boot partition, /boot, LVM with data and root. Its init says on the
#       second serial port what it finds, and switches the machine off
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cache=${REPLANT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/replant}
key=$(cat "$here/roots.sh" "$0" | sha256sum | cut -c1-12)
mib=${2-1024}
out=$cache/small-${1-none}-$mib-$key
mkdir -p "$cache"
PATH=$PATH:/usr/sbin:/sbin

work= loop=
cleanup() {
    [ -z "$loop" ] || losetup -d "$loop" || true
    [ -z "$work" ] || rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

applets='[ awk basename blockdev cat chmod chown cmp cp cut date dirname echo egrep env expr
false fgrep find grep head hostname id insmod ln ls mkdir mktemp mount mv od printf readlink
reboot rm rmdir sed seq sh sleep sort stat stty sync tail tee test touch tr true umount uname
uniq wc which xargs'

# The programs and libraries of the new system of the demo.
unpack_debian() {
    debian=$work/debian
    mkdir "$debian"
    tar xpf "$(sh "$here/roots.sh" new)" -C "$debian" --numeric-owner
    kernel=$(sh "$here/roots.sh" kernel)
    version=$(ls "$kernel/lib/modules")
}

# An empty system with busybox.
skeleton() { # DIRECTORY
    mkdir -p "$1/usr/bin" "$1/usr/sbin" "$1/usr/lib" "$1/usr/lib64" "$1/etc/lvm" "$1/var/tmp"
    for d in bin sbin lib lib64; do ln -s usr/$d "$1/$d"; done
    for d in boot dev mnt proc run sys tmp; do mkdir "$1/$d"; done
    chmod 1777 "$1/tmp" "$1/var/tmp"
    cp "$(command -v busybox)" "$1/usr/bin/busybox"
    for applet in $applets; do ln -s busybox "$1/usr/bin/$applet"; done
    cat >"$1/etc/lvm/lvm.conf" <<END
devices { use_devicesfile = 0 hints = "none" obtain_device_list_from_udev = 0
 external_device_info_source = "none" }
activation { udev_sync = 0 udev_rules = 0 verify_udev_operations = 0 monitoring = 0 }
global { event_activation = 0 use_lvmpolld = 0 notify_dbus = 0 }
END
}

# Programs of Debian, with the libraries that they need.
programs() { # DIRECTORY PATH...
    to=$1
    shift
    for program in "$@"; do
        mkdir -p "$to/${program%/*}"
        cp "$debian/$program" "$to/$program"
        chroot "$debian" ldd "/$program" 2>/dev/null |
            sed -n 's/^[^/]*\(\/[^ ]*\) (0x.*/\1/p' |
            while read -r library; do
                mkdir -p "$to${library%/*}"
                cp -L "$debian$library" "$to$library"
            done
    done
}

lvm2() { # DIRECTORY
    programs "$1" usr/sbin/lvm
    for name in lvs lvchange lvremove lvextend vgs vgchange vgcfgbackup; do
        ln -s lvm "$1/usr/sbin/$name"
    done
}

# It loads what the root needs, has lvm2 activate it, and starts /sbin/init.
make_initramfs() { # FILE
    i=$work/initramfs
    skeleton "$i"
    lvm2 "$i"
    mkdir "$i/m" "$i/new"
    for module in virtio_pci virtio_blk dm_mod ext4; do
        modprobe --show-depends -S "$version" -d "$kernel" "$module"
    done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' |
        while read -r file; do
            cp "$file" "$i/m/"
            echo "/m/${file##*/}" >>"$i/m/order"
        done
    cat >"$i/init" <<'END'
#!/bin/sh
mount -t devtmpfs dev /dev; mount -t proc proc /proc; mount -t sysfs sys /sys
mount -t tmpfs run /run
while read -r m; do insmod "$m"; done </m/order
for word in $(cat /proc/cmdline); do
    case $word in root=*) root=${word#root=} ;; esac
done
lvm vgchange -q -q -a y --sysinit
mount -o rw "$root" /new || { echo "initramfs: no root"; sleep 60; }
for d in dev proc sys run; do mount --move /$d /new/$d; done
exec /usr/bin/busybox switch_root /new /sbin/init
END
    chmod 755 "$i/init"
    (cd "$i" && find . | cpio --quiet -o -H newc -R 0:0) | gzip -1 >"$1"
}

accounts() { # DIRECTORY HOST ROOT-PASSWORD
    echo "$2" >"$1/etc/hostname"
    printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$2" >"$1/etc/hosts"
    echo 'root:x:0:0:root:/root:/bin/sh' >"$1/etc/passwd"
    printf 'root:%s:19000:0:99999:7:::\n' "$(busybox mkpasswd -m sha512 "$3" saltsalt)" >"$1/etc/shadow"
    printf 'root:x:0:\nusers:x:100:\n' >"$1/etc/group"
    printf 'root:*::\nusers:!::\n' >"$1/etc/gshadow"
    chmod 600 "$1/etc/shadow" "$1/etc/gshadow"
    mkdir -m 700 "$1/root"
}

old_init() {
    cat <<'END'
#!/bin/sh
# A machine that does what a second disk says, and restarts.
mount /dev/vda1 /boot
hostname "$(cat /etc/hostname)"
exec >/dev/ttyS1 2>&1 </dev/null
echo "@system old@"
if mount -o ro /dev/vdb /mnt 2>/dev/null; then
    sh /mnt/run
    echo "@status $?@"
fi
umount /boot; sync; mount -o remount,ro /
exec reboot -f
END
}

# What its own GRUB's grub-mkconfig would write, without what has no screen.
old_menu() {
    cat <<END
if [ -s \$prefix/grubenv ]; then
  set have_grubenv=true
  load_env
fi
if [ "\${next_entry}" ] ; then
   set default="\${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="0"
fi
serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
set timeout_style=menu
set timeout=0
menuentry 'Old' --id old {
	insmod gzio
	insmod part_msdos
	insmod ext2
	search --no-floppy --fs-uuid --set=root 0de00000-0000-4000-8000-000000000013
	linux /vmlinuz-$version root=/dev/mapper/old-root ro quiet console=ttyS0
	initrd /initrd.img-$version
}
if [ -f \$prefix/custom.cfg ]; then
  source \$prefix/custom.cfg
fi
END
}

make_old() {
    unpack_debian
    r=$work/root b=$work/boot
    skeleton "$r"
    accounts "$r" oldbox old-root-secret
    echo 'anna:x:1000:1000:Anna:/home/anna:/bin/sh' >>"$r/etc/passwd"
    printf 'anna:%s:19000:0:99999:7:::\n' "$(busybox mkpasswd -m sha512 old-anna-secret saltsalt)" >>"$r/etc/shadow"
    echo 'anna:x:1000:' >>"$r/etc/group"
    echo 'anna:!::' >>"$r/etc/gshadow"
    mkdir -p "$r/home/anna/.ssh" "$r/etc/ssh"
    echo 'ssh-ed25519 AAAA anna' >"$r/home/anna/.ssh/authorized_keys"
    chown -R 1000:1000 "$r/home/anna"
    ssh-keygen -q -t ed25519 -N '' -C oldbox -f "$r/etc/ssh/ssh_host_ed25519_key"
    echo 5eed0001000040008000000000000001 >"$r/etc/machine-id"
    cp "$debian/etc/os-release" "$debian/etc/debian_version" "$r/etc/"
    printf '/dev/mapper/old-root / ext4 defaults 0 1\n/dev/vda1 /boot ext4 defaults 0 2\n' >"$r/etc/fstab"
    # stage takes the directory of GRUB whose programs are there.
    programs "$r" usr/sbin/grub-reboot
    old_init >"$r/sbin/init"
    chmod 755 "$r/sbin/init"

    mkdir -p "$b/grub"
    cp "$kernel/vmlinuz" "$b/vmlinuz-$version"
    make_initramfs "$b/initrd.img-$version"
    cp -r "$debian/usr/lib/grub/i386-pc" "$b/grub/"
    old_menu >"$b/grub/grub.cfg"
    grub-editenv "$b/grub/grubenv" create

    image=$work/disk
    truncate -s "${mib}M" "$image"
    printf 'label: dos\nlabel-id: 0x5eed0002\n2048,163840,83,*\n165888,,8e\n' | sfdisk -q "$image"
    mke2fs -q -F -t ext4 -U 0de00000-0000-4000-8000-000000000013 -d "$b" \
        -E offset=$((2048 * 512)) "$image" 80m 2>/dev/null
    pv_at=$((165888 * 512))
    loop=$(losetup --find --show --offset $pv_at "$image")
    cat >"$work/lvm.conf" <<END
devices { filter = [ "a|^$loop\$|", "r|.*|" ] use_devicesfile = 0 scan = [ "/dev" ] }
activation { udev_sync = 0 udev_rules = 0 monitoring = 0 }
backup { backup = 0 archive = 0 }
END
    for words in "pvcreate -q $loop" "vgcreate -q old $loop" \
        'lvcreate -q -y -an -Zn -Wn -n root -l 90%VG old'; do
        # shellcheck disable=SC2086
        LVM_SYSTEM_DIR=$work LVM_SUPPRESS_FD_WARNINGS=1 \
            command lvm $words --driverloaded n >/dev/null 2>"$work/log" || {
            cat "$work/log" >&2
            exit 1
        }
    done
    extents=$(LVM_SYSTEM_DIR=$work command lvm lvs --driverloaded n --noheadings \
        -o seg_le_ranges,lv_size --units k --nosuffix old/root 2>/dev/null | awk '{print int($NF)}')
    losetup -d "$loop"
    loop=
    # The first extent lies behind 1 MiB of metadata.
    mke2fs -q -F -t ext4 -U 0de00000-0000-4000-8000-000000000011 -d "$r" \
        -E offset=$((pv_at + 1048576)) "$image" "${extents}k" 2>/dev/null
    grub-mkimage -O i386-pc -p '(hd0,msdos1)/grub' -o "$work/core.img" biosdisk part_msdos ext2
    [ "$(stat -c %s "$work/core.img")" -lt $((2047 * 512)) ]
    dd if="$debian/usr/lib/grub/i386-pc/boot.img" of="$image" bs=440 count=1 conv=notrunc status=none
    dd if="$work/core.img" of="$image" bs=512 seek=1 conv=notrunc status=none
    mv "$image" "$out"
}

new_init() {
    cat <<'END'
#!/bin/sh
# Says what has become of the machine.
export PATH=/usr/sbin:/usr/bin LVM_SUPPRESS_FD_WARNINGS=1
mount -a
hostname "$(cat /etc/hostname)"
exec >/dev/ttyS1 2>&1 </dev/null
echo "@system new@"
# This is all that is done of systemd.
wants=/etc/systemd/system/multi-user.target.wants/replant-release.service
if [ -e "$wants" ]; then
    sh -x "$(sed -n 's/^ExecStart=.bin.sh //p' "$wants")"
    echo "@unit $?@"
fi
say() { echo "@$1 $(shift; "$@" 2>&1 | xargs)@"; }
say host hostname
say machine cat /etc/machine-id
say hosts grep oldbox /etc/hosts
say shadow cut -d: -f1,2 /etc/shadow
say anna grep anna /etc/passwd
say authorized cat /home/anna/.ssh/authorized_keys
say key cat /etc/ssh/ssh_host_ed25519_key.pub
say volumes lvs --noheadings --units b --nosuffix -o lv_name,lv_size VA
say free vgs --noheadings -o vg_free_count VA
for mount in / /data; do
    say "size $mount" stat -f -c '%b %S' $mount
done
say units find /etc/systemd/system -name 'replant*'
say content cmp /usr/share/content /data/content
echo "@end@"
umount /boot /data; sync; mount -o remount,ro /
exec reboot -f
END
}

new_update_initramfs() {
    cat <<'END'
#!/bin/sh
# -c -k VERSION; the image is the same for each machine.
set -e
[ "$1 $2" = '-c -k' ]
exec mkinitramfs -o "/boot/initrd.img-$3" "$3"
END
}

make_new() {
    unpack_debian
    r=$work/root
    mkdir "$work/whole"
    skeleton "$r"
    accounts "$r" appliance factory-default
    mkdir -p "$r/data" "$r/home" "$r/etc/default" "$r/etc/grub.d" "$r/etc/systemd/system" \
        "$r/etc/ssh" "$r/lib/modules/$version" "$r/usr/share"
    cp "$debian/etc/os-release" "$debian/etc/debian_version" "$r/etc/"
    cat >"$r/etc/fstab" <<END
/dev/mapper/VA-root / ext4 defaults 0 1
UUID=0e000000-0000-4000-8000-000000000014 /boot ext4 defaults 0 2
/dev/mapper/VA-data /data ext4 defaults 0 2
END
    cat >"$r/etc/default/grub" <<'END'
GRUB_TIMEOUT=0
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX="quiet console=ttyS0"
GRUB_TERMINAL=serial
GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"
END
    cp "$kernel/vmlinuz" "$r/boot/vmlinuz-$version"
    cp "$kernel/lib/modules/$version/modules.dep" "$r/lib/modules/$version/"
    lvm2 "$r"
    programs "$r" usr/sbin/grub-install usr/sbin/grub-probe usr/bin/grub-editenv \
        usr/bin/grub-mkrelpath usr/bin/grub-script-check usr/sbin/resize2fs
    cp "$debian/usr/sbin/grub-mkconfig" "$debian/usr/sbin/update-grub" "$r/usr/sbin/"
    cp "$debian/etc/grub.d/00_header" "$debian/etc/grub.d/10_linux" "$debian/etc/grub.d/41_custom" "$r/etc/grub.d/"
    cp -r "$debian/usr/share/grub" "$r/usr/share/"
    cp -r "$debian/usr/lib/grub" "$r/usr/lib/"
    rm -f "$r"/usr/share/grub/*.pf2
    # Something to unpack, on two file systems.
    seq 1 100000 >"$r/usr/share/content"
    cp "$r/usr/share/content" "$r/data/content"
    make_initramfs "$work/image"
    mkdir "$r/usr/share/initramfs"
    cp "$work/image" "$r/usr/share/initramfs/image"
    new_update_initramfs >"$r/usr/sbin/update-initramfs"
    printf '#!/bin/sh\n# -o FILE VERSION\nexec cp /usr/share/initramfs/image "$2"\n' >"$r/usr/sbin/mkinitramfs"
    printf '#!/bin/sh\nexit 0\n' >"$r/usr/bin/systemctl"
    new_init >"$r/sbin/init"
    chmod 755 "$r/usr/sbin/update-initramfs" "$r/usr/sbin/mkinitramfs" "$r/usr/bin/systemctl" "$r/sbin/init"

    truncate -s 1G "$work/disk"
    sgdisk -a 2048 -n 1:2048:4095 -t 1:EF02 -n 2:4096:397311 -t 2:8300 -n 3:397312:0 -t 3:8E00 \
        --backup="$work/whole/va.sgdisk" "$work/disk" >/dev/null
    tar -C "$r" --numeric-owner --xattrs --xattrs-include='*' -c . | xz -T0 -1 >"$work/whole/va.tar.xz"
    cat >"$work/whole/layout.toml" <<'END'
name = "small"
version = "1"

[[volume_group]]
name = "VA"
partitions = [3]

[[volume_group.volume]]
name = "data"
size = "64MiB"

[[volume_group.volume]]
name = "root"
size = "rest"

[[filesystem]]
device = "VA/root"
mount = "/"
uuid = "0e000000-0000-4000-8000-000000000011"

[[filesystem]]
device = "partition 2"
mount = "/boot"
uuid = "0e000000-0000-4000-8000-000000000014"

[[filesystem]]
device = "VA/data"
mount = "/data"
uuid = "0e000000-0000-4000-8000-000000000012"
END
    mv "$work/whole" "$out"
}

case ${1-} in
old | new) ;;
*)
    echo "usage: small.sh old|new [MIB]" >&2
    exit 2 ;;
esac
# Of several runs at once, one makes it and the others wait.
exec 9>"$out.lock"
flock 9
if [ ! -e "$out" ]; then
    work=$(mktemp -d "$cache/small.XXXXXX")
    "make_$1" >&2
fi
echo "$out"
