#!/usr/bin/env bash
# runs: mpi64
# Ranks whose slots run a long task, and rank 0, sleep: all processes of 64 ranks together wake up at most 45
# times a second and rank, and none spins. What a wake-up costs is the machine's: about 40 us on a quiet one, which
# makes a tenth of one core for all of them.
# Ranks that wait for a list that rank 0 has yet to read sleep, too.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

for i in $(seq 63); do echo "touch started.$i; exec sleep 98764"; done >jobs.txt
start -q jobs.txt
all_started() { [ "$(find . -name 'started.*' | wc -l)" = 63 ]; }
wait_for all_started
# what: of all our processes, tasks too: ticks of CPU time, and how often they went to sleep.
what() {
	local p ticks=0 sleeps=0
	for p in $(processes); do
		ticks=$((ticks + $(awk '{ print $14 + $15 }' "/proc/$p/stat" 2>/dev/null || echo 0)))
		sleeps=$((sleeps + $(awk '/^voluntary/ { print $2 }' "/proc/$p/status" 2>/dev/null || echo 0)))
	done
	echo "$ticks $sleeps"
}
# The polls grow slower in the first seconds of silence.
sleep 4
read -r ticks sleeps < <(what)
started=$SECONDS
sleep 20
read -r ticks_after sleeps_after < <(what)
seconds=$((SECONDS - started))
kill -TERM $pid
finish
wait_for unmarked 'sleep 98764'
used=$((ticks_after - ticks)) slept=$((sleeps_after - sleeps))
limit=$((seconds * $(getconf CLK_TCK) / 2))
echo "64 ranks used $used ticks in $seconds s and woke up $slept times; half a core is $limit ticks"
[ $used -le $limit ] || fail "idle ranks use $used ticks in $seconds s, more than half a core"
[ $slept -le $((64 * 45 * seconds)) ] || fail "idle ranks wake up $slept times in $seconds s"

# ticks: CPU time of the run's ranks; under mpirun all of them are there once the last has a name in /proc.
mkfifo list
start -q list
all_there() { [ "$(processes | wc -l)" -ge 64 ]; }
wait_for all_there
sleep 4
read -r ticks sleeps < <(what)
started=$SECONDS
sleep 5
read -r ticks_after sleeps_after < <(what)
seconds=$((SECONDS - started))
echo true >list
finish
expect_code 0
slept=$((sleeps_after - sleeps))
echo "64 ranks without a list woke up $slept times in $seconds s"
[ $((ticks_after - ticks)) -le $((seconds * $(getconf CLK_TCK) / 2)) ] || fail "ranks without a list spin"
[ $slept -le $((64 * 45 * seconds)) ] || fail "ranks without a list wake up $slept times in $seconds s"
