#!/usr/bin/env bash
# runs: local mpi3
# What has ended stays done when everything is killed at once: six such kills over 400 tasks of about 40 ms on two
# slots make few tasks run again, counted from what the tasks themselves left. A journal that
# is written when it is synced, once a second, would lose some fifty of them at each kill.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
TASKS=400 KILLS=6

mkdir marks
for i in $(seq $TASKS); do echo "sleep 0.04; echo >>marks/$i"; done >jobs.txt

no_process() {
	[ -z "$(processes)" ]
}

# Have that many tasks left a mark?
marks() {
	[ "$(find marks -type f | wc -l)" -ge "$1" ]
}

slots=(-j 2)
[ ${#LAUNCHER[@]} = 0 ] || slots=()
for n in $(seq $KILLS); do
	start "${slots[@]}" --resume jobs.txt
	wait_for marks $((n * TASKS / (KILLS + 1)))
	# shellcheck disable=SC2046 # pids
	kill -KILL "$pid" $(processes) 2>/dev/null
	wait "$pid" 2>/dev/null
	wait_for no_process
done
run "${slots[@]}" --resume jobs.txt
expect_code 0
marks $TASKS || fail "$(find marks -type f | wc -l) tasks have run"
again=$(($(cat marks/* | wc -l) - TASKS))
echo "$again of $TASKS ran again after $KILLS kills"
[ $again -le 20 ] || fail "$again tasks of $TASKS ran again after $KILLS kills"
