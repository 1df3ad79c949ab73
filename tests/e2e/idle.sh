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
# idle SECONDS WHOSE: these processes sleep for so long.
idle() {
	local ticks sleeps ticks_after sleeps_after started seconds limit
	sleep 4 # the polls grow slower in the first seconds of silence
	read -r ticks sleeps < <(what)
	started=$SECONDS
	sleep "$1"
	read -r ticks_after sleeps_after < <(what)
	seconds=$((SECONDS - started))
	limit=$((seconds * $(getconf CLK_TCK) / 2))
	ticks=$((ticks_after - ticks)) sleeps=$((sleeps_after - sleeps))
	echo "$2 used $ticks ticks in $seconds s and woke up $sleeps times; half a core is $limit ticks"
	[ $ticks -le $limit ] || fail "$2 use $ticks ticks in $seconds s, more than half a core"
	[ $sleeps -le $((64 * 45 * seconds)) ] || fail "$2 wake up $sleeps times in $seconds s"
}
idle 20 'ranks that run tasks'
kill -TERM $pid
finish
wait_for unmarked 'sleep 98764'

mkfifo list
start -q list
all_there() { [ "$(processes | wc -l)" -ge 64 ]; }
wait_for all_there
idle 5 'ranks without a list'
echo true >list
finish
expect_code 0
