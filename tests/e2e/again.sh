#!/usr/bin/env bash
# runs: local mpi3 mpich asan
# "mpbatch resume RUN" goes on with a run: nothing of its command line need be typed again.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# again DIRECTORY ARG...: mpbatch resume ARG... from there.
again() {
	local from=$1 home=$PWD
	shift
	cd "$from" || exit 1
	run resume "$@"
	[ "$from" -ef "$home" ] || mv out err "$home"
	cd "$home" || exit 1
}

mkdir -p work elsewhere
# --- a list: the closing lines say how, from any directory it goes on where it was, with its options ---
printf '%s\n' 'echo one' 'test -e ok && pwd && echo "$VALUE"' >work/jobs.txt
(cd work && run --env VALUE=kept --restart -k jobs.txt && mv err ../err)
grep -q '^mpbatch: mpbatch resume jobs.txt.mpbatch runs what has not succeeded$' err ||
	fail "the closing lines do not say how to go on: $(cat err)"
touch work/ok
again elsewhere ../work/jobs.txt.mpbatch
expect_code 0
[ "$(xargs <out)" = "$(cd work && pwd) kept" ] || fail "a list goes on otherwise: $(cat out)"
[ ! -d work/jobs.txt.mpbatch.old ] || fail "--restart of the first session was done again"
again elsewhere ../work/jobs.txt
expect_code 0
grep -q 'nothing to run: all 2 tasks succeeded' err || fail "a list does not name its run: $(cat err)"

# --- options behind RUN go before those it has, for this session ---
printf 'exit %s\n' 1 2 3 >work/three
(cd work && run --run-dir kept three)
again . work/kept --joblog log --resume=failed
expect_code 1
[ "$(wc -l <work/log)" = 4 ] || fail "options behind RUN do not count"
again . work/kept
[ "$(column exit work/kept/journal.3.tsv | sort | xargs)" = '1 2 3' ] || fail "the third session: $(column exit work/kept/journal.3.tsv)"
[ "$(wc -l <work/log)" = 4 ] || fail "options of an earlier resume stay"

# --- templates, words with blanks, variables, and more than one session of them ---
(
	cd work && export MPBATCH_RUN_DIR=values MPBATCH_TAG=1
	run --env 'A=x y' -- sh -c 'test -e go && echo "$A" "$1"' - '{}' ::: 'p  q' "it's"
)
touch work/go
again elsewhere ../work/values -k
expect_code 0
printf "p  q\tx y p  q\nit's\tx y it's\n" | cmp - out || fail "a template goes on otherwise: $(cat out)"

# --- values from standard input have to come again ---
piped() {
	(cd work && printf '1\n0\n' | timeout -k 5 60 "${LAUNCHER[@]}" "$MPBATCH" "$@" >../out 2>../err)
}
piped --run-dir piped -- 'test -e {} || exit {}'
grep -q 'piped runs what has not succeeded; it wants its input again' err ||
	fail "no word of standard input: $(cat err)"
touch work/1
piped resume piped
grep -q '1 succeeded in earlier sessions' err || fail "a template with values from standard input: $(cat err)"

# --- outputs that were stored are stored again, however it is resumed ---
printf '%s\n' 'echo one' 'test -e more && echo two' >stored.txt
run --output store stored.txt
touch more
run resume stored.txt
expect_code 0
[ -z "$(<out)" ] || fail "stored outputs are printed: $(cat out)"
"$MPBATCH" output stored.txt >got || fail "output: $?"
[ "$(xargs <got)" = 'one two' ] || fail "stored outputs: $(cat got)"
echo false >>stored.txt
run --resume stored.txt
grep -q 'outputs are stored, as in earlier sessions' err || fail "--resume prints what was stored"
run --resume --output group stored.txt
! grep -q 'outputs are stored' err || fail "--output group is not taken"

# --- how the session began, also by a variable, is not how it goes on ---
printf 'echo a >>log\ntest -e mended && echo b >>log\n' >began.txt
MPBATCH_RESUME=failed run -q --restart began.txt
touch mended
MPBATCH_RESTART=1 run resume began.txt -q
expect_code 0
[ "$(xargs <log)" = 'a b' ] || fail "a resume began anew: $(xargs <log)"

# --- the element of a job array around, and the directory, are the run's ---
export SLURM_ARRAY_TASK_ID=7
run --run-dir element -- sh -c 'echo "$SLURM_ARRAY_TASK_ID" >>elements; test -e mended.{}' ::: 1
unset SLURM_ARRAY_TASK_ID
echo 'test -e mended.1' >pwd.txt
run pwd.txt
touch mended.1
again elsewhere ../element
expect_code 0
[ "$(sort -u elements)" = 7 ] || fail "another element: $(cat elements)"
echo 'printenv PWD' >>pwd.txt # no shell, which would know better
again elsewhere ../pwd.txt
expect_code 0
[ "$(<out)" = "$PWD" ] || fail "another directory: $(cat out)"

# --- what is wrong ---
refused 'resume: expected mpbatch resume RUN' resume
refused 'resume: expected mpbatch resume RUN' resume --restart work/kept
refused "'nowhere': expected a run directory, or a list that has" resume nowhere
refused "resume: 'more.txt' is no option" resume stored.txt more.txt
refused "resume: '--' is no option" resume stored.txt -- echo
refused 'resume goes on with RUN: expected it without --restart' resume stored.txt --restart
refused 'resume goes on with RUN: expected it without --restart, --run-dir' resume stored.txt --run-dir x
refused "stored.txt.mpbatch is a run directory: expected 'mpbatch resume stored.txt.mpbatch'" stored.txt.mpbatch
refused 'the values stand in RUN' resume work/values --zip
refused 'the values stand in RUN' resume work/values -a work/three
(cd work && echo false | timeout -k 5 60 "${LAUNCHER[@]}" "$MPBATCH" -q --run-dir nothing - >../out 2>../err)
refused 'there is no task, and earlier sessions had some' resume work/nothing
run resume --help
expect_code 0
run resume work/kept -q --tagstring $'\xff'
run resume work/kept -q
expect_code 1
run --run-dir latin --joblog $'\xe4' -- 'exit {}' ::: 1
refused 'not kept exactly, as it is not UTF-8: expected the whole command line again' resume latin
rm -r elsewhere
mkdir elsewhere
(cd elsewhere && echo false >l && run l)
mv elsewhere there
refused 'cannot go to the directory the run was started in' resume there/l
