#!/usr/bin/env bash
# runs: mpi64
# Ranks whose slots run a long task, and rank 0, sleep: all processes of 64 ranks together take at
# most a tenth of one core (CPU time, not wall time).
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

for i in $(seq 63); do echo "touch started.$i; exec sleep 98764"; done >jobs.txt
start -q jobs.txt
all_started() { [ "$(find . -name 'started.*' | wc -l)" = 63 ]; }
wait_for all_started
ticks() { # of all our processes, tasks too
	local p sum=0
	for p in $(processes); do
		sum=$((sum + $(awk '{ print $14 + $15 }' "/proc/$p/stat" 2>/dev/null || echo 0)))
	done
	echo $sum
}
# The polls grow slower in the first seconds of silence.
sleep 4
before=$(ticks)
sleep 20
after=$(ticks)
kill -TERM $pid
finish
wait_for unmarked 'sleep 98764'
used=$((after - before))
limit=$((20 * $(getconf CLK_TCK) / 10))
echo "64 ranks used $used ticks in 20 s; a tenth of a core is $limit"
[ $used -le $limit ] || fail "idle ranks use $used ticks in 20 s, more than $limit"
