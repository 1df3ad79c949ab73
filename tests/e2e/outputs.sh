#!/usr/bin/env bash
# runs: local mpi mpich asan
# Outputs are whole, apart, and through rank 0, whatever tasks do with their descriptors.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# Many at once, each of many lines, small and large: no two are mixed.
for i in $(seq 40); do echo "for k in \$(seq $((i * 60))); do echo $i \$k; echo $i \$k >&2; done"; done | batch -q
expect_code 0
for stream in out err; do
	awk '$1 != last { if (seen[$1]++) exit 1; last = $1; n = 0 } $2 != ++n { exit 1 }' $stream ||
		fail "$stream mixes tasks, or has lost lines"
	[ "$(wc -l <$stream)" = $((60 * 40 * 41 / 2)) ] || fail "$stream has $(wc -l <$stream) lines"
done

# An unfinished line of one stream stays there, whatever follows in the other one.
printf '%s\n' 'printf begun' 'echo other >&2' 'printf " and ended"' | batch -k
expect_code 0
[ "$(cat out)" = 'begun and ended' ] || fail "an unfinished line: $(cat out)"
grep -qx other err && ! grep -q begun err || fail "an unfinished line goes to the other stream"

# /dev/stderr and /dev/stdout opened anew; output closed; a task that reads; a stray that goes on printing.
batch <<LINES
echo one > /dev/stderr; echo two > /dev/stderr; echo three > /dev/stdout; echo four
$HELPERS/closeout
cat; echo read nothing
(while :; do echo stray; sleep 0.01; done) & echo main
LINES
expect_code 0
[ "$(grep -c -e '^one$' -e '^two$' err)" = 2 ] || fail "lines to /dev/stderr are lost"
[ "$(grep -c -e '^three$' -e '^four$' out)" = 2 ] || fail "lines to /dev/stdout are lost"
grep -qx 'read nothing' out || fail "a task that reads hangs or fails"
expect_of 4 strays 1
[ "$(of 2 stdout)" = 0 ] || fail "a task that closed its output printed"

# 200 MB, more than is ever held; beside it small ones.
{
	echo "$HELPERS/blob 200000000"
	for i in $(seq 20); do echo "echo small $i"; done
	echo "$HELPERS/blob 30000000 err"
} | batch -q
expect_code 0
$HELPERS/blob 200000000 | cksum >want
grep -av '^small [0-9]*$' out | cksum | diff - want >/dev/null || fail "200 MB arrive changed: $(wc -c <out)"
[ "$(grep -ac '^small [0-9]*$' out)" = 20 ] || fail "small outputs beside a large one are lost"
[ "$(wc -c <err)" = 30000000 ] || fail "standard error has $(wc -c <err) bytes"
expect_of 1 stdout 200000000
