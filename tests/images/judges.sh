#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Makes the Debian 12 root file system with the programs that read what replant
# writes for a new system: NetworkManager, systemd-networkd, ifupdown, netplan.
# It is a tar archive in the cache. They are not installed on the machine that
# runs the tests: they would take over its network.
#
#   judges.sh                    prints the path of the result
set -eu
here=$(cd "$(dirname "$0")" && pwd)

# The functions of roots.sh. It stays as it is, for all other images are named
# by its hash.
eval "$(sed '/^case /,$d' "$here/roots.sh")"
key=$(cat "$here/roots.sh" "$0" | sha256sum | cut -c1-12)

out=$cache/root-judges-$key.tar
lock "$out"
if [ ! -s "$out" ]; then
    work=$(mktemp -d "$cache/root.XXXXXX")
    debian --variant=minbase --format=tar \
        --include=systemd-sysv,dbus,iproute2,procps,ifupdown,network-manager,netplan.io \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        bookworm "$work/root.tar"
    mv "$work/root.tar" "$out"
fi
echo "$out"
