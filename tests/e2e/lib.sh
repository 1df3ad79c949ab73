# Sourced by the end-to-end tests. They get MPBATCH (the binary), LAUNCH (how to start it: empty, or an
# mpirun with its arguments) and HELPERS (the directory of the small programs that tasks run).
# shellcheck shell=bash disable=SC2034 # what tests use
set -u
shopt -s lastpipe # so that `… | batch` sets $code here
: "${MPBATCH:?the mpbatch to test}" "${HELPERS:?the directory of the test programs}"
read -ra LAUNCHER <<<"${LAUNCH:-}"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
: "${OTHER_MPI:=}" "${WITHOUT_MPI:=}"
unset "${!MPBATCH_@}" 2>/dev/null || true
# Other tests run beside this one: at a depth of its own it meets none of their claims to cores.
export MPBATCH_DEPTH=$(($$ * 1000))
WORK=$(mktemp -d "${TMPDIR:-/tmp}/mpbatch-e2e-XXXXXX")
# What a test that fails leaves running ends when its ranks do.
leave() {
	local p
	for p in $(ranks); do kill -KILL "$p"; done
	for _ in $(seq 100); do
		[ -n "$(processes)" ] || break
		sleep 0.05
	done
	cd / && rm -rf "$WORK"
}
trap leave EXIT
cd "$WORK" || exit 1

fail() {
	printf 'FAIL: %s\n' "$*"
	for file in out err; do
		[ -s $file ] && printf -- '--- %s (its end)\n' $file && tail -c 2000 $file
	done
	exit 1
}

skip() {
	printf 'skipped: %s\n' "$*"
	exit 77
}

# run ARG...: runs mpbatch within a minute or two, into out, err and $code.
run() {
	code=0
	timeout -k 5 "${LIMIT:-120}" "${LAUNCHER[@]}" "$MPBATCH" "$@" >out 2>err </dev/null || code=$?
}

# batch [ARG...]: the list on standard input becomes jobs.txt and is run.
batch() {
	cat >jobs.txt
	run --restart "$@" jobs.txt
}

expect_code() {
	[ "$code" = "$1" ] || fail "exit code $code, expected $1"
}

# After an interrupt: launchers that pass it on return codes of their own. MPICH's returns 0 at times
# although rank 0 ended with 3, of any MPI program; mpbatch has said then that it stops.
expect_stopped() {
	[ ${#LAUNCHER[@]} -gt 0 ] || expect_code 3
	[ "$code" != 0 ] && return
	[[ ${LAUNCHER[*]} = *mpich* ]] && grep -q 'nothing new is started' err && grep -q 'work remains' err ||
		fail "exit code 0 after an interrupt"
}

# refused WHAT-IT-SAYS ARG...: mpbatch ends with one line of error that says so, and exit code 2.
refused() {
	local says=$1
	shift
	run "$@"
	[ "$code" = 2 ] || fail "$*: exit code $code, expected 2"
	[ "$(grep -c 'mpbatch: error: ' err)" = 1 ] || fail "$*: not one line of error"
	grep -q -e "$says" err || fail "$*: '$(head -1 err)' does not say '$says'"
}

# column NAME [JOURNAL]: that column of all records.
column() {
	awk -F '\t' -v name="$1" 'NR == 2 { for (i = 1; i <= NF; i++) if ($i == name) c = i }
		NR > 2 { print $c }' "${2:-jobs.txt.mpbatch/journal.1.tsv}"
}

# of INDEX NAME: that column of one task's record.
of() {
	paste <(column index) <(column "$2") | awk -F '\t' -v i="$1" '$1 == i { print $2 }'
}

expect_of() {
	local got
	got=$(of "$1" "$2")
	[ "$got" = "$3" ] || fail "task $1: $2 is '$got', expected '$3'"
}

# wait_for COMMAND...: until it succeeds, half a minute at most.
wait_for() {
	for _ in $(seq 600); do
		"$@" && return 0
		sleep 0.05
	done
	fail "waited in vain for: $*"
}

# start LIST...: as run, but in the background; its pid is $pid.
start() {
	"${LAUNCHER[@]}" "$MPBATCH" "$@" >out 2>err </dev/null &
	pid=$!
}

# finish: waits for what start has started, two minutes at most.
finish() {
	timeout -k 5 120 tail --pid="$pid" -f /dev/null || fail "mpbatch does not end"
	code=0
	wait "$pid" || code=$?
}

# ours PGREP-ARGUMENT...: of these processes those in this test's directory, as others run beside it.
ours() {
	for p in $(pgrep "$@"); do
		[[ $(readlink "/proc/$p/cwd") = "$WORK"* ]] && echo "$p"
	done
}

# The ranks (not their keepers and executors) of the run.
ranks() {
	ours -x mpbatch
}

# Ranks, keepers and executors of the run.
processes() {
	ours '^mpbatch'
}

# Is there a process whose command line has the mark in it?
marked() {
	[ -n "$(ours -f -- "$1")" ]
}

unmarked() {
	! marked "$1"
}
