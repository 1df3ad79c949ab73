#!/usr/bin/env bash
# runs: local mpi mpi64 mpich asan
# Exit codes 0 to 255, every fatal signal, 126 and 127: as the journal has them.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

signals="1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 24 25 26 27 29 30 31"
{
	for i in $(seq 0 255); do echo "$HELPERS/exitwith $i"; done
	for i in $signals; do echo "$HELPERS/killself $i"; done
	echo "sh -c 'exit 7'"
	echo "no-such-command-here"
	echo "/etc/passwd"
	echo "./no/such/file; true"
} | batch
expect_code 1
[ "$(column index | sort -n | uniq | wc -l)" = $((256 + 23 + 4)) ] || fail "tasks are missing"
[ "$(column index | wc -l)" = $((256 + 23 + 4)) ] || fail "tasks are recorded twice"
for i in $(seq 0 255); do echo "$((i + 1)) $i 0 $([ "$i" = 0 ] && echo ok || echo exit)"; done >want
n=256
for i in $signals; do
	n=$((n + 1))
	echo "$n  $i signal"
done >>want
paste -d ' ' <(column index) <(column exit) <(column signal) <(column reason) | sort -n >got
head -n 279 got | diff - want >differs || fail "$(head -5 differs)"
expect_of 280 exit 7
expect_of 281 exit 127
expect_of 282 exit 126
expect_of 283 exit 0
grep -q 'not found' err || fail "127 has no message"
grep -q '283 tasks: 2 succeeded, 281 failed (258 by exit code, 23 by signal)' err || fail "no summary, or a wrong one"
