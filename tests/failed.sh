#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs a command, and says after all that it printed which tests of it failed
# and why: cargo itself ends with the names of whole test programs.
#
#   failed.sh COMMAND...
set -u
cd "$(dirname "$0")/.."
mkdir -p target
log=target/test.log
status=target/test.status
echo 1 >"$status"
{
    "$@" 2>&1
    echo $? >"$status"
} | tee "$log"
status=$(cat "$status")
[ "$status" != 0 ] || exit 0
echo
echo "Failed (all of it is in $log):"
# A panic's place stands in one line, its words in those after it.
awk '
    /^test .* \.\.\. FAILED$/ || /^test .* has overflowed/ { print "  " $2 }
    /^thread .* panicked at / { print "    " $0; words = 3; next }
    words && /^(stack backtrace|note:)/ { words = 0 }
    words { print "      " $0; words-- }
' "$log"
exit "$status"
