#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# What every crate costs in replant, in KiB, and the sizes that are promised.
#
#   size.sh            the table and the limits
#   size.sh limits     only the limits; fails above one
set -eu
cd "$(dirname "$0")/.."

if [ "${1-}" != limits ]; then
    # The same binary with its symbols.
    make --no-print-directory out/replant-symbols >/dev/null
    nm --print-size --size-sort --demangle --radix=d out/replant-symbols | awk '
        {
            size = $2 + 0
            name = $0
            sub(/^[0-9a-f]+ [0-9a-f]+ . /, "", name)
            if (name ~ /^lzma_|^lz_|^lzip_|^rc_|^bittree|^delta_|^x86_|^simple_|^stream_|^block_|^index_/) crate = "liblzma (C)"
            else if (name !~ /::/) crate = "musl, gcc and data"
            else {
                crate = name
                gsub(/^[<&*(\[ ]+(mut |dyn )?/, "", crate)
                # <u32 as core::fmt::Display>::fmt is core.
                sub(/^[^:<]* as [<&]*/, "", crate)
                sub(/::.*/, "", crate)
                gsub(/[^A-Za-z0-9_]/, "", crate)
                if (crate ~ /^([iuf]([0-9]+|size)|bool|char|str4?)$/) crate = "core"
            }
            sum[crate] += size
            all += size
        }
        END {
            for (crate in sum) printf "%8.1f KiB  %s\n", sum[crate] / 1024, crate | "sort -rn"
            close("sort -rn")
            printf "%8.1f KiB  all symbols\n", all / 1024
        }'
fi

failed=0
limit() { # FILE KIB
    size=$(stat -c %s "$1")
    if [ "$size" -ge $(($2 * 1024)) ]; then
        echo "$1: $((size / 1024)) KiB, the limit is $2 KiB" >&2
        failed=1
    else
        echo "$1: $((size / 1024)) KiB of $2 KiB"
    fi
    if readelf -lW "$1" | grep -q INTERP; then
        echo "$1: has an interpreter; it must be static" >&2
        failed=1
    fi
}
limit out/init 64
# 2257 KiB for the migration, and 160 for what came after it: the old machine's
# network, accounts, keys and mounts as they are, and the list of what is lost.
# 62 for saphyr-parser (netplan is YAML), and 170 for what reads netplan, wicked
# and NetworkManager's configuration, carries policy rules, lets check find all in
# one run, and compares the new system with the machine: 2649 in all.
# 44 for signed packages: minisign-verify, and what reads and judges keys.
# 36 for [carry], [hooks] and [requires], hashes that the new C library does not
# verify, and warnings about values that are none.
limit out/replant 2768
exit $failed
