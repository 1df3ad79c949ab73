#!/usr/bin/env bash
# runs: local mpi3
# A disk that says only when it is synced that it took no more: no success of the last second passes unnoticed.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

[ -e "$HELPERS/failsync.so" ] || skip "$HELPERS/failsync.so is not built"
printf '#!/bin/sh\nLD_PRELOAD=%s exec %s "$@"\n' "$HELPERS/failsync.so" "$MPBATCH" >late
chmod +x late
MPBATCH=./late
touch failsync
printf 'echo %s\n' 1 2 3 | batch -q --output store
[ ${#LAUNCHER[@]} -gt 0 ] || expect_code 4
[ "$code" != 0 ] || fail "outputs that may be lost, and exit code 0"
grep -q 'slot .* outputs may be lost: sync of output' err || fail "no word about outputs that may be lost"
rm failsync
printf 'echo %s\n' 1 2 3 | batch -q --output store
expect_code 0
# One that runs for more than a second is synced before it is called a success.
touch failsync
printf 'sleep 1.2; echo %s\n' 1 | batch -q --output store
expect_of 1 reason output
