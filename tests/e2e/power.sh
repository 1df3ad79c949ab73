#!/usr/bin/env bash
# runs: local mpi3
# Power failures: two sessions of a run, the first ended by SIGKILL, on a disk that is watched; then disks
# as a power failure at random instants may leave them are resumed, and must become whole.
# tests/helpers/powerloss.py says what is checked. ROUNDS and SEED choose how many and which.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
ROUNDS=${ROUNDS:-10} SEED=${SEED:-$RANDOM}
export DISK_ROOT=$WORK/disk DISK_LOG=$WORK/disk.log
here=$(cd "$OLDPWD" && cd "$(dirname "$0")" && pwd)
mkdir -p disk/marks
for i in $(seq 40); do
	# shellcheck disable=SC2016 # for the task's shell
	echo "sleep 0.$((i * 7 % 4))$((i % 10)); for n in \$(seq 0 $((i * 7 % 160 - 1))); do echo task $i line \$n; done; echo >>disk/marks/$i"
done >jobs.txt

begun() {
	[ "$(find disk/marks -type f | wc -l)" -ge 15 ]
}

# shellcheck disable=SC2030,SC2031 # only here
watched() (
	export LD_PRELOAD=$HELPERS/disk.so
	exec "${LAUNCHER[@]}" "$MPBATCH" -q -j 4 --resume --output store --run-dir disk/run jobs.txt
)

watched >out 2>err &
pid=$!
wait_for begun
for p in $(processes) "$pid"; do kill -KILL "$p" 2>/dev/null; done
wait "$pid" 2>/dev/null
gone() { [ -z "$(processes)" ]; }
wait_for gone
code=0
watched >out 2>err || code=$?
expect_code 0
unset DISK_LOG DISK_ROOT
echo "seed $SEED"
python3 "$here/../helpers/powerloss.py" "$MPBATCH" jobs.txt "$SEED" "$ROUNDS" >rounds 2>err || {
	mv rounds out
	fail "a power failure: $(grep FAIL out)"
}
tail -1 rounds
