#!/usr/bin/env bash
# runs: mpi3
# A rank that stands still for a minute is lost: what it had is recorded so, what runs elsewhere is awaited, and
# the run ends, though nobody has said that the rank is dead.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

rank() {
	for p in $(ranks); do
		tr '\0' '\n' </proc/$p/environ | grep -qx "OMPI_COMM_WORLD_RANK=$1" && echo "$p"
	done
}
gone() { [ -z "$(processes)" ]; }
begun() { [ "$(find . -name 'begun.*' | wc -l)" = 2 ]; }
for i in 1 2 3 4; do echo "touch begun.$i; until [ -e go ]; do sleep 0.1; done"; done >jobs.txt
start jobs.txt
wait_for begun
kill -STOP "$(rank 2)"
touch go
finish
[ "$code" != 0 ] || fail "exit code 0"
grep -q 'rank 2 on .* is lost' err || fail "no word about the rank"
[ "$(column reason | sort | uniq -c | tr -s ' \n' ' ')" = " 1 lost 3 ok " ] ||
	[ "$(column reason | sort | uniq -c | tr -s ' \n' ' ')" = " 1 lost 1 ok " ] ||
	fail "the journal has $(column reason | sort | uniq -c | tr -s ' \n' ' ')"
for p in $(ranks); do kill -CONT "$p"; done
wait_for gone
