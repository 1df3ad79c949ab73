#!/usr/bin/env bash
# runs: local mpi3 mpich asan
# Lists that are short, empty, missing, a directory, unreadable, bad; run directories that are there.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# --show-binding makes no run directory.
echo 'echo alone' >jobs.txt
run --show-binding jobs.txt
expect_code 0
[ ! -e jobs.txt.mpbatch ] || fail "--show-binding makes a run directory"

echo 'echo alone' | batch
expect_code 0
grep -qx alone out || fail "one task does not run"
[ "$(column index)" = 1 ] || fail "one task is recorded $(column index | wc -l) times"

printf '\n# nothing\n' | batch
expect_code 0
grep -q 'empty' err || fail "an empty list has no clear message"

# A run directory of a run that failed is not overwritten; --restart keeps one generation.
echo false | batch
run jobs.txt
expect_code 2
grep -q -- '--restart' err || fail "the message does not name --restart"
echo 'echo again' | batch
[ -f jobs.txt.mpbatch.old/journal.1.tsv ] || fail "--restart has not moved the earlier run aside"

refused 'missing.txt' missing.txt
mkdir directory
refused 'directory' directory
printf 'touch ran\necho a\0b\ntouch ran\n' >nul.txt
refused 'nul.txt:2' nul.txt
[ ! -e ran ] || fail "something of a bad list was run"
# A script given as a list: each of its lines would run, side by side.
printf '#!/bin/bash\n#SBATCH --array=1-3\ncd scratch\ntouch ran\n' >array.sh
refused "array.sh:1:1: '#!/bin/bash'.*-- ./array.sh.*--list array.sh" array.sh
refused "this is a script" --check array.sh
[ ! -e ran ] || fail "lines of a script were run"
echo '#mpbatch timeout=5' >misspelt.txt
refused "misspelt.txt:1:1: .*expected '#MPBATCH'" --check misspelt.txt
printf '#!/bin/sh\necho taken\n' >taken.txt
run --list taken.txt
expect_code 0
grep -qx taken out || fail "--list does not take a list as it is"
refused '--no-such' --no-such jobs.txt
refused 'unknown option --jbos=2: expected --jobs' --jbos=2 jobs.txt
refused 'unknown option --dryrun: expected --dry-run' --dryrun jobs.txt
refused "option --quiet takes no value.*'=yes'" --quiet=yes jobs.txt
refused 'unknown option -x' -qx jobs.txt
refused 'option --jobs needs a value' jobs.txt --jobs
refused 'not an expression' --where= -- echo ::: 1
refused 'go with a command template' --zip jobs.txt
refused '--jobs' -j 0 jobs.txt
refused '--bind' --bind nowhere jobs.txt
refused 'one list' jobs.txt jobs.txt
MPBATCH_JOBS=many refused 'MPBATCH_JOBS' --restart jobs.txt
MPBATCH_JOBS=many refused 'MPBATCH_JOBS' --dry-run jobs.txt
# What the user may not read or write; root may, so there as nobody.
mkdir locked
echo 'touch ran' >locked/jobs.txt
echo 'touch ran' >secret.txt
chmod 000 secret.txt
chmod 755 "$WORK" locked
as_user=()
[ "$(id -u)" = 0 ] && as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
if [ ${#LAUNCHER[@]} = 0 ] && "${as_user[@]}" test -x "$MPBATCH"; then
	LAUNCHER=("${as_user[@]}")
	chmod 555 locked
	refused 'secret.txt' secret.txt
	refused 'locked/jobs.txt.mpbatch' locked/jobs.txt
	[ ! -e locked/ran ] || fail "something of a list whose directory is locked was run"
	LAUNCHER=()
fi
refused 'no-dir' --run-dir no-dir/deep/run jobs.txt
[ ! -e ran ] || fail "something was run"

# --check runs nothing; its exit code is that of the worst. Launchers add words and codes of their own.
if [ ${#LAUNCHER[@]} = 0 ]; then
	printf 'for i in 1 2; do echo x; done >ran\n#MPBATCH cwd=. env:PATH=%s\n./tool <tool\n' "$PATH" >check.txt
	cp "$(type -P true)" tool
	run --check check.txt
	expect_code 0
	[ "$(cat out)" = '2 tasks, 0 warnings, 0 errors' ] || fail "--check"
	printf '#MPBATCH prefix=nice\ncat <missing\n' >>check.txt
	run --check check.txt
	expect_code 1
	grep -q '^check.txt:5:11: warning: missing: ' out || fail "--check: no warning, or elsewhere"
	printf '#MPBATCH reset\nfor i in 1 2; do\n  touch ran\ndone\n' >>check.txt
	run --check check.txt
	expect_code 2
	[ "$(grep -c ': error: .*without' out)" = 2 ] || fail "--check of a loop over several lines"
	refused 'missing.txt' --check missing.txt
	[ ! -e ran ] || fail "--check has run something"
	for action in --check --dry-run --count; do
		"$MPBATCH" $action check.txt >/dev/full 2>err
		[ $? = 4 ] || fail "$action to a full disk is not a failure of its own"
	done
fi

# Standard input, read as it comes: the first task runs while the list is still open.
mkfifo pipe
timeout -k 5 120 "${LAUNCHER[@]}" "$MPBATCH" -q - <pipe >out 2>err &
pid=$!
exec 3>pipe
echo "echo first > first" >&3
wait_for test -s first
echo "echo second > second" >&3
wait_for test -s second
exec 3>&-
wait $pid || fail "the run from a pipe failed"
[ ! -e -.mpbatch ] || fail "a list from standard input has left a run directory"

# A list that turns bad while tasks are handed out: the message that was being made was spoilt, and the run died.
mkfifo fifo
printf 'true\ntrue\n#MPBATCH nonsense=1\ntrue\n' >fifo &
run -j 4 --run-dir bad fifo
wait
expect_code 3
grep -q 'fifo:3:.*nonsense' err || fail "the bad line is not named"
! grep -q 'cannot be read' err || fail "a message is broken"

# --- a list that is run is a changed list wherever it is changed: also a small one, behind its last task ---
printf 'echo echo added >>jobs.txt\necho b\n' | batch
expect_code 3
grep -q 'jobs.txt has changed since the run began' err || fail "an appended line is ignored"
run -q --resume jobs.txt
expect_code 0
[ "$(cat out)" = added ] || fail "a resume after an appended line ran: $(cat out)"
