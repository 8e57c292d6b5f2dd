#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# The tests for which neither root nor QEMU nor a release build is needed. Says
# at the end how many it left out, and for want of what.
#
#   unit.sh [WORD]      those whose name contains the word
set -eu
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/sbin:/sbin"
mkdir -p target
export REPLANT_UNIT="$PWD/target/unit-skipped"
: >"$REPLANT_UNIT"
status=0
cargo test --workspace --exclude replant-tests --tests --no-fail-fast -- "$@" || status=$?
if [ -s "$REPLANT_UNIT" ]; then
    echo
    echo "$(wc -l <"$REPLANT_UNIT") tests were skipped, which make test runs (target/unit-skipped has their names):"
    sed -n 's/.*: needs / needs /p' "$REPLANT_UNIT" | sort | uniq -c | sort -rn
fi
exit $status
