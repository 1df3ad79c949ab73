#!/usr/bin/env bash
# runs: mpi3
# Under an mpirun that lets ranks die (Open MPI 5 with --with-ft ulfm) a killed rank ends the run: what it had is
# recorded as lost, what runs elsewhere is awaited; without rank 0 the others end their tasks and leave.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

"${LAUNCHER[@]}" --with-ft ulfm --mca btl self,sm true >out 2>&1 || skip "this mpirun knows no --with-ft ulfm"
"$MPBATCH" --version | grep -q 'Open MPI v5' || skip "this build has no Open MPI 5"
LAUNCHER=("${LAUNCHER[@]:0:${#LAUNCHER[@]}-1}" 4 --with-ft ulfm --mca btl "self,sm")

# rank NUMBER: its pid
rank() {
	for p in $(ranks); do
		tr '\0' '\n' </proc/$p/environ | grep -qx "OMPI_COMM_WORLD_RANK=$1" && echo "$p"
	done
}
gone() { [ -z "$(processes)" ]; }
begun() { [ "$(find . -name 'begun.*' | wc -l)" -ge 3 ]; }
for i in $(seq 40); do echo "touch begun.$i; sleep 98768 & until [ -e go ]; do sleep 0.05; done; kill \$!"; done >jobs.txt

# killed_worker
start --restart jobs.txt
wait_for begun
kill -KILL "$(rank 2)"
wait_for grep -q 'rank 2 on .* is lost' err
touch go
finish
expect_code 3
wait_for gone
[ -n "$(column reason | grep lost)" ] || fail "nothing was recorded as lost"
[ -z "$(column index | sort | uniq -d)" ] || fail "recorded twice"
remain=$(grep -c . jobs.txt.mpbatch/remaining.txt)
[ $((remain + $(column index | wc -l))) = 40 ] || fail "$remain remain, $(column index | wc -l) are recorded, of 40"
run --resume jobs.txt
expect_code 0

# killed_master
rm -f go begun.*
start --restart jobs.txt
wait_for begun
kill -KILL "$(rank 0)"
finish
wait_for gone
wait_for unmarked 'sleep 98768'
grep -q 'rank 0 is lost' err || fail "no word about rank 0"
touch go
run --resume jobs.txt
expect_code 0
