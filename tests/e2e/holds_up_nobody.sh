#!/usr/bin/env bash
# runs: local mpi3
# A task that runs and has printed more than its slot can keep holds up nobody: what the others print appears, and
# is recorded, while it runs, and rank 0 idles meanwhile. Its own output appears whole when it ends.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
BYTES=75000000

# The first two wait for the file go, once they have printed; the others do not.
{
	for big in a b; do
		echo "head -c $BYTES /dev/zero | tr '\\0' $big; touch printed.$big; until test -e go; do sleep 0.05; done; echo end $big"
	done
	for i in $(seq 60); do echo "head -c 20000 /dev/zero | tr '\\0' c; echo; touch marks/$i"; done
} >jobs.txt

recorded() {
	[ "$(column reason | grep -c '^ok$')" -ge "$1" ]
}

# Does rank 0 do next to nothing for half a second? At a poll every 0.2 ms it would use some five ticks.
ticks() {
	awk '{ print $14 + $15 }' "/proc/$(ranks | head -1)/stat"
}
idle() {
	local before
	before=$(ticks)
	sleep 0.5
	[ $(($(ticks) - before)) -le 2 ]
}

# Each output is whole: a line of one letter (here: each once), as often as it was printed.
whole() {
	[ "$(tr -s abc <out | sort | uniq -c | tr -s ' \n' ' ')" = " 1 aend a 1 bend b 60 c " ] &&
		[ "$(tr -dc a <out | wc -c)" = $((BYTES + 1)) ] && [ "$(tr -dc b <out | wc -c)" = $((BYTES + 1)) ]
}

for options in '' '-k'; do
	rm -rf marks go printed.* jobs.txt.mpbatch*
	mkdir marks
	slots=3
	[ ${#LAUNCHER[@]} = 0 ] || slots=2
	# shellcheck disable=SC2086 # words
	start -q -j $slots $options jobs.txt
	wait_for test -e printed.a
	wait_for test -e printed.b
	wait_for recorded 60
	[ "$(find marks -type f | wc -l)" = 60 ] || fail "not all have run beside the ones that print much"
	[ -n "$options" ] || [ "$(tr -dc c <out | wc -c)" = 1200000 ] || fail "what the others printed does not appear"
	wait_for idle
	touch go
	finish
	expect_code 0
	whole || fail "outputs are not whole"
	[ -z "$options" ] || [ "$(head -c 1 out)" = a ] || fail "-k: not in order"
done
