#!/usr/bin/env bash
# runs: mpi3 mpich
# No process that has initialised MPI ever forks: a handler that is loaded into the ranks would abort.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

guard=$HELPERS/atforkguard.so
[ -e "$guard" ] || skip "$guard is not built"
printf '#!/bin/sh\nLD_PRELOAD=%s exec %s "$@"\n' "$guard" "$MPBATCH" >guarded
chmod +x guarded
MPBATCH=./guarded
{
	for i in $(seq 50); do echo "/bin/echo $i"; done
	echo 'kill -9 $PPID'
	echo 'echo through sh; exit 0'
} | batch
expect_code 1
[ "$(column reason | sort | uniq -c | tr -s ' \n' ' ')" = " 1 lost 51 ok " ] ||
	fail "with the guard: $(column reason | sort | uniq -c | tr -s ' \n' ' ')"
! grep -q 'fork after' err || fail "a process forked after MPI_Init"
