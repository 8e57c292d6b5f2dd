#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Makes the Debian 12 root file systems that the tests and the demo boot, as
# tar archives, and the generic kernel with its modules. Everything goes to
# the cache, named by a hash of this file, so that an edit remakes it.
#
#   roots.sh old|new|tools|kernel      prints the path of the result
#
# old     the machine that is migrated (initramfs-tools, ifupdown, sshd)
# new     the system of the package (dracut, its own kernel)
# kernel  directory with vmlinuz and lib/modules/VERSION of Debian's generic
#         kernel, from the untouched package, modules.dep made by depmod
set -eu

cache=${REPLANT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/replant}
key=$(sha256sum "$0" | cut -c1-12)
mkdir -p "$cache"

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
base=$base,ca-certificates,gdisk,fdisk,xz-utils,attr,libcap2-bin,less

bootstrap() { # NAME EXTRA-PACKAGES
    out=$cache/root-$1-$key.tar
    if [ ! -s "$out" ]; then
        list=$(mktemp)
        sources >"$list"
        if [ -s "$list" ]; then echo "$list"; fi >"$list.arg"
        # grub-pc asks for a disk; there is none yet.
        mmdebstrap --quiet --variant=minbase --format=tar --mode=root \
            --include="$base,$2" \
            --dpkgopt='path-exclude=/usr/share/doc/*' \
            --dpkgopt='path-exclude=/usr/share/man/*' \
            --dpkgopt='path-exclude=/usr/share/locale/*' \
            --essential-hook='echo grub-pc grub-pc/install_devices multiselect | chroot "$1" debconf-set-selections' \
            --essential-hook='echo grub-pc grub-pc/install_devices_empty boolean true | chroot "$1" debconf-set-selections' \
            bookworm "$out.part" $(cat "$list.arg") >&2
        rm -f "$list" "$list.arg"
        mv "$out.part" "$out"
    fi
    echo "$out"
}

kernel() {
    out=$cache/kernel-$key
    if [ ! -d "$out" ]; then
        work=$(mktemp -d "$cache/kernel.XXXXXX")
        package=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: *//p' | head -n 1)
        chmod 755 "$work"
        (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$package" >&2)
        dpkg-deb -x "$work"/*.deb "$work/tree"
        version=$(ls "$work/tree/lib/modules")
        cp "$work/tree/boot/vmlinuz-$version" "$work/tree/vmlinuz"
        depmod -b "$work/tree" "$version"
        mv "$work/tree" "$out"
        rm -rf "$work"
    fi
    echo "$out"
}

case ${1-} in
old) bootstrap old initramfs-tools,zstd ;;
new) bootstrap new dracut ;;
kernel) kernel ;;
*)
    echo "usage: roots.sh old|new|kernel" >&2
    exit 2 ;;
esac
