#!/usr/bin/env bash
# runs: local mpi3 asan
# mpbatch status: of long lists, resumed runs, dead ones, and where there is no snapshot to go by.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# says TEXT [RUN]: mpbatch status has it.
says() {
	"$MPBATCH" status "${2:-jobs.txt}" >out 2>err && grep -q -e "$1" out
}

# member NAME [RUN]: of its JSON object.
member() {
	"$MPBATCH" status --json "${2:-jobs.txt}" |
		python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}

blocker='touch began; while ! test -e go; do sleep 0.02; done'

# --- a list that is too long to be counted ahead ---
{ echo "$blocker"; seq -f 'true # of a list that is too long to be counted ahead: %g' 40000; } >jobs.txt
start --restart -j 1 --bar jobs.txt
wait_for says ' of about [0-9.]*k succeeded ('
[ "$(member tasks)" = 0 ] || fail "the number of a long list's tasks is said to be known"
about=$(member tasks_about)
((about > 20000 && about < 80000)) || fail "40001 tasks are about $about"
wait_for grep -q '/~[0-9.]*k tasks ended' err
kill -INT "$pid"
finish
expect_stopped
# At the end they are counted, for failed.txt and remaining.txt.
[ ${#LAUNCHER[@]} -gt 0 ] || grep -q 'work remains: 40001 of 40001 tasks have not succeeded' err ||
	fail "the summary does not say how much is left"
wait_for says ' of 40001 succeeded'
rm -f began

# --- what earlier sessions have done is known before the list has been gone through ---
{ for i in $(seq 10); do echo "test -e fixed && { $blocker; } # $i"; done; seq -f 'echo %g' 50; } >jobs.txt
run -q --restart jobs.txt
expect_code 1
touch fixed
start --resume -q -j 1 jobs.txt
wait_for says '^tasks     50 of 60 succeeded (83.3 %), 50 of them in earlier sessions'
wait_for says '^running   [12] '
touch go
finish
expect_code 0
says '^jobs.txt.mpbatch: finished, session 2, exit code 0$' || fail "the end: $(cat out)"
says '^tasks     60 of 60 succeeded (100.0 %), 50' || fail "the end: $(cat out)"
says '^failed    0$' || fail "what failed in an earlier session only: $(cat out)"

# --- where there is no snapshot, or only an earlier session's ---
cp -r jobs.txt.mpbatch other
says '^slots     [12] on 1 host$' other || fail "slots of a run that has ended are busy: $(cat out)"
head -n 2 other/journal.1.tsv >other/journal.3.tsv
says '^other: dead, session 3: ' other || fail "a session that died before its first snapshot: $(cat out)"
says '^tasks     60 succeeded' other || fail "a session that died before its first snapshot: $(cat out)"
rm other/journal.3.tsv
for text in '' '{"state": "fin' '{"state": 7}'; do
	printf '%s' "$text" >other/status.json
	says '^other: dead, session 2: ' other || fail "status.json is '$text': $(cat out err)"
	says '^tasks     60 succeeded.*50 of them' other || fail "status.json is '$text': $(cat out)"
done
rm other/status.json
[ "$(member state other)" = dead ] || fail "no status.json: $(member state other)"

# --- status and report have the words of the closing lines ---
printf '%s\n' true false 'kill -9 $$' true >words.txt
run words.txt
expect_code 1
why=' (1 by exit code, 1 by signal)'
grep -q "4 tasks: 2 succeeded, 2 failed$why\$" err || fail "the summary's words"
says "^failed    2$why\$" words.txt || fail "status has other words: $(cat out)"
"$MPBATCH" report words.txt | grep -q "^4 attempts in 1 session: 2 succeeded, 2 failed$why\$" ||
	fail "report has other words: $("$MPBATCH" report words.txt | head -1)"
echo true >>words.txt
run -q --resume=failed words.txt
says '^others    1 not asked for$' words.txt || fail "what is left for later: $(cat out)"

# --- --watch waits for a run that has not begun: no run directory, or nothing in it ---
mkdir early
for place in later.txt early; do
	"$MPBATCH" status --watch $place >watched 2>waiting &
	watcher=$!
	wait_for grep -qx "mpbatch: $place: no run has begun there yet: waiting for it" waiting
	printf 'echo %s\n' a b >later.txt
	run -q --run-dir "${place/%.txt/.txt.mpbatch}" later.txt
	wait $watcher || fail "status --watch $place: exit code $?: $(cat watched waiting)"
	grep -q ': finished, session 1, exit code 0$' watched || fail "status --watch $place: $(cat watched)"
	[ "$(wc -l <waiting)" = 1 ] || fail "status --watch $place says more than that it waits: $(cat waiting)"
done

# --- the hint to resume is the last line ---
cp -r jobs.txt.mpbatch 'it died'
sed -i 's/"state": "[a-z]*"/"state": "running"/' 'it died/status.json'
says '^it died: dead, session 2: its master is gone; this is its last snapshot$' 'it died' || fail "a dead run: $(cat out)"
[ "$(tail -n 1 out)" = "mpbatch resume 'it died' runs the rest" ] || fail "a dead run, at last: $(cat out)"
sed -i 's/"state": "[a-z]*"/"state": "stopped"/' 'it died/status.json'
says '^it died: stopped' 'it died' || fail "a run that was stopped: $(cat out)"
[ "$(tail -n 1 out)" = "mpbatch resume 'it died' runs the rest" ] || fail "a run that was stopped, at last: $(cat out)"
says '^jobs.txt.mpbatch: finished' && ! grep -q resume out || fail "a run that has finished: $(cat out)"

# --- what is no run ---
mkdir empty
for subcommand in status report output; do
	refused 'no run directory' $subcommand empty
	refused 'expected a run directory' $subcommand nowhere
done
: >none.txt
run -q none.txt
says ': the list is empty$' none.txt || fail "an empty list: $(cat out)"
"$MPBATCH" status jobs.txt >/dev/full 2>err && fail "a full disk is none to status"
exit 0
