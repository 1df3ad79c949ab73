#!/usr/bin/env bash
# runs: local mpi3 asan
# Run directories, --resume by what tasks are, failed.txt and remaining.txt, the lock, barriers, --joblog, status.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# ran SESSION TEXT: the commands of that session's journal, sorted, on one line.
ran() {
	local got
	got=$(column command "jobs.txt.mpbatch/journal.$1.tsv" | sort | xargs)
	[ "$got" = "$2" ] || fail "session $1 ran '$got', expected '$2'"
}

# --- a run that was wholly successful is moved aside by the next, another is refused ---
echo 'echo a' >jobs.txt
run -q jobs.txt
run -q jobs.txt
expect_code 0
[ -d jobs.txt.mpbatch.old ] || fail "a successful run was not moved aside"
printf 'echo a\ntest -e fixed\necho b\n' >jobs.txt
run -q jobs.txt
expect_code 1
refused '2 of 3.*--resume.*--restart' jobs.txt
[ "$(cat jobs.txt.mpbatch/failed.txt)" = 'test -e fixed' ] || fail "failed.txt: $(cat jobs.txt.mpbatch/failed.txt)"
[ ! -e jobs.txt.mpbatch/remaining.txt ] || fail "remaining.txt of a run that came to its end"

# --- a run that is refused has changed nothing ---
echo kept >results
for what in '--output-file none/x' '--output-file .' '--joblog none/x' '--output-file results --joblog .'; do
	# shellcheck disable=SC2086
	refused 'option --\(output-file\|joblog\): ' --restart $what jobs.txt
	[ -s jobs.txt.mpbatch/failed.txt ] || fail "refused with $what, but the earlier run has gone"
	[ "$(cat results)" = kept ] || fail "refused with $what, but an output was emptied"
done
refused 'option --tmpdir: .*: Not a directory' --restart --tmpdir "$MPBATCH" jobs.txt
run -q --run-dir within --output-file within/results -- echo ::: a
[ "$(cat within/results)" = a ] || fail "--output-file cannot be in the run directory"

# --- what failed runs again; lines inserted, removed, moved and doubled do what one would expect ---
printf 'echo new\necho b\ntest -e fixed\necho b\n' >jobs.txt
touch fixed
run --resume jobs.txt
expect_code 0
ran 2 'echo b echo new test -e fixed'
grep -q '4 tasks; earlier sessions: 2 succeeded, 1 failed' err || fail "the start does not say what was done"
grep -q '1 task done before stood elsewhere' err || fail "the run does not say what it matched"
grep -q "1 task done before is not in the list any more: task 1 was 'echo a' and is 'echo new' now" err ||
	fail "the run does not say what is gone"
[ ! -e jobs.txt.mpbatch/failed.txt ] || fail "failed.txt stays"
run --resume jobs.txt
expect_code 0
[ -z "$(column index jobs.txt.mpbatch/journal.3.tsv)" ] || fail "a whole run ran again"
run -q jobs.txt
expect_code 0
[ ! -e jobs.txt.mpbatch/journal.2.tsv ] || fail "a run that became whole was not moved aside"

# --- halves ---
cat >jobs.txt <<'LINES'
echo a
test -e fixed2
touch began; while ! test -e go; do sleep 0.02; done
#MPBATCH barrier
echo c
LINES
start --restart -q -j 1 jobs.txt
wait_for test -e began
kill -INT "$pid"
finish
expect_stopped
[ "$(grep -vc '^#' jobs.txt.mpbatch/remaining.txt)" = 2 ] || fail "remaining.txt: $(cat jobs.txt.mpbatch/remaining.txt)"
touch go
run -q --resume=new jobs.txt
ran 2 'echo c touch began; while ! test -e go; do sleep 0.02; done'
expect_code 1
run --resume=new jobs.txt
expect_code 1
grep -q 'nothing to run: 3 of 4 tasks succeeded in earlier sessions, the other is not asked for' err || fail "what is left out is not said"
touch fixed2
run -q --resume=failed jobs.txt
ran 4 'test -e fixed2'
expect_code 0

# --- a failure that was mended does not mark another line like it as tried ---
echo 'test -e fixed4' >jobs.txt
run --restart -q jobs.txt
touch fixed4
run --resume -q jobs.txt
echo 'test -e fixed4' >>jobs.txt
run --resume=new -q jobs.txt
expect_code 0
ran 3 'test -e fixed4'

