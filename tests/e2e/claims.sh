#!/usr/bin/env bash
# runs: local mpi mpich asan
# A run leaves the cores to other runs that they have, as long as they live.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

cores=$(nproc)
run -j 1 --show-binding
slots=$(tail -n +2 out | wc -l)
[ "$slots" -le "$cores" ] || skip "more slots than cores"
for _ in $(seq "$slots"); do echo "echo \$MPBATCH_CPUS >>mine; until test -e go; do sleep 0.05; done"; done >hold.txt
for _ in $(seq "$slots"); do echo 'echo $MPBATCH_CPUS'; done >other.txt

holding() {
	[ "$(cat mine 2>/dev/null | wc -l)" = "$slots" ]
}
hold() {
	rm -rf go mine
	start -j 1 --restart hold.txt
	wait_for holding
	mv out hold.out
	mv err hold.err
}
release() {
	touch go
	finish
	[ "$code" = 0 ] || fail "the first run: exit code $code: $(cat hold.err)"
}

# Beside another run: cores of its own while there are some, and a word where there are not.
beside() {
	local what=$1
	shift
	run --restart "$@" other.txt
	expect_code 0
	if [ $((2 * slots)) -le "$cores" ]; then
		[ -z "$(sort mine out | uniq -d)" ] || fail "$what: on the cores of another run: $(cat out), that has $(cat mine)"
		if grep 'other runs' err; then fail "$what: a word though there are cores enough"; fi
	else
		[ "$(grep -c 'warning: .*other runs have' err)" = 1 ] || fail "$what: not one warning"
	fi
}
hold
beside "beside another run" -j 1
run -j 1 --show-binding
if [ $((2 * slots)) -le "$cores" ]; then
	[ -z "$(tail -n +2 out | cut -f 4 | sort - mine | uniq -d)" ] || fail "--show-binding: $(cat out), but another run has $(cat mine)"
fi
# More slots than what is left.
run --restart -j "$cores" other.txt
expect_code 0
[ "$(grep -c 'warning: .*other runs have' err)" = 1 ] || fail "-j $cores beside another run: not one warning"
# Not bound: nobody asks.
run --restart -j 1 --bind none other.txt
if grep 'other runs' err; then fail "--bind none asks for other runs"; fi
[ "$(sort -u out)" = "$("$HELPERS/printcpus")" ] || fail "--bind none beside another run: on $(sort -u out)"
release

# Nothing is left of it.
beside_nobody() {
	run --restart -j 1 other.txt
	expect_code 0
	if grep 'other runs' err; then fail "$1: its cores are still taken"; fi
}
beside_nobody "the first run has ended"
hold
for p in $(ranks); do kill -KILL "$p"; done
wait "$pid" 2>/dev/null
gone() {
	[ -z "$(ranks)" ]
}
wait_for gone
beside_nobody "the first run was killed"

# What is left of the cores is all that "auto" takes.
if [ ${#LAUNCHER[@]} = 0 ] && [ "$cores" -gt 1 ]; then
	hold
	run --restart other.txt
	[ "$(grep -c "other runs have 1 of the $cores cores" err)" = 1 ] || fail "-j auto takes less without a word"
	grep -q " $((cores - 1)) slots\? of 1 host" err || fail "-j auto beside another run: not $((cores - 1)) slots"
	# Whoever's they are.
	if [ "$(id -u)" = 0 ] && setpriv --reuid nobody --clear-groups test -x "$MPBATCH"; then
		setpriv --reuid nobody --clear-groups "$MPBATCH" -j 1 --show-binding >map 2>err || fail "as another user"
		[ -z "$(tail -n +2 map | cut -f 4 | sort - mine | uniq -d)" ] || fail "another user's run: $(cat map)"
	fi
	release
fi

# A run within a task has the cores of its task, and does not meet the run around it.
# shellcheck disable=SC2016
batch -j 1 <<LINES
echo \$MPBATCH_CPUS; "$MPBATCH" -q -- 'echo \$MPBATCH_CPUS \$MPBATCH_DEPTH >inner.{}' ::: 1 2
LINES
expect_code 0
depth=$((MPBATCH_DEPTH + 2))
[ "$(cat inner.1)" = "$(cat out) $depth" ] && [ "$(cat inner.2)" = "$(cat out) $depth" ] ||
	fail "within a task on $(cat out): $(cat inner.1 inner.2)"
if grep 'other runs' err; then fail "the run around it is another run"; fi
