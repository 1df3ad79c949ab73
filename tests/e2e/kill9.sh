#!/usr/bin/env bash
# runs: local mpi3 mpich asan
# When a rank dies by SIGKILL, its tasks and all their descendants go too; when an executor dies, the
# run goes on.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

cat >jobs.txt <<LINES
sleep 98761 & setsid sleep 98761 & $HELPERS/daemonise 98761 & $HELPERS/forker 3 & touch started.1; sleep 98761
sleep 98761 & (setsid sh -c 'sleep 98761 & sleep 98761' &) ; touch started.2; sleep 98761
LINES
start -j 2 jobs.txt
wait_for test -e started.1
wait_for test -e started.2
victims=$(ranks)
[ -n "$victims" ] || fail "no rank found"
# One rank that has tasks, or the only one.
kill -9 "$(echo "$victims" | tail -1)"
[ ${#LAUNCHER[@]} = 0 ] || kill -9 $victims 2>/dev/null
finish
gone() { [ -z "$(processes)" ]; }
wait_for gone
unmarked 'sleep 98761' || fail "a descendant lives on"

# The task kills its executor: it is lost, and nothing else is.
{
	echo true
	echo 'kill -9 $PPID; sleep 98762'
	for i in $(seq 20); do echo "echo $i >> ran"; done
} | batch -j 1
expect_code 1
expect_of 2 reason lost
[ "$(column reason | grep -c '^ok$')" = 21 ] || fail "tasks beside the lost one did not succeed"
[ "$(sort -n ran)" = "$(seq 20)" ] || fail "tasks ran twice or never: $(sort -n ran | tr '\n' ' ')"
grep -q 'killed by signal 9' err || fail "no word about the executor that died"
wait_for unmarked 'sleep 98762'
