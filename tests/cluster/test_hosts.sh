#!/bin/bash
# mpirun over three hosts with two ranks each:
#   every task exactly once, on all hosts, each slot on cores of its own
#   one map of the binding
#   the death of a rank takes every task of every host with it
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cluster_enter hosts "$@"
need_mpbatch

run() {
    timeout --kill-after=10 60 on h1 mpirun -H h1:2,h2:2,h3:2 -n 6 mpbatch --run-dir run "$@"
}

step "a list over three hosts"
task_list 120 >jobs.txt
run --master-works jobs.txt >output || fail "mpirun returned $?"
check_run run output 120 h1 h2 h3
assert_clean 10

step "--show-binding"
rm -r run
run --master-works --show-binding jobs.txt >map || fail "mpirun returned $?"
for host in h1 h2 h3; do grep -qw $host map || fail "no $host in the map: $(<map)"; done
twice=$(grep -w 'h[1-3]' map | sort | uniq -d)
[[ -z $twice ]] || fail "more than one map: $(<map)"
assert_clean 10

step "kill -9 of a rank"
rm -rf run
for _ in {1..12}; do echo "setsid sleep 7777 & sleep 7777"; done >jobs.txt
run --master-works jobs.txt >output 2>&1 &
mpirun=$!
wait_until 20 count_is 12 sleep 7777 || fail "tasks did not start: $(<output)"

# A rank is a child of its host's daemon; keeper and executors are not.
uts=$(readlink "/proc/$(<$shared/hosts/h2)/ns/uts")
rank=
for pid in $(pgrep --parent "$(pgrep --delimiter , --exact 'orted|prted')" --exact mpbatch); do
    if [[ $(readlink "/proc/$pid/ns/uts") = "$uts" ]]; then rank=$pid; fi
done
[[ -n $rank ]] || fail "no rank on h2: $(ps -e -o pid,ppid,args)"
kill -KILL "$rank"
wait_until 15 count_is 0 sleep 7777 || fail "tasks live on: $(ps -e -o pid,ppid,args)"
if wait $mpirun; then fail "mpirun returned 0"; fi
assert_clean 10

step "done"
