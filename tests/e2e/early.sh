#!/usr/bin/env bash
# runs: local mpi3 asan
# INT and TERM end mpbatch wherever it waits before its first task: files without a writer, a pipe that
# stays silent. Nothing runs then, and no process is left.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

mkfifo list values silent
echo 'touch ran' >jobs.txt
exec 9<>silent # a writer that says nothing

asleep() {
	local p
	for p in $(ranks); do grep -q '^State:.S' "/proc/$p/status" 2>/dev/null && return 0; done
	return 1
}

kept() { [ -n "$(ours '^mpbatch.keeper')" ]; }

gone() { [ -z "$(processes)" ]; }

# stops SIGNAL WORDS ARG...: it waits, the signal ends it, and what it says has the words.
stops() {
	local signal=$1 words=$2
	shift 2
	"${LAUNCHER[@]}" "$MPBATCH" "$@" >out 2>err <silent &
	pid=$!
	[ -z "$words" ] || wait_for kept
	wait_for asleep
	kill "-$signal" $pid
	finish
	[ "$code" != 0 ] || fail "$*: exit code 0 after $signal"
	[ -z "$words" ] || [ ${#LAUNCHER[@]} -gt 0 ] || expect_code 3
	[ -z "$words" ] || grep -q "$words" err || [ ${#LAUNCHER[@]} -gt 0 ] || fail "$*: no word of $signal"
	wait_for gone
	[ ! -e ran ] || fail "$*: something ran"
}

before='before the first task was started'
stops TERM "$before" list
stops INT "$before" list
stops TERM "$before" -a values -- touch ran
stops TERM "$before" -- touch ran :::: values
stops TERM "$before" --csv --header -a values -- touch ran
run --run-dir rd jobs.txt && rm ran # so that the next compares its list with what is done
stops INT "$before" --resume --run-dir rd -
# What needs no slots ends as any program does.
if [ ${#LAUNCHER[@]} = 0 ]; then
	for action in --check --dry-run --count; do
		stops TERM '' $action list
		stops TERM '' $action -a values -- touch ran
	done
fi

# What is stopped before it began has begun nothing: the next run is the first.
run --restart jobs.txt
expect_code 0
[ -e ran ] || fail "the run after it"
