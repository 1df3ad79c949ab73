#!/usr/bin/env bash
# runs: local
# On a terminal one line of progress, redrawn in place and gone at the end; elsewhere none; -q: silence.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

command -v script >/dev/null || skip "no script(1) to make a terminal"
for i in $(seq 20); do echo "echo $i; sleep 0.05"; done >jobs.txt
script -qec "stty cols 60; '$MPBATCH' --restart jobs.txt" /dev/null >terminal </dev/null ||
	fail "it fails on a terminal"
grep -q 'tasks ended' terminal || fail "no progress on a terminal"
tr '\r' '\n' <terminal | grep 'tasks ended' | while IFS= read -r line; do
	plain=${line%$'\e[K'*}
	[ ${#plain} -lt 60 ] || fail "progress is wider than the terminal: ${#plain}"
done
tr '\r' '\n' <terminal | grep -q '20 tasks: 20 succeeded' || fail "no summary"
tail -c 300 terminal | grep -q 'tasks ended.*slots.*$' && ! tail -c 300 terminal | grep -q 'succeeded' &&
	fail "the progress line is still there"
run --restart jobs.txt
! grep -q 'tasks ended' err || fail "progress where there is no terminal"
run --restart -q jobs.txt
[ ! -s err ] || fail "-q is not silent"
