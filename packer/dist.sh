#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Makes the archive that a vendor installs: the static replant-pack with its
# manual pages, completions and checksums. The same programs give the same bytes.
#
#   dist.sh PROGRAM RESULT-DIRECTORY
set -eu
umask 022
program=$1
out=$2
top=$(cd "$(dirname "$0")/.." && pwd)
version=$("$program" --version | cut -d' ' -f2)
name=replant-$version-x86_64
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
dir=$work/$name
mkdir -p "$dir/man" "$dir/completions"
install -m 755 "$program" "$dir/replant-pack"
install -m 644 "$top/docs/replant-pack.1" "$top/docs/replant.8" "$dir/man/"
install -m 644 "$top/docs/guide.md" "$top/docs/package.md" "$top/docs/recovery.md" "$dir/"
for shell in bash zsh fish; do
    "$program" completions $shell >"$dir/completions/replant-pack.$shell"
done
(cd "$dir" && find . -type f ! -name SHA256SUMS | LC_ALL=C sort | xargs sha256sum >SHA256SUMS)
tar --sort=name --mtime="@${SOURCE_DATE_EPOCH:-0}" --owner=0 --group=0 --numeric-owner \
    -C "$work" -cf - "$name" | gzip -n >"$work/made"
mkdir -p "$out"
mv "$work/made" "$out/$name.tar.gz"
echo "$out/$name.tar.gz"
