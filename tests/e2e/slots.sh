#!/usr/bin/env bash
# runs: mpi3 mpich
# Who has slots: rank 0 only dispatches where each rank has one, and works too where it is asked to, or
# where ranks have several.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

map() { # OPTION...: "rank slot, rank slot, …"
	run --show-binding "$@"
	expect_code 0
	awk -F '\t' 'NR > 1 { printf "%s%s %s", sep, $2, $3; sep = ", " }' out
}
expect_map() {
	local want=$1 got
	shift
	got=$(map "$@")
	[ "$got" = "$want" ] || fail "$*: rank slot: $got, expected $want"
}
expect_map '1 1, 2 2'
expect_map '0 1, 1 2, 2 3' --master-works
expect_map '0 1, 0 2, 1 3, 1 4, 2 5, 2 6' -j 2
# auto shares out the cores of the host, and leaves no rank without a slot
cores=$(nproc)
got=$(map -j auto | tr ',' '\n' | grep -c .)
[ "$got" = "$((cores > 3 ? cores : 3))" ] || fail "-j auto: $got slots on $cores cores of 3 ranks"
MPBATCH_JOBS=2 MPBATCH_CPUS_PER_TASK=1 expect_map '0 1, 0 2, 1 3, 1 4, 2 5, 2 6'

# Each of these slots runs tasks.
for _ in $(seq 60); do echo "sleep 0.02"; done | batch --master-works
expect_code 0
[ "$(column rank | sort -u | tr '\n' ' ')" = '0 1 2 ' ] || fail "not every rank ran tasks: $(column rank | sort | uniq -c)"
