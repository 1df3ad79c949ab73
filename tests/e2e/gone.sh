#!/usr/bin/env bash
# runs: local mpi3
# The run directory, its journal, a file of the store, the job log or the output file goes away while the run goes on
# (removed, renamed, replaced): nothing of what is written there will be found, so that is a file that
# cannot be written. Nothing more is started, what is lost is said, and the exit code is 4.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# The first tasks end, the others wait for the file go.
for i in $(seq 8); do
	echo "echo >ran/$i; [ $i -le 2 ] || until test -e go; do sleep 0.05; done; echo $i"
done >waiting.txt

# goes WHAT-IT-SAYS COMMAND [ARG...]: runs the list with ARGs, and COMMAND in its middle.
goes() {
	local says=$1 command=$2
	shift 2
	rm -rf ran go waiting.txt.mpbatch* elsewhere output log output.old
	mkdir ran
	start --run-dir waiting.txt.mpbatch "$@" waiting.txt
	wait_for [ -e ran/3 ]
	wait_for test -s waiting.txt.mpbatch/status.json
	eval "$command"
	if [ "$when" = at_once ]; then wait_for grep -q -e "$says" err; fi
	touch go
	finish
	expect_code 4
	grep -q -e "$says" err || fail "$command: nothing says '$says'"
	[ "$(grep -c 'error: ' err)" -le 2 ] || fail "$command: more than two errors"
}

one=waiting.txt.mpbatch/journal.1.tsv
when=at_once
goes "$one was removed: .*--resume.* no further task is started" "rm -r waiting.txt.mpbatch"
[ ! -e waiting.txt.mpbatch ] || fail "a run directory that was removed is there again"
goes "$one was moved away: .*--resume.* no further task is started" "mv waiting.txt.mpbatch elsewhere"
goes "$one was removed: .* no further task" "rm $one"
goes "$one was replaced: .* no further task" "cp $one copy; mv copy $one"
# Another run has taken its place: nothing of it is touched.
goes "$one was replaced: .* no further task" \
	"mv waiting.txt.mpbatch elsewhere; mkdir waiting.txt.mpbatch; echo theirs | tee $one waiting.txt.mpbatch/status.json waiting.txt.mpbatch/remaining.txt >tee.out"
[ "$(cat waiting.txt.mpbatch/*)" = "$(printf 'theirs\ntheirs\ntheirs')" ] || fail "another's run directory was written to"
# What goes away at the very end is seen as well.
when=in_the_end
goes "$one was removed" "rm -r waiting.txt.mpbatch"

when=at_once
goes "output was removed: .*" "rm output" --output-file output
goes "output was replaced: .*" "mv output output.old; echo >output" --output-file output
when=in_the_end
goes "log was removed: .*" "rm log" --joblog log
goes "output.1.[0-9]*.[0-9]* in .* was removed" "rm waiting.txt.mpbatch/output.1.*" --output store

# A run without a run directory has an output file all the same.
echo "touch began; until test -e go; do sleep 0.05; done; echo 1" >short.txt
rm -f go began
"${LAUNCHER[@]}" "$MPBATCH" --output-file output - <short.txt >out 2>err &
pid=$!
wait_for test -e began
rm output
touch go
finish
expect_code 4
grep -q 'output was removed' err || fail "no word about the output file"
