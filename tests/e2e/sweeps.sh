#!/usr/bin/env bash
# runs: local mpi3 asan
# Sweeps, filters and job arrays; huge ones begin at once.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
argv=$HELPERS/argv

expect() {
	expect_code 0
	[ "$(tr '\n' ' ' <out)" = "$1 " ] || fail "expected '$1'"
}

run -q -k --sweep rate=0.1,0.2 --sweep seed=1..3 -- "$argv" '{rate}' '{seed}'
expect '<0.1><1> <0.1><2> <0.1><3> <0.2><1> <0.2><2> <0.2><3>'
run -q -k --sweep 'x=lin(0,1,3)' --sweep 'y=log(0.01,1,3)' --zip -- "$argv" '{x}' '{y}'
expect '<0><0.01> <0.5><0.1> <1><1>'
run -q -k --sweep n=1..10..4 --sweep name=small,large -- "$argv" '{n}{name}'
expect '<1small> <1large> <5small> <5large> <9small> <9large>'
run -q -k --sweep rate=0.1,0.3 --sweep seed=5..15..5 --where 'rate<0.3 && seed<=10' -- "$argv" '{rate}' '{seed}'
expect '<0.1><5> <0.1><10>'
refused 'as many' --sweep a=1..3 --sweep b=1..2 --zip -- "$argv"
refused 'one behind the other' --zip --sweep a=1..2 --array 1-2 --sweep b=1..2 -- "$argv"
refused 'known' --sweep a=1..3 --where 'b<1' -- "$argv"
refused 'sweep' --sweep a=1..x -- "$argv"
run --count --sweep a=1..1000000 --sweep b=1..1000 -- true
expect 1000000000

# 10^9 points: the first task runs at once, rank 0 stays small, and a second Ctrl-C need not follow.
"${LAUNCHER[@]}" "$MPBATCH" -q --run-dir big.run --sweep a=1..1000000 --sweep b=1..1000 -- 'echo {#} >>began; sleep 1000' >out 2>err </dev/null &
pid=$!
wait_for test -s began
for p in $(ranks); do
	size=$(awk '/VmHWM/ { print $2 }' "/proc/$p/status")
	[ -z "$size" ] || [[ $MPBATCH == *asan* ]] || [ "$size" -lt 100000 ] || fail "a rank took $size KiB"
done
kill -INT $pid
finish
expect_stopped

# A filter that turns everything down can be interrupted.
"${LAUNCHER[@]}" "$MPBATCH" -q --sweep a=1..1000000 --sweep b=1..1000000 --where 'a<0' -- true >out 2>err </dev/null &
pid=$!
sleep 0.5
kill -INT $pid
finish
expect_stopped

# A filter that fails at a later row, found while a batch of tasks is made up.
run -q --sweep a=1..3 --where '1/(3-a)>0' -- "$argv" '{a}'
expect_code 3
[ "$(grep -c '^mpbatch.*error' err)" = 1 ] && grep -q 'division by 0' err || fail "a filter that fails: $(cat err)"

# Job arrays.
cat >script.sh <<'END'
#!/bin/sh
#SBATCH --array=2-6:2%1
#SBATCH --time=1
echo "$SLURM_ARRAY_TASK_ID of $SLURM_ARRAY_TASK_MIN-$SLURM_ARRAY_TASK_MAX/$SLURM_ARRAY_TASK_STEP ($SLURM_ARRAY_TASK_COUNT) ${SLURM_ARRAY_JOB_ID:+job} $*"
END
chmod +x script.sh
run -q -k -- ./script.sh more
expect '2 of 2-6/2 (3) job more 4 of 2-6/2 (3) job more 6 of 2-6/2 (3) job more'
run -q -k --array 1,3-4 -- ./script.sh
expect '1 of 1-4/1 (3) job  3 of 1-4/1 (3) job  4 of 1-4/1 (3) job '
refused 'array' --array 1-x -- ./script.sh
(PATH=$WORK:$PATH; run -q -k -- script.sh; expect '2 of 2-6/2 (3) job  4 of 2-6/2 (3) job  6 of 2-6/2 (3) job ') || exit 1
# The values of other inputs are appended, the array's number is not.
run -q -k --array 1-2 -- "$argv" -x ::: a b
expect '<-x><a> <-x><b> <-x><a> <-x><b>'
# The limit: never more than one at a time.
run -q --array 1-6%1 -- 'mkdir one && sleep 0.05 && rmdir one'
expect_code 0
run -q --dry-run --array 1-3%2 -- ./script.sh
grep -q '^## at most 2 at a time' out || fail "the limit is not in the listing: $(cat out)"
[ "$(grep -c '^\./script.sh$' out)" = 3 ] || fail "not three tasks: $(cat out)"
run -q --dry-run --array 1-3 -- ./script.sh
! grep -q 'at a time' out || fail "a limit that there is not: $(cat out)"
# Its variables are part of a task's identity, the job's number is not.
SLURM_JOB_ID=1 run -q --run-dir array.run --array 1-3 -- 'exit $((SLURM_ARRAY_TASK_ID == 2))'
expect_code 1
SLURM_JOB_ID=2 run -q --resume --run-dir array.run --array 1-3 -- 'exit $((SLURM_ARRAY_TASK_ID == 2))'
[ "$(column index array.run/journal.2.tsv)" = 2 ] || fail "a resumed array runs $(column index array.run/journal.2.tsv)"
