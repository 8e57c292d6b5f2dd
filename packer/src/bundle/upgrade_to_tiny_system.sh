#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Replaces the operating system of this machine by the one in this package:
# stages it, and restarts into the tiny system that does the work.
# Options are passed on; see ./replant --help.
cd "$(dirname "$(readlink -f "$0")")" || exit 1
chmod +x ./replant || exit 1
exec ./replant stage --package . --yes "$@"
