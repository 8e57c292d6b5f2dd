#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Makes the Debian 12 root file systems that the tests and the demo boot, as
# tar archives, and the generic kernel with its modules. Everything goes to
# the cache, named by a hash of this file, so that an edit remakes it. It is
# moved to its name when it is whole, and of several runs at once one makes it
# and the others wait.
#
#   roots.sh old|new|kernel      prints the path of the result
#
# old     the machine that is migrated (initramfs-tools, ifupdown, sshd)
# new     the system of the package (dracut, its own kernel, SELinux)
# kernel  directory with vmlinuz and lib/modules/VERSION of Debian's generic
#         kernel, from the untouched package, modules.dep made by depmod
set -eu
PATH=$PATH:/usr/sbin:/sbin

cache=${REPLANT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/replant}
key=$(sha256sum "$0" | cut -c1-12)
mkdir -p "$cache"

work=
trap '[ -z "$work" ] || rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Waits until no other run makes this result.
lock() { # RESULT
    exec 9>"$1.lock"
    flock 9
}

sources() {
    # The mirror that this machine's own apt uses, if it serves bookworm;
    # otherwise nothing, and mmdebstrap takes its own default.
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' 2>/dev/null | sort -u |
    while read -r uri release component; do
        case $release in
        bookworm | bookworm-*)
            echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $release $component" ;;
        esac
    done
}

base=systemd-sysv,udev,kmod,dbus,login,passwd,procps,iproute2,ifupdown,iputils-ping
base=$base,openssh-server,e2fsprogs,lvm2,grub-pc,linux-image-cloud-amd64
base=$base,ca-certificates,gdisk,fdisk,xz-utils,attr,libcap2-bin,less,sudo

debian() { # MMDEBSTRAP-ARGS... TARGET
    sources >"$work/sources"
    [ ! -s "$work/sources" ] || set -- "$@" "$work/sources"
    mmdebstrap --quiet --mode=root "$@" >&2
}

bootstrap() { # NAME EXTRA-PACKAGES
    out=$cache/root-$1-$key.tar
    lock "$out"
    if [ ! -s "$out" ]; then
        work=$(mktemp -d "$cache/root.XXXXXX")
        # grub-pc asks for a disk; there is none yet.
        debian --variant=minbase --format=tar \
            --include="$base,$2" \
            --dpkgopt='path-exclude=/usr/share/doc/*' \
            --dpkgopt='path-exclude=/usr/share/man/*' \
            --dpkgopt='path-exclude=/usr/share/locale/*' \
            --essential-hook='echo grub-pc grub-pc/install_devices multiselect | chroot "$1" debconf-set-selections' \
            --essential-hook='echo grub-pc grub-pc/install_devices_empty boolean true | chroot "$1" debconf-set-selections' \
            bookworm "$work/root.tar"
        mv "$work/root.tar" "$out"
    fi
    echo "$out"
}

kernel() {
    out=$cache/kernel-$key
    lock "$out"
    if [ ! -d "$out" ]; then
        work=$(mktemp -d "$cache/kernel.XXXXXX")
        # Unpacked with all that it depends on, and nothing of it installed.
        debian --variant=extract --include=linux-image-amd64 bookworm "$work/all"
        version=$(ls "$work/all/lib/modules")
        mkdir -p "$work/tree/lib"
        mv "$work/all/lib/modules" "$work/tree/lib/modules"
        mv "$work/all/boot/vmlinuz-$version" "$work/tree/vmlinuz"
        depmod -b "$work/tree" "$version"
        mv "$work/tree" "$out"
    fi
    echo "$out"
}

case ${1-} in
old) bootstrap old initramfs-tools,zstd ;;
new) bootstrap new dracut,selinux-policy-default,policycoreutils ;;
kernel) kernel ;;
*)
    echo "usage: roots.sh old|new|kernel" >&2
    exit 2 ;;
esac
