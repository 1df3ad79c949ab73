#!/usr/bin/env bash
# runs: local asan
# Who is stopped (SIGSTOP) holds nobody up: TERM ends the run, and nothing is left.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

executors() { ours '^mpbatch:[0-9]'; }
keeper() { ours '^mpbatch:keeper'; }
gone() { [ -z "$(processes)" ]; }
begun() { [ -e begun.1 ] && [ -e begun.2 ]; }

# begin: a run whose two slots are busy
begin() {
	rm -f begun.*
	for i in 1 2 3 4; do echo "touch begun.$i; sleep 98766"; done >jobs.txt
	start --restart -j 2 "$@" jobs.txt
	wait_for begun
}

ends() { # WHAT: it does, after TERM
	kill -TERM $pid
	finish
	expect_code 3
	wait_for gone
	wait_for unmarked 'sleep 98766'
	[ ! -e begun.3 ] || fail "$1: something new was started"
}

# executor_stopped
begin
kill -STOP "$(executors | head -1)"
ends executor_stopped
[ "$(column reason | sort | tr '\n' ' ')" = 'cancelled cancelled ' ] || fail "the journal has $(column reason | tr '\n' ' ')"

# keeper_stopped
begin
kill -STOP "$(keeper)"
ends keeper_stopped
[ "$(column reason | sort | tr '\n' ' ')" = 'cancelled cancelled ' ] || fail "the journal has $(column reason | tr '\n' ' ')"

# keeper_stopped_executor_dead: who would tell that it died is stopped
begin
kill -STOP "$(keeper)"
kill -KILL "$(executors | head -1)"
ends keeper_stopped_executor_dead

# all_stopped
begin
# shellcheck disable=SC2046 # pids
kill -STOP "$(keeper)" $(executors)
ends all_stopped

# store_stopped: whether what was stored is safe cannot be asked
begin --output store
kill -STOP "$(executors | head -1)"
kill -TERM $pid
finish
case $code in 3 | 4) ;; *) fail "store_stopped: exit code $code" ;; esac
wait_for gone

# stopped_and_killed: who dies continues whom it had made, so that nothing stays stopped for ever
begin
# shellcheck disable=SC2046 # pids
kill -STOP "$(keeper)" $(executors)
kill -KILL $pid
code=0
wait $pid 2>/dev/null || code=$?
wait_for gone
wait_for unmarked 'sleep 98766'

# keeper_stopped_at_the_start: TERM while executors are still to come
seq 100 >jobs.txt
sed -i 's/.*/sleep 98766/' jobs.txt
start --restart -j 100 jobs.txt
has_keeper() { [ -n "$(keeper)" ]; }
wait_for has_keeper
kill -STOP "$(keeper)"
kill -TERM $pid
finish
[ "$code" != 0 ] || fail "keeper_stopped_at_the_start: exit code 0"
wait_for gone
