#!/usr/bin/env bash
# runs: local asan
# Started with standard input, output or error closed: a task that prints there fails the run, and nothing that
# mpbatch opens is taken for them (a run hung for ever, waiting to write to its own signalfd).
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# closed CODE REDIRECTIONS...: of the list, in a process of its own that begins so.
closed() {
	local expected=$1
	shift
	code=0
	timeout -k 5 60 bash -c "exec \"\$0\" --restart --progress-interval 1 jobs.txt $*" "$MPBATCH" >out 2>err || code=$?
	[ "$code" = "$expected" ] || fail "with $*: exit code $code, expected $expected"
	[ -z "$(awk -F '\t' '!/^# / && $1 != "session" && $1 != 1' jobs.txt.mpbatch/journal.1.tsv)" ] ||
		fail "with $*: strange lines in the journal"
	"$MPBATCH" status --json jobs.txt >/dev/null || fail "with $*: no status"
}

printf 'echo out\necho err >&2\n' >jobs.txt
closed 0 '<&-'
[ "$(cat out)" = out ] || fail "standard output: $(cat out)"
closed 4 '>&-'
closed 4 '2>&-'
closed 4 '<&- >&- 2>&-'
echo true >jobs.txt
closed 0 '<&- >&- 2>&-'

# A reader that goes away while outputs too large to ride with their results are fetched (a run hung for ever).
for mode in group line; do
	printf 'head -c 3000000 /dev/zero\nyes\n' >jobs.txt
	{ timeout -k 5 60 "$MPBATCH" --restart --output $mode jobs.txt 2>err || echo $? >code; } | head -c 100 >/dev/null
	[ "$(cat code)" = 3 ] || fail "with $mode: exit code $(cat code), expected 3"
done
exit 0
