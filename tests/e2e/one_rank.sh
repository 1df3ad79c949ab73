#!/usr/bin/env bash
# runs: mpi3 mpich
# One rank alone is told to stop: its task is ended, and the others run the rest.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

for i in $(seq 12); do echo "echo \$PPID >rank.\$MPBATCH_RANK; touch began.$i; test $i -gt 2 || while ! test -e go; do sleep 0.02; done"; done >jobs.txt
start jobs.txt
wait_for test -e began.1
wait_for test -e began.2
# Rank 2 is the parent of its keeper, which is that of the executor.
executor=$(cat rank.2)
keeper=$(awk '{ print $4 }' "/proc/$executor/stat")
kill -TERM "$(awk '{ print $4 }' "/proc/$keeper/stat")"
wait_for grep -q 'its rank was told to stop' err
touch go
finish
expect_code 3
[ "$(column reason | sort | uniq -c | xargs)" = '1 cancelled 11 ok' ] || fail "reasons: $(column reason | sort | uniq -c)"
run --resume jobs.txt
expect_code 0
[ "$(column index jobs.txt.mpbatch/journal.2.tsv | wc -l)" = 1 ] || fail "not only the cancelled task ran again"
