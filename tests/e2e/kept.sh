#!/usr/bin/env bash
# runs: local mpi3 asan
# Run directories that no list names: under a launcher and in a batch job by default, found again by --resume.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
unset SLURM_JOB_ID SLURM_ARRAY_TASK_ID PBS_JOBID LSB_JOBID LSB_JOBINDEX FLUX_JOB_ID JOB_ID

# here DIRECTORY...: these run directories are there, and no others.
here() {
	local got
	got=$(shopt -s nullglob && echo mpbatch.*)
	[ "$got" = "$*" ] || fail "run directories '$got', expected '$*'"
}

# of_job JOB ARG...: a run in that batch job.
of_job() {
	local PBS_JOBID=$1
	export PBS_JOBID
	shift
	run "$@"
}

# --- on one machine without a job there is none; the closing lines say what it would be good for ---
if [ ${#LAUNCHER[@]} = 0 ]; then
	run -- 'exit {}' ::: 0 1
	expect_code 1
	here
	tail -n 1 err | grep -q 'mpbatch: no run directory was kept: with --run-dir DIR' || fail "no word of --run-dir"
	run -- 'exit {}' ::: 0
	! grep -q 'run-dir' err || fail "a word of --run-dir where nothing is left to do: $(cat err)"
	start -- 'touch up; sleep {}' ::: 77
	wait_for test -e up
	kill -INT "$pid"
	finish
	expect_code 3
	grep -q 'no run directory was kept: with --run-dir DIR' err || fail "no word of --run-dir after an interrupt"
	refused '--resume needs a run directory: expected --run-dir' --resume -- true ::: a
	refused '--output store needs a run directory: expected --run-dir' --output store -- true ::: a
else
	run -- 'exit {}' ::: 0 1
	expect_code 1
	here mpbatch.1
	run -- 'exit {}' ::: 0
	grep -q '^mpbatch: run directory: mpbatch.2$' err || fail "its name is not said: $(cat err)"
	run -- 'exit {}' ::: 0 1
	grep -q 'mpbatch.1 holds a run of the same tasks that is not whole: --resume' err ||
		fail "a run that is not whole is passed over without a word: $(cat err)"
	here mpbatch.1 mpbatch.2 mpbatch.3
	run --resume -- 'exit {}' ::: 0 1
	grep -q '^mpbatch: run directory: mpbatch.3$' err || fail "not the latest is resumed: $(cat err)"
	rm -r mpbatch.?
fi

# --- --no-run-dir ---
of_job 7 --no-run-dir -- 'exit {}' ::: 1
here
! grep -q 'run-dir' err || fail "a word of --run-dir though it is not wanted: $(cat err)"
echo false >jobs.txt
run --no-run-dir jobs.txt
expect_code 1
[ ! -e jobs.txt.mpbatch ] || fail "--no-run-dir keeps one"
refused 'expected no --no-run-dir' --no-run-dir --resume jobs.txt
refused 'expected no --no-run-dir' --no-run-dir --run-dir x jobs.txt
MPBATCH_NO_RUN_DIR=1 run --run-dir x -- true ::: a
[ -e x/journal.1.tsv ] || fail "--run-dir does not go before MPBATCH_NO_RUN_DIR"

# --- a job's runs have directories of their own; the same job finds each again by its tasks ---
task='test {} = a || test -e fixed && echo {} >>ran'
of_job 7.host -- "$task" ::: a b
of_job 7.host --array 1-2 -- 'test -e fixed || exit $SLURM_ARRAY_TASK_ID; echo $SLURM_ARRAY_TASK_ID >>ran'
here mpbatch.7.host mpbatch.7.host.2
of_job 7.host -q jobs.txt
[ -e jobs.txt.mpbatch ] || fail "a list has not the directory of its name"
rm -r jobs.txt.mpbatch
[ "$(sort ran)" = a ] || fail "ran: $(cat ran)"
touch fixed
of_job 7.host --resume -j 2 --array 1-2 -- 'test -e fixed || exit $SLURM_ARRAY_TASK_ID; echo $SLURM_ARRAY_TASK_ID >>ran'
expect_code 0
grep -q '^mpbatch: run directory: mpbatch.7.host.2$' err || fail "not found again: $(cat err)"
of_job 7.host --resume -- "$task" ::: a b
expect_code 0
here mpbatch.7.host mpbatch.7.host.2
[ "$(sort ran | xargs)" = '1 2 a b' ] || fail "a resumed job ran: $(cat ran)"
of_job 7.host --resume -- "$task" ::: a b
[ "$(sort ran | xargs)" = '1 2 a b' ] || fail "a whole run ran again: $(cat ran)"
of_job 7.host --resume -- "$task" ::: c
expect_code 0
grep -q -e '--resume: no earlier run has just these tasks' err || fail "nothing to resume, without a word: $(cat err)"
here mpbatch.7.host mpbatch.7.host.2 mpbatch.7.host.3

# --- another job goes on with what is not whole, and runs anew what is ---
of_job 8 --resume -- "$task" ::: a b
here mpbatch.7.host mpbatch.7.host.2 mpbatch.7.host.3 mpbatch.8
rm -r mpbatch.* fixed
of_job 7 -- "$task" ::: a b
touch fixed
of_job 8 --resume -- "$task" ::: a b
expect_code 0
here mpbatch.7
[ -e mpbatch.7/journal.2.tsv ] || fail "what another job left is not resumed"
of_job 9 --restart -- "$task" ::: a b
here mpbatch.7 mpbatch.9
rm -r mpbatch.*

# --- one that goes on is never run beside without a word, and not resumed ---
task=': {}; touch up; test "$quick" || until test -e go; do sleep 0.1; done'
export PBS_JOBID=7
rm -f up
start -- "$task" ::: a
wait_for test -e up
mv err first # into which that one goes on writing
quick=1 of_job 8 -- "$task" ::: a
expect_code 0
grep -q 'mpbatch.7 holds a run of the same tasks that is still running' err || fail "no word of a run that goes on: $(cat err)"
PBS_JOBID=9 refused '--resume of the same tasks: mpbatch.7 is in use by process' --resume -- "$task" ::: a
touch go
finish
unset PBS_JOBID
here mpbatch.7 mpbatch.8
rm -r mpbatch.*

# --- elements of an array around are different runs, whatever their command says ---
PBS_ARRAY_INDEX=1 of_job '7[1]' -- 'exit 1' ::: a
PBS_ARRAY_INDEX=2 of_job '7[2]' --resume -- 'exit 1' ::: a
here 'mpbatch.7[1]' 'mpbatch.7[2]'
PBS_ARRAY_INDEX=1 of_job '7[1]' --resume -- 'exit 1' ::: a
[ -e 'mpbatch.7[1]/journal.2.tsv' ] || fail "an element does not find its own run again: $(cat err)"
rm -r mpbatch.*

# --- names, and what is no run of a job's own ---
of_job '12[3].a/b c' -- true ::: a
here 'mpbatch.12[3].a_b_c'
rm -r mpbatch.*
LSB_JOBID=5 LSB_JOBINDEX=2 run -- true ::: a
LSB_JOBID=6 LSB_JOBINDEX=0 run -- true ::: a
here mpbatch.5.2 mpbatch.6
rm -r mpbatch.*
of_job 7 -- "$MPBATCH -q -- true ::: {}" ::: a
expect_code 0
here mpbatch.7
rm -r mpbatch.*
mkdir theirs && ln -s theirs mpbatch.7
of_job 7 --resume -- true ::: a
expect_code 0
[ -e mpbatch.7.2/journal.1.tsv ] && [ -z "$(ls theirs)" ] || fail "a symbolic link is taken for a run directory"
rm -r mpbatch.*

# --- of a pipe nothing tells which run it was ---
export PBS_JOBID=7
printf 'echo %s\n' a b | "${LAUNCHER[@]}" "$MPBATCH" -q - >out 2>err || fail "a list from a pipe"
[ "$(wc -l <mpbatch.7/journal.1.tsv)" = 4 ] || fail "a list from a pipe has no journal"
for what in '-' '-a - -- echo'; do
	# shellcheck disable=SC2086
	refused 'from a pipe or standard input: expected --run-dir' --resume $what
done
here mpbatch.7

# --- nor is anything left of a command that had no values, which is an error ---
if [ ${#LAUNCHER[@]} -gt 0 ]; then
	refused 'the command had no values' -- echo
	here mpbatch.7
fi

# --- where none can be made, nothing runs ---
if [ "$(id -u)" != 0 ]; then
	mkdir closed && chmod 555 closed
	(cd closed && "${LAUNCHER[@]}" "$MPBATCH" -- touch ../ran-all-the-same ::: a 2>../err </dev/null) && fail "ran without"
	grep -q 'cannot make the run directory mpbatch.7 .*--no-run-dir' err || fail "a closed directory: $(cat err)"
	[ ! -e ran-all-the-same ] || fail "ran without a run directory"
fi

# --- two that look for the same run at once: one has it, and the other says so ---
rm -rf mpbatch.*
mkdir two
for i in 1 2; do
	PBS_JOBID=31 timeout -k 5 60 "${LAUNCHER[@]}" "$MPBATCH" -q --resume -- sh -c 'echo {} >>log.two; while ! test -e off; do sleep 0.02; done' ::: a \
		>two/out.$i 2>two/err.$i </dev/null &
	pids[i]=$!
done
one_left() { [ "$(cat two/err.* | grep -c 'in use by')" = 1 ]; }
wait_for one_left
touch off
wait "${pids[1]}"
wait "${pids[2]}"
[ "$(xargs <log.two)" = a ] || fail "two at once did: $(xargs <log.two)"
here mpbatch.31

# --- one of the job's own that is damaged is not passed over ---
printf '{' >mpbatch.31/run.json
(
	export PBS_JOBID=31
	refused 'an earlier run of this job: mpbatch.31/run.json' --resume -- sh -c 'echo {} >>log.two; while ! test -e off; do sleep 0.02; done' ::: a
) || exit 1