# --- a resume that is stopped early does not forget what the sessions before it did ---
for i in $(seq 300); do echo "test $((i % 2)) = 0 || { test -e fixed3 && touch began3 && sleep 60; } # $i"; done >jobs.txt
run --restart -q -j 2 jobs.txt
expect_code 1
touch fixed3
start --resume -j 1 jobs.txt
wait_for test -e began3
kill -INT "$pid"
finish
expect_stopped
cat jobs.txt.mpbatch/failed.txt jobs.txt.mpbatch/remaining.txt | sort >lists
awk 'NR % 2' jobs.txt | sort | diff - lists >changes || fail "what is to be done after an early stop: $(cat changes)"
[ "$(wc -l <jobs.txt.mpbatch/failed.txt)" -gt 100 ] || fail "what failed and was not tried again is not in failed.txt"
if [ ${#LAUNCHER[@]} = 0 ]; then
	grep -q ': 0 succeeded, 1 cancelled; 150 succeeded in earlier sessions' err || fail "the counts of an early stop"
	grep -q 'work remains: 150 of 300 tasks have not succeeded' err || fail "what is left after an early stop"
fi

# --- failed.txt keeps what directives say ---
cat >jobs.txt <<'LINES'
#MPBATCH cwd='a dir' env:X="1 2" prefix=env timeout=10m
sh -c 'pwd; echo "$X"; exit 1'
#MPBATCH reset
#MPBATCH barrier
false
LINES
run --restart -q jobs.txt
expect_code 1
cp jobs.txt.mpbatch/failed.txt again.txt
run -q -k -j 1 again.txt
[ "$(cat out)" = "$(printf '%s/a dir\n1 2' "$PWD")" ] || fail "failed.txt does something else: $(cat out)"
grep -q 'barrier' again.txt || fail "failed.txt has lost the barrier"

# ... and into which files each task prints.
run -q --run-dir files --stdout 'o/{#}.out' --cwd '{}' -- 'echo {}; test {} = a' ::: a b c
expect_code 1
run --dry-run --stdout 'o/{#}.out' --cwd '{}' -- 'echo {}; test {} = a' ::: a b c
mv out whole.txt
find a b c -type f | sort | xargs grep . >expected
for list in files/failed.txt whole.txt; do
	rm -rf b c
	run -q --run-dir "again-${list##*/}" $list
	expect_code 1
	[ "$(find a b c -type f | sort | xargs grep .)" = "$(cat expected)" ] || fail "$list prints into other files"
done
refused 'stdout=' --restart -q --output store whole.txt
printf '#MPBATCH stdout=f\necho 1\necho 2\n' >bad.txt
refused 'same output file' bad.txt
# ... however far apart the two are: a value of 1100 with 5, and a value of 1 with 1005.
for i in $(seq 1100); do echo x; done | sed '5s/.*/1100/; 1005s/.*/1/' >values
refused 'tasks 5 and 1005 have the same output file s/11005' --stdout 's/{}{#}' -a values -- true
refused 'or stdout=' --remove-empty jobs.txt

# --- what a task that is done has written, no other task writes ---
printf 'echo a\ntest -e fixed4\necho c\n' >jobs.txt
run --restart -q --cwd d --stdout '../o/{#}.txt' jobs.txt
expect_code 1
[ "$(of 3 out)" = "$PWD/d/../o/3.txt" ] || fail "the journal does not tell a task's file: $(of 3 out)"
sed -i '1i echo x' jobs.txt
touch d/fixed4
refused "task 1, 'echo x', would write .*o/1.txt, .* task 1 of session 1, 'echo a'" --resume --cwd d --stdout "$PWD/o/{#}.txt" jobs.txt
[ "$(cat o/1.txt o/3.txt)" = "$(printf 'a\nc')" ] || fail "a refused resume wrote files"
refused 'would write' --resume=failed --cwd d --stdout '../o/{#}.txt' jobs.txt
sed -i '1d; $a echo x' jobs.txt
run -q --resume --cwd d --stdout '../o/{#}.txt' jobs.txt
expect_code 0
[ "$(cat o/1.txt o/3.txt o/4.txt)" = "$(printf 'a\nc\nx')" ] || fail "a resume with a line at the end: $(grep . o/*)"
printf 'echo %s\n' a b >jobs.txt
run --restart -q --stdout 'p/{#}.txt' jobs.txt
printf 'echo %s\n' b a >jobs.txt
run -q --resume --stdout 'p/{#}.txt' jobs.txt
expect_code 0

# --- of a list that was changed it is said before anything runs; of another list nothing runs ---
printf 'echo a\necho b\n' >jobs.txt
run --restart -q jobs.txt
printf 'touch began6; while ! test -e go6; do sleep 0.02; done\necho b\n' >jobs.txt
start --resume jobs.txt
wait_for test -e began6
grep -q "1 task done before is not in the list any more: task 1 was 'echo a' and is 'touch began6;" err ||
	fail "what is gone is not said before the run"
touch go6
finish
expect_code 0
[ "$(grep -c 'not in the list any more' err)" = 1 ] || fail "what is gone is said twice"
printf 'echo %s\n' 1 2 3 >jobs.txt
run --restart -q jobs.txt
printf 'echo -v %s\n' 1 2 3 >jobs.txt
refused "none of the 3 .*: task 1 was 'echo 1' and is 'echo -v 1' now.* --resume-changed" --resume jobs.txt
head -n 1 jobs.txt >shorter.txt
refused 'none of the 3' --resume --run-dir jobs.txt.mpbatch shorter.txt
refused 'task 1 was .*, where the list has none now' --resume --run-dir jobs.txt.mpbatch /dev/null
run -q --resume-changed jobs.txt
expect_code 0
[ "$(wc -l <out)" = 3 ] || fail "--resume-changed does not go on: $(cat out)"
seq 3 | "${LAUNCHER[@]}" "$MPBATCH" -q --run-dir piped -- echo >out || fail "a pipe"
seq 3 | "${LAUNCHER[@]}" "$MPBATCH" --run-dir piped --resume -- echo -v {} >out 2>err && fail "a pipe of other tasks ran"
grep -q 'none of the 3' err || fail "a pipe of other tasks: $(cat err)"

# --- a task's number, how large the array is and the order of variables are no part of what it is ---
numbered() { run -q -k --resume --run-dir numbered -- 'echo {#}: {}; test {} != b || test -e fixed5' ::: "$@"; }
numbered a b c
numbered c b a d
expect_code 1
[ "$(cat out)" = "$(printf '2: b\n4: d')" ] || fail "values in another order: $(cat out)"
numbered b c a d
expect_code 2
grep -q "task 1, .*b.*, would have in it the number that .* of session 1 had" err || fail "a number given twice: $(cat err)"
touch fixed5
numbered a b c
expect_code 0
[ "$(cat out)" = '2: b' ] || fail "fewer values: $(cat out)"
run -q --run-dir array --array 1-3 --env A=1 --env B=2 -- true
run -q -k --resume --run-dir array --array 1-4 --env B=2 --env A=1 -- true
expect_code 0
[ "$(column index array/journal.2.tsv)" = 4 ] || fail "a larger array ran again: $(column index array/journal.2.tsv)"
run -q --run-dir width --cwd 'w{0#}' -- echo ::: 1 2 3 4 5 6 7 8 9
run -q --resume --run-dir width --cwd 'w{0#}' -- echo ::: 1 2 3 4 5 6 7 8 9 10
[ "$(cat out)" = 10 ] || fail "a tenth task changed the others: $(cat out)"

# --- barriers ---
for i in $(seq 8); do echo "sleep 0.0$i; echo x >>before"; done >jobs.txt
{ echo '#MPBATCH barrier'; echo 'wc -l <before'; echo '#MPBATCH barrier check'; echo false; echo '#MPBATCH barrier check'; echo 'touch behind'; } >>jobs.txt
run --restart -q -j 4 jobs.txt
expect_code 3
grep -qx 8 out || fail "a barrier let a task begin before those above had ended"
[ ! -e behind ] || fail "a task behind a barrier that checks was run"
grep -q 'barrier' err || fail "no word about the barrier"

head -n 1 jobs.txt.mpbatch/remaining.txt | grep -qx '#MPBATCH barrier check' || fail "remaining.txt: $(cat jobs.txt.mpbatch/remaining.txt)"
cat jobs.txt.mpbatch/{failed,remaining}.txt >rest.txt
run -q rest.txt
expect_code 3
[ ! -e behind ] || fail "failed.txt and remaining.txt, one behind the other, run what a barrier held back"

printf '#MPBATCH colour=red\necho\n' >bad.txt
refused 'bad.txt:1:10: ' bad.txt

# --- what another may have put in the place of the run directory is believed only if it is named ---
echo 'touch ran' >jobs.txt
run -q --run-dir theirs jobs.txt
rm -r ran jobs.txt.mpbatch*
ln -s theirs jobs.txt.mpbatch
for how in --quiet --resume --restart; do
	refused 'jobs.txt.mpbatch is a symbolic link of user .*: expected .* --run-dir' $how jobs.txt
done
"$MPBATCH" status jobs.txt 2>&1 | grep -q 'mpbatch: jobs.txt.mpbatch is a symbolic link of user' ||
	fail "status does not say whose the run directory is"
run -q --resume --run-dir jobs.txt.mpbatch jobs.txt
expect_code 0
[ ! -e ran ] || fail "a run directory that was named is not believed"
rm jobs.txt.mpbatch
if mv theirs jobs.txt.mpbatch && chown 4711 jobs.txt.mpbatch 2>/dev/null; then
	refused 'jobs.txt.mpbatch belongs to user 4711: expected .* --run-dir' --resume jobs.txt
	run --resume --run-dir jobs.txt.mpbatch jobs.txt
	expect_code 0
	[ "$(grep -c 'mpbatch: jobs.txt.mpbatch belongs to user 4711' err)" = 1 ] || fail "whose a run directory is: $(cat err)"
fi
rm -r jobs.txt.mpbatch

# --- one at a time ---
printf 'touch began2; while ! test -e go2; do sleep 0.02; done\n' >jobs.txt
start --restart -q jobs.txt
wait_for test -e began2
refused 'in use by' --resume jobs.txt
refused 'in use by' --restart jobs.txt
wait_for grep -qs '"state": *"running"' jobs.txt.mpbatch/status.json
"$MPBATCH" status jobs.txt | grep -qi running || fail "mpbatch status does not say running"
for p in $(processes) "$pid"; do kill -KILL "$p" 2>/dev/null; done
finish
wait_for unmarked 'began2; while'
"$MPBATCH" status jobs.txt | grep -qi dead || fail "mpbatch status of a dead master: $("$MPBATCH" status jobs.txt)"
touch go2
run -q --resume jobs.txt
expect_code 0
"$MPBATCH" status --json jobs.txt | python3 -m json.tool >/dev/null || fail "mpbatch status --json is no JSON"

# --- a stored output that is gone or changed makes its task not done ---
for i in 1 2 3 4; do echo "echo output $i"; done >jobs.txt
run --restart -q -j 1 --output store jobs.txt
IFS=: read -r store offset _ <<<"$(of 1 store)"
printf X | dd of="jobs.txt.mpbatch/$store" bs=1 seek=$((offset + 2)) conv=notrunc 2>/dev/null
"$MPBATCH" output jobs.txt 1 >out 2>err && fail "a damaged output is shown"
run --resume --output store jobs.txt
expect_code 0
[ "$(column index jobs.txt.mpbatch/journal.2.tsv | wc -l)" = 1 ] || fail "not one damaged output was made again"
[ "$("$MPBATCH" output jobs.txt | sort)" = "$(seq -f 'output %g' 4)" ] || fail "outputs of two sessions: $("$MPBATCH" output jobs.txt)"

run --resume --output store jobs.txt
! grep -q 'stored output' err || fail "an output that was made again is still missing: $(cat err)"
rm jobs.txt.mpbatch/status.json
"$MPBATCH" status --json jobs.txt >out
python3 -c 'import json; s = json.load(open("out")); assert s["done_before"] + s["ended"].get("ok", 0) == 4, s' ||
	fail "a task whose output was made again counts twice: $(cat out)"

# --- a number that meant another task in an earlier session gives nobody's output away ---
printf 'echo %s\n' A B >jobs.txt
run --restart -q --output store jobs.txt
sed -i '1i echo X' jobs.txt
run -q --resume --output store jobs.txt
[ "$("$MPBATCH" output jobs.txt 1)" = X ] || fail "output of a number of now"
for number in 2 3; do
	"$MPBATCH" output jobs.txt $number >out 2>err && fail "task $number has another's output: $(cat out)"
	[ ! -s out ] && grep -q 'since the list was changed' err || fail "task $number: $(cat out err)"
done
"$MPBATCH" output --export exported jobs.txt 2>err && fail "exported under numbers of then: $(grep . exported/*)"
[ "$(ls exported)" = "$(printf '1.err\n1.out')" ] || fail "exported under numbers of then: $(grep . exported/*)"
[ "$("$MPBATCH" output --session 1 jobs.txt 2)" = B ] || fail "output of a number of then"
for i in 1 2 3 4; do echo "echo output $i"; done >jobs.txt

# --- a damaged line of the journal matters until a resume has done again what it said ---
run --restart -q --output store jobs.txt
sed -i '4s/./X/' jobs.txt.mpbatch/journal.1.tsv
"$MPBATCH" output jobs.txt >out 2>err && fail "a damaged line of the journal is no word worth"
run -q --resume --output store jobs.txt
"$MPBATCH" output jobs.txt >out 2>err || fail "a damaged line of an earlier session counts for ever"
[ "$(sort out)" = "$(seq -f 'output %g' 4)" ] || fail "outputs with a damaged journal: $(cat out)"

# --- GNU parallel's log ---
run -q -j 1 --joblog log -- 'exit {}' ::: 0 3
[ "$(head -1 log)" = "$(printf 'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand')" ] || fail "--joblog has another head"
[ "$(cut -f 1,7,8,9 log | tail -n +2 | sort)" = "$(printf '1\t0\t0\texit 0\n2\t3\t0\texit 3')" ] || fail "--joblog: $(cat log)"

# shellcheck disable=SC2016 # for the task's shell
run -q -j 1 --joblog log -- 'kill -{} $$' ::: 9
[ "$(tail -n 1 log | cut -f 7,8)" = "$(printf '137\t9')" ] || fail "--joblog: no 128 and the signal: $(tail -n 1 log)"

run -q -j 1 --joblog log -- true ::: a
[ "$(wc -l <log)" = 2 ] || fail "--joblog goes on with an earlier run's"
ln -s log link
run -q -j 1 --joblog link -- true ::: a
[ -L link ] && [ "$(wc -l <log)" = 2 ] || fail "--joblog removes what it is to write to"
run -q -j 1 --joblog /dev/stderr -- true ::: a
expect_code 0
grep -q '^Seq' err || fail "--joblog /dev/stderr: $(cat err)"

printf '1\thalf' >>log
run -q -j 1 --resume --run-dir logged --joblog log -- 'exit {}' ::: 4
[ "$(tail -1 log | cut -f 1,7,9)" = "$(printf '1\t4\texit 4')" ] || fail "--joblog goes on behind a torn line: $(tail -2 log)"
mkfifo log.fifo
exec 3<>log.fifo
run -q -j 1 --joblog log.fifo -- 'exit {}' ::: 4
[ -p log.fifo ] || fail "--joblog takes away what is no file"
head -n 2 <&3 | tail -n 1 | grep -q 'exit 4' || fail "--joblog to a FIFO"
exec 3<&-
# shellcheck disable=SC2016 # for the tasks' shells
printf '%s\n' 'echo a b' 'exit 3' 'kill -9 $$' 'kill -TERM $$' "printf 'a\tb'" no-such-command 'sleep 30' >logged.txt
if command -v parallel >/dev/null; then
	parallel -j 1 --timeout 2 --joblog theirs <logged.txt >/dev/null 2>&1
	# Its versions before 20221222 write 0 where a signal ended a task.
	sed -i -E 's/\t0\t([1-9][0-9]*)(\t[^\t]*)$/\t137\t\1\2/; s/\t137\t15\t/\t143\t15\t/' theirs
	parallel -j 1 --joblog theirs2 $'echo {} "a\nb"' ::: x >/dev/null 2>&1
	run -q -j 1 --timeout 2s --joblog ours logged.txt
	run -q -j 1 --joblog ours2 -- $'echo {} "a\nb"' ::: x
	for log in "" 2; do
		# Not the host and the order, and of the times the format.
		sed -E 's/^([0-9]+)\t[^\t]*\t[0-9]{10}\.[0-9]{3}\t[ 0-9]{6}\.[0-9]{3}\t/\1 /' theirs$log | sort >theirs.sorted
		sed -E 's/^([0-9]+)\t[^\t]*\t[0-9]{10}\.[0-9]{3}\t[ 0-9]{6}\.[0-9]{3}\t/\1 /' ours$log | sort >ours.sorted
		diff theirs.sorted ours.sorted >changes || fail "--joblog differs from GNU parallel's: $(cat changes)"
	done
fi

# --- reports ---
"$MPBATCH" report jobs.txt >out || fail "mpbatch report"
"$MPBATCH" report --csv jobs.txt | head -1 | grep -q 'index.*maxrss' || fail "mpbatch report --csv"
"$MPBATCH" report --json jobs.txt | python3 -c 'import json, sys; assert len(json.load(sys.stdin)) == 4' || fail "mpbatch report --json"
