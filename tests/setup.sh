#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Installs what building, testing and the demo need, on Debian and Ubuntu;
# elsewhere says what is missing. What is there already costs nothing.
#
#   setup.sh rustup|debian      the way to musl that the Makefile chose
set -eu
PATH=$PATH:/usr/sbin:/sbin
way=${1:-debian}

# program:package
want='
musl-gcc:musl-tools gcc:gcc cpio:cpio xz:xz-utils zstd:zstd lz4:lz4 bzip2:bzip2
depmod:kmod busybox:busybox-static qemu-system-x86_64:qemu-system-x86 qemu-img:qemu-utils
mmdebstrap:mmdebstrap lvm:lvm2 dmsetup:dmsetup sgdisk:gdisk sfdisk:fdisk
mke2fs:e2fsprogs mkfs.xfs:xfsprogs mkfs.vfat:dosfstools mkfs.btrfs:btrfs-progs
mkswap:util-linux blkid:util-linux flock:util-linux losetup:mount
cryptsetup:cryptsetup-bin mdadm:mdadm make-bcache:bcache-tools genisoimage:genisoimage setfacl:acl setfattr:attr
setcap:libcap2-bin grub-editenv:grub-common grub-mkimage:grub-common tar:tar ip:iproute2
minisign:minisign ssh-keygen:openssh-client strace:strace file:file
'
missing= packages= rust=
for pair in $want; do
    program=${pair%%:*} package=${pair#*:}
    command -v "$program" >/dev/null 2>&1 && continue
    missing="$missing $program" packages="$packages $package"
done
if [ "$way" = debian ]; then
    for pair in /usr/bin/cargo:cargo-web /usr/bin/rustc:rustc-web; do
        [ -x "${pair%%:*}" ] || { missing="$missing ${pair%%:*}" rust="$rust ${pair#*:}"; }
    done
    # For make lint, with the cargo that it takes.
    for pair in cargo-fmt:rustfmt-web cargo-clippy:rust-web-clippy; do
        command -v "${pair%%:*}" >/dev/null 2>&1 || {
            missing="$missing ${pair%%:*}" rust="$rust ${pair#*:}"
        }
    done
    src=$( (/usr/bin/rustc --print sysroot 2>/dev/null || echo /usr) )/lib/rustlib/src/rust/library/std
    [ -d "$src" ] || { missing="$missing rust-src" rust="$rust rust-web-src"; }
fi
# The seabios and keyring that the above only recommend. QEMU looks in both
# places for the first.
[ -e /usr/share/seabios/bios-256k.bin ] || [ -e /usr/share/qemu/bios-256k.bin ] || {
    missing="$missing seabios" packages="$packages seabios"
}
# GRUB's images and modules for BIOS machines, which a test boots.
[ -e /usr/lib/grub/i386-pc/boot.img ] || {
    missing="$missing grub-pc-bin" packages="$packages grub-pc-bin"
}
# Another BIOS, for replant's boot loader.
[ -e /usr/share/bochs/BIOS-bochs-latest ] || {
    missing="$missing bochsbios" packages="$packages bochsbios"
}
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || {
    missing="$missing debian-archive-keyring" packages="$packages debian-archive-keyring"
}
if [ -n "$missing" ]; then
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "These programs are missing; install them and try again:" >&2
        for m in $missing; do echo "  $m" >&2; done
        exit 1
    fi
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get -qq update
    unknown=
    for package in $packages $rust; do
        # A package that others only name has no candidate either.
        LC_ALL=C apt-cache policy "$package" | grep -q '^  Candidate: [^(]' || unknown="$unknown $package"
    done
    for package in $unknown; do
        case " $rust " in *" $package "*)
            cat >&2 <<END
apt has no package$unknown, as on Ubuntu. Install rustup instead (apt may have
the package rustup), then

  rustup default stable
  rustup target add x86_64-unknown-linux-musl
  rustup component add rustfmt clippy

and try again.
END
            exit 1 ;;
        esac
    done
    if [ -n "$unknown" ]; then
        echo "apt has no package$unknown; install by hand what is missing and try again:$missing" >&2
        exit 1
    fi
    packages="$packages$rust"
    echo "installing:$packages"
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $sudo apt-get -qq install -y --no-install-recommends $packages >/dev/null
fi
if [ "$(id -u)" != 0 ]; then
    echo "warning: tests and demo mount file systems and need root; run make as root" >&2
fi
